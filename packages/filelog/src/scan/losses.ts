import type { RecordedLoss, SeqRange } from '@papyra/contracts'
import type { Uncovered } from './coverage.js'
import { countOf, hull, union, within, without } from './intervals.js'
import type { Gap, Run } from './scan-items.js'

/** What the region below `compacted_through` is known to hold. */
export interface Region {
  /** The number before the first. */
  readonly after: number
  readonly through: number
  /** Its records; `null` if nothing tells. */
  readonly records: number | null
}

/** What no mark was asked about: above the region every number was there. */
export function expectAbove(gaps: readonly Gap[], through: number): void {
  for (const gap of gaps) {
    if (gap.dead) continue
    gap.missing = union(gap.missing, within(gap.open, through + 1, Number.MAX_SAFE_INTEGER))
    gap.open = without(gap.open, through + 1, Number.MAX_SAFE_INTEGER)
  }
}

/**
 * Numbers beyond the last one that is known to have been acknowledged are no loss, nor are those that
 * were beyond it when an owner went on behind damage. Gives the least of them; `null` if there is none.
 */
export function excuse(
  gaps: readonly Gap[],
  acked: number | null,
  skipped: readonly SeqRange[],
): number | null {
  const end = acked ?? Number.MAX_SAFE_INTEGER
  const never = union(skipped, [{ first: end + 1, last: Number.MAX_SAFE_INTEGER }])
  let least: number | null = null
  for (const gap of gaps) {
    if (gap.dead || (gap.last <= end && skipped.length === 0)) continue
    for (const { first, last } of within(never, gap.first, gap.last)) {
      gap.unproven.push(...within(gap.missing, first, last))
      gap.missing = without(gap.missing, first, last)
    }
    const first = gap.unproven[0]?.first
    if (first !== undefined && (least === null || first < least)) least = first
  }
  return least
}

/** All numbers that are not there and were never proven. */
export function neverAcknowledged(gaps: readonly Gap[]): SeqRange[] {
  return union(...gaps.map((gap) => (gap.dead ? [] : gap.unproven)))
}

/** The numbers that earlier recoveries recorded as lost by name. */
export function namedLosses(losses: readonly RecordedLoss[]): SeqRange[] {
  return union(
    losses.flatMap(({ seq, records }) =>
      seq !== null && records === seq.last - seq.first + 1 ? [seq] : [],
    ),
  )
}

/** Numbers that an earlier recovery recorded as lost are not lost again. */
export function forgive(gaps: readonly Gap[], named: readonly SeqRange[]): void {
  for (const gap of gaps) {
    for (const { first, last } of within(named, gap.first, gap.last)) {
      gap.missing = without(gap.missing, first, last)
      gap.open = without(gap.open, first, last)
    }
  }
}

export interface Recount {
  /** The gap at the end of the log. */
  readonly tail: Gap | null
  /** Counts the records of a run that have numbers in a range, by reading them again. */
  readonly countWithin: (run: Run, first: number, last: number) => Promise<number>
  /** What earlier recoveries recorded by name: a record that is back all the same is not counted. */
  readonly named: readonly SeqRange[]
}

/**
 * Parts of the region whose mark is gone: the totals around say how many records were there. If
 * fewer are, they are missing in the gaps there; by name if every number of the gaps is.
 */
export async function settleByTotals(
  gaps: readonly Gap[],
  uncovered: readonly Uncovered[],
  keep: readonly Run[],
  { tail, countWithin, named }: Recount,
): Promise<void> {
  const open = gaps.filter((gap) => !gap.dead && gap.open.length > 0)
  open.sort((a, b) => a.first - b.first)
  for (const { after, last, records } of uncovered) {
    const here = between(open, after + 1, last)
    if (here.length === 0 || records === null) continue
    let found = await countIn(keep, { first: after + 1, last }, countWithin)
    // What had been recorded as lost was not there when the total was taken.
    for (const seq of within(named, after + 1, last)) found -= await countIn(keep, seq, countWithin)
    assign(here, tail, { first: after + 1, last }, records - found)
  }
}

/** Of gaps in order, those with open numbers in a part. */
function between(open: readonly Gap[], first: number, last: number): Gap[] {
  const out: Gap[] = []
  for (let i = firstFrom(open, first, (gap) => gap.last); i < open.length; i++) {
    const gap = open[i] as Gap
    if (gap.first > last) break
    if (within(gap.open, first, last).length > 0) out.push(gap)
  }
  return out
}

/** Index of the first item, of those in order, whose last number is `first` or beyond. */
function firstFrom<T>(items: readonly T[], first: number, lastOf: (item: T) => number): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const mid = (low + high) >>> 1
    if (lastOf(items[mid] as T) < first) low = mid + 1
    else high = mid
  }
  return low
}

async function countIn(
  keep: readonly Run[],
  { first, last }: SeqRange,
  countWithin: Recount['countWithin'],
): Promise<number> {
  let found = 0
  for (let i = firstFrom(keep, first, (run) => run.lastSeq); i < keep.length; i++) {
    const run = keep[i] as Run
    if (run.firstSeq > last) break
    const from = Math.max(run.firstSeq, first)
    const to = Math.min(run.lastSeq, last)
    if (run.records === run.lastSeq - run.firstSeq + 1) found += to - from + 1
    else if (from === run.firstSeq && to === run.lastSeq) found += run.records
    else found += await countWithin(run, first, last)
  }
  return found
}

/**
 * An older copy lacks what came since, of which a compaction had left so many records: no more than
 * those are missing, and which is not known.
 */
export function settleSince(
  gaps: readonly Gap[],
  tail: Gap | null,
  { through, records }: { readonly through: number; readonly records: number },
): void {
  const here = gaps.filter((gap) => !gap.dead && within(gap.open, 1, through).length > 0)
  const open = union(...here.map((gap) => within(gap.open, 1, through)))
  if (open.length > 0)
    assign(here, tail, { first: 1, last: through }, Math.min(records, countOf(open)))
}

/**
 * So many records are missing somewhere in the gaps of a part. Which, is known only if all of them
 * are; else the range is that of all the gaps, and the find goes where damage is, or to the end.
 */
function assign(
  gaps: readonly Gap[],
  tail: Gap | null,
  part: { first: number; last: number },
  missing: number,
): void {
  const open = union(...gaps.map((gap) => within(gap.open, part.first, part.last)))
  const seq = hull(open)
  if (missing <= 0 || seq === null) return
  if (countOf(open) <= missing) {
    for (const gap of gaps)
      gap.missing = union(gap.missing, within(gap.open, part.first, part.last))
    return
  }
  const blamed =
    gaps.find((gap) => gap.cause !== null) ?? gaps.find((gap) => gap === tail) ?? gaps[0]
  if (blamed !== undefined) blamed.vague = { seq, records: missing }
}

/** How many records are missing in gaps, and between which numbers. */
export function missingIn(gaps: readonly Gap[]): {
  records: number
  seq: { first: number; last: number } | null
  /** How many numbers are not there that were never proven, and from which to which. */
  unproven: number
  unprovenSeq: { first: number; last: number } | null
} {
  const names = union(...gaps.map((gap) => gap.missing))
  const vague = gaps.flatMap((gap) => (gap.vague === null ? [] : [gap.vague]))
  const never = union(...gaps.map((gap) => gap.unproven))
  const records = countOf(names) + vague.reduce((sum, { records: n }) => sum + n, 0)
  return {
    records,
    unproven: countOf(never),
    unprovenSeq: hull(never),
    seq: hull(
      union(
        names,
        vague.map(({ seq }) => seq),
      ),
    ),
  }
}
