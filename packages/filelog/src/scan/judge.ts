import { type Findings, hullOf, many } from './findings.js'
import { forEachLine } from './for-each-line.js'
import type { JudgeContext } from './judge-context.js'
import { judgeStretch, neverProven } from './judge-stretch.js'
import { judgeTail } from './judge-tail.js'
import {
  excuse,
  expectAbove,
  forgive,
  missingIn,
  namedLosses,
  settleByTotals,
  settleSince,
  type Region,
} from './losses.js'
import {
  CopyComparer,
  inOrder,
  placeExtras,
  type PlacedGroup,
  type ReadAgain,
} from './place-extras.js'
import type { Gap, MarkFault, Run, Stray, Stretch } from './scan-items.js'
import type { Numbers } from './numbers.js'
import type { WalkResult } from './walk-types.js'

export interface Verdict {
  /** What is kept, in the order of the numbers. */
  readonly keep: readonly Run[]
  /** The least number that is not there and of which nothing tells whether it was acknowledged. */
  readonly firstUnproven: number | null
  /** The tail is being written by a living owner. */
  readonly inFlight: boolean
  /** The only damage is a tail that can be cut off. */
  readonly onlyTail: boolean
}

/** Decides what the finds of a walk mean, and adds it to the findings. */
export async function judge(
  walk: WalkResult,
  context: JudgeContext,
  findings: Findings,
): Promise<Verdict> {
  const { numbers, soundEnd } = walk
  const again = { file: context.file, seed: context.seed, signal: context.signal }
  const tailGap = numbers.finish(context.knownEnd, soundEnd)
  const { gaps } = numbers
  const { region, compactedSince, recordedLosses } = context
  expectAbove(gaps, Math.max(region.through, compactedSince?.through ?? 0))
  const placed = await placeExtras(numbers.extras, gaps, again)
  const keep = inOrder(numbers.kept, gaps, placed)
  forgive(gaps, namedLosses(recordedLosses))
  await settle(gaps, tailGap, { keep, numbers, context, again })
  const firstUnproven = excuse(gaps, context.provenEnd, context.skipped)

  judgeHead(walk, context, findings)
  const caused = byCause(gaps)
  for (const stretch of walk.stretches) {
    if (stretch !== walk.tail) judgeStretch(stretch, caused.get(stretch) ?? [], context, findings)
  }
  for (const gap of gaps)
    if (gap !== tailGap && gap.cause === null) judgeGap(gap, context.region, findings)
  const comparer = new CopyComparer(keep, again)
  for (const group of placed)
    await judgeGroup(group, { comparer, through: region.through }, findings)
  for (const fault of numbers.faults) judgeFault(fault, findings)
  for (const stray of walk.strays) judgeStray(stray, findings)
  const before = findings.inLog
  const { inFlight } = judgeTail(walk, tailGap, context, findings)
  const cuts = walk.tail !== null && findings.setAside.at(-1)?.code === 'torn_tail'
  const unmarked = before === 0 && (cuts || findings.inLog === 0) && lacksMarks(walk, context)
  if (unmarked) {
    const detail = `No block mark answers for the numbers up to ${region.through}.`
    findings.log('block_mark_damaged', { offset: soundEnd }, { detail })
  }
  return { keep, firstUnproven, inFlight, onlyTail: before === 0 && cuts && !unmarked }
}

/** The gaps right behind each damaged stretch. */
function byCause(gaps: readonly Gap[]): Map<Stretch, Gap[]> {
  const out = new Map<Stretch, Gap[]>()
  for (const gap of gaps) {
    if (gap.dead || gap.cause === null) continue
    const list = out.get(gap.cause)
    if (list === undefined) out.set(gap.cause, [gap])
    else list.push(gap)
  }
  return out
}

/** True if marks that a rewrite had put behind the records it kept are gone. */
function lacksMarks({ numbers }: WalkResult, { hasHead, region }: JudgeContext): boolean {
  return hasHead && numbers.coverage.end().last < region.through
}

async function settle(
  gaps: readonly Gap[],
  tail: Gap | null,
  {
    keep,
    numbers,
    context,
    again,
  }: { keep: readonly Run[]; numbers: Numbers; context: JudgeContext; again: ReadAgain },
): Promise<void> {
  const { after, through, records } = context.region
  const { file, seed, signal } = again
  const countWithin = async (run: Run, first: number, last: number): Promise<number> => {
    let n = 0
    const range = { from: run.offset, to: run.end, seed, ...(signal && { signal }) }
    await forEachLine(file, range, (_chunk, _start, _end, _offset, header) => {
      if (header !== null && header.seq >= first && header.seq <= last) n++
    })
    return n
  }
  const uncovered = numbers.coverage.uncovered(after, through, records)
  const { compactedSince } = context
  const named = namedLosses(context.recordedLosses)
  await settleByTotals(gaps, uncovered, keep, { tail, countWithin, named })
  if (compactedSince !== null) settleSince(gaps, tail, compactedSince)
  for (const gap of gaps) gap.open = []
}

function judgeHead(walk: WalkResult, { hasHead, size }: JudgeContext, findings: Findings): void {
  if (hasHead || size === 0) return
  const { movedHead, stretches, tail } = walk
  const stretch = stretches.find(({ kind }) => kind === 'head')
  if (stretch !== undefined && stretch === tail) return
  if (movedHead !== null) {
    const { offset, end } = movedHead
    findings.log(
      'head_damaged',
      { offset: 0, end },
      {
        detail:
          offset === 0
            ? 'The head is that of an older generation.'
            : `The head is not the first line: it stands at byte ${offset}.`,
      },
    )
    findings.aside('head_damaged', offset, end)
  } else if (stretch === undefined) {
    findings.log(
      'head_damaged',
      { offset: 0 },
      { detail: 'The head is missing: the log begins with a record.' },
    )
  }
}

function judgeGap(gap: Gap, region: Region, findings: Findings): void {
  const { records, seq, unproven, unprovenSeq } = missingIn([gap])
  if (gap.dead || records + unproven === 0) return
  const code = gap.first > region.through ? 'sequence_gap' : 'block_mismatch'
  const never = neverProven(unproven)
  const detail =
    records > 0
      ? `${many(records, 'record')} missing before this place.${never}`
      : `Numbers are left out before this place.${never}`
  findings.log(
    code,
    { offset: gap.place },
    { seq: seq ?? unprovenSeq, records, loss: records > 0, detail },
  )
  findings.lose(code, [gap])
}

async function judgeGroup(
  { group, moved, copies }: PlacedGroup,
  { comparer, through }: { comparer: CopyComparer; through: number },
  findings: Findings,
): Promise<void> {
  const count = (runs: readonly Run[]): number => runs.reduce((n, run) => n + run.records, 0)
  if (moved.length > 0) {
    const records = count(moved)
    const detail = `${many(records, 'record')} out of order; no record is missing because of it.`
    findings.log('out_of_order', group, { seq: hullOf(moved), records, detail })
  }
  if (copies.length === 0) return
  const records = count(copies)
  const different = await comparer.different(copies)
  const same = sameness(different)
  const place =
    moved.length === 0
      ? group
      : { offset: copies[0]?.offset ?? group.offset, end: copies.at(-1)?.end ?? group.end }
  // In a compacted part they may be such as marks say had been removed.
  const inRegion = copies.some(({ firstSeq }) => firstSeq <= through)
  const had = inRegion ? 'has already or had removed' : 'has already'
  findings.log('duplicate_record', place, {
    seq: hullOf(copies),
    records,
    detail: `${many(records, 'record')} that the log ${had}, ${same}.`,
  })
  if (moved.length === 0) findings.aside('duplicate_record', group.offset, group.end)
  else for (const run of copies) findings.aside('duplicate_record', run.offset, run.end)
}

function sameness(different: number): string {
  if (different < 0) return 'not compared with the first'
  return different === 0
    ? 'identical to the first'
    : `${different} of them with other bytes than the first`
}

function judgeFault(fault: MarkFault, findings: Findings): void {
  const explained = fault.unless.some(
    (gap) => gap.dead || gap.filled || gap.unproven.length > 0 || missingIn([gap]).records > 0,
  )
  if (explained) return
  findings.log('block_mark_damaged', fault, { detail: fault.detail })
  findings.aside('block_mark_damaged', fault.offset, fault.end)
}

const SORTS: Readonly<Record<string, string>> = {
  blank: 'blank lines',
  before: 'a byte order mark or blanks before a line',
  behind: 'carriage returns or blanks behind lines',
}

function judgeStray(stray: Stray, findings: Findings): void {
  const { offset, end, count, pieces, sort } = stray
  findings.log('stray_bytes', stray, {
    detail: `Stray bytes in ${many(count, 'place')}: ${SORTS[sort] ?? sort}. The records are sound.`,
  })
  // Too many pieces to name each: then the whole part is kept aside.
  if (pieces.length < count) findings.aside('stray_bytes', offset, end)
  else for (const piece of pieces) findings.aside('stray_bytes', piece.offset, piece.end)
}
