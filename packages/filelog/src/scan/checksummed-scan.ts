import type { Notice } from '@papyra/contracts'
import { chainStart } from '../format/block-mark.js'
import type { Head } from '../format/head.js'
import type { Extent, LogScan, Misplaced, OpenBlock } from '../scan-types.js'
import type { Vfs } from '../vfs.js'
import { counted, emptyScan } from './empty-scan.js'
import type { Findings } from './findings.js'
import { knownEndOf, type Known } from './identify.js'
import { judge } from './judge.js'
import type { JudgeContext } from './judge-context.js'
import { neverAcknowledged } from './losses.js'
import { noticeInFlight, noticeUnproven, noticesOfKinds } from './notices.js'
import type { OpenedLog } from './open-log.js'
import type { Run, Stray } from './scan-items.js'
import { progressTeller, type LogScanOptions } from './scan-options.js'
import { Walk } from './walk.js'
import type { WalkResult } from './walk-types.js'

export interface ChecksummedJob {
  readonly known: Known
  readonly findings: Findings
  readonly notices: readonly Notice[]
  readonly options: LogScanOptions
}

/** Scans every byte of a log whose identity is known. */
export async function scanChecksummed(
  vfs: Vfs,
  opened: OpenedLog,
  job: ChecksummedJob,
): Promise<LogScan | StaleHead> {
  const { known, findings, options } = job
  const { path, beginning, stat, sidecar, mark } = opened
  const { identity, head } = known
  const walk = await walkOver(opened, known, options)
  const stale = staleHead(walk, known)
  if (stale !== null) return stale
  const context = contextOf(opened, known, walk, options)
  if (beginning.state === 'ok') judgeBeginning(beginning, findings)
  const lastSeq = walk.numbers.last
  const verdict = await judge(walk, context, findings)
  const bytesSound = findings.inLog === 0
  const keep = verdict.keep.map(toExtent)
  const records = keep.reduce((n, extent) => n + extent.records, 0)
  const { firstUnproven } = verdict
  const last = firstUnproven === null ? Math.max(lastSeq, context.knownEnd) : firstUnproven - 1
  const proven = firstUnproven === null && allProven(vfs, opened, known)
  const after = proven || options.ownerAlive === true ? null : last
  const notices = [...job.notices, ...noticesOfKinds(path, walk.kinds)]
  if (verdict.inFlight) notices.push(noticeInFlight(path, walk.soundEnd, stat.size))
  if (after !== null) notices.push(noticeUnproven(path, after))
  return {
    ...emptyScan({ path, sidecar, mark, size: stat.size }, 'checksummed'),
    ...counted(findings.all(), options),
    identity,
    head: head ?? movedHead(walk, known),
    soundEnd: walk.soundEnd,
    notices,
    records,
    firstSeq: keep[0]?.firstSeq ?? null,
    lastSeq,
    knownEnd: context.knownEnd,
    keep,
    setAside: apart(findings.setAside),
    losses: findings.losses,
    cutMends: verdict.onlyTail,
    bytesSound,
    lines: { total: walk.lines.total + (head === null ? 0 : 1), bad: walk.lines.bad },
    foreign: known.foreign,
    unproven: after === null ? null : { after },
    skipped: neverAcknowledged(walk.numbers.gaps),
    openBlock: bytesSound || verdict.onlyTail ? openBlockOf(walk) : null,
  }
}

async function walkOver(
  opened: OpenedLog,
  known: Known,
  options: LogScanOptions,
): Promise<WalkResult> {
  const { file, stat, beginning } = opened
  const { identity, head } = known
  const walk = await new Walk({
    file,
    from: beginning.state === 'ok' ? beginning.end : 0,
    size: stat.size,
    seed: identity.seed,
    logId: identity.logId,
    generation: head === null ? null : identity.generation,
    blockBytes: identity.blockBytes,
    after: Math.max(0, identity.firstSeq - 1),
    chain: chainStart(identity.generation, identity.seed),
    hasHead: head !== null,
    strayHead: strayHead(beginning),
    // Without a head it is not sure what the first mark should say.
    disturbed:
      beginning.state !== 'ok' ||
      beginning.stray.length > 0 ||
      beginning.glued ||
      beginning.joined !== null,
    signal: options.signal,
    onProgress: progressTeller(stat.size, options),
  }).run()
  if (beginning.state !== 'ok' || beginning.ended) return walk
  return { ...walk, lacksEnd: { offset: beginning.offset, end: beginning.end } }
}

function contextOf(
  opened: OpenedLog,
  known: Known,
  walk: WalkResult,
  options: LogScanOptions,
): JudgeContext {
  const { file, stat } = opened
  const { identity, head, sidecar, mark } = known
  const sameGeneration = mark !== null && mark.generation === identity.generation
  const closed =
    sidecar?.clean === true && sidecar.generation === identity.generation ? sidecar.closed : null
  const marks = walk.numbers.coverage.end()
  return {
    file,
    seed: identity.seed,
    signal: options.signal,
    size: stat.size,
    region: known.region ?? {
      after: Math.max(0, identity.firstSeq - 1),
      through: marks.last,
      records: marks.total,
    },
    recordedLosses: sidecar?.losses ?? [],
    skipped: sidecar?.skipped ?? [],
    knownEnd: knownEndOf(known),
    provenEnd: sameGeneration || closed !== null ? knownEndOf(known) : null,
    ackedEnd: sameGeneration ? mark.offset : null,
    closedSize: closed?.bytes ?? null,
    ownerAlive: options.ownerAlive === true,
    hasHead: head !== null,
    olderCopy: known.olderCopy,
    compactedSince: compactedSince(known),
    foreignHead: known.foreignHead,
  }
}

/** What a later generation, of which only the sidecar is left, had compacted. */
function compactedSince({ identity, sidecar }: Known): JudgeContext['compactedSince'] {
  if (sidecar === null || sidecar.generation <= identity.generation) return null
  return { through: sidecar.compactedThrough, records: sidecar.region.records }
}

/** Stray bytes around the head, as the beginning of those around the lines behind it. */
function strayHead(beginning: OpenedLog['beginning']): Stray | null {
  if (beginning.state !== 'ok' || beginning.stray.length === 0) return null
  const { stray, offset, end } = beginning
  const first = stray[0]?.offset ?? 0
  const sort = first < offset ? 'before' : 'behind'
  return { offset: Math.min(first, offset), end, count: stray.length, sort, pieces: [...stray] }
}

function judgeBeginning(
  beginning: Extract<OpenedLog['beginning'], { state: 'ok' }>,
  findings: Findings,
): void {
  const { offset, glued, joined } = beginning
  if (joined !== null) {
    const place = { offset: joined.offset, end: joined.end }
    findings.log('glued_line', place, { detail: 'The head and the next line are on one line.' })
    findings.aside('glued_line', joined.offset, joined.end)
  }
  if (!glued) return
  findings.log(
    'glued_line',
    { offset: 0, end: offset },
    { detail: 'Other bytes stand before the head, which is sound.' },
  )
  findings.aside('glued_line', 0, offset)
}

/** A head of another log or of an older generation tells nothing about this one. */
function movedHead({ movedHead: found }: WalkResult, { identity }: Known): Head | null {
  const older = identity.source !== 'lines' && found?.head.generation !== identity.generation
  return found === null || older ? null : found.head
}

/** The head is of an older generation than the log behind it, which is of this one. */
export interface StaleHead {
  readonly state: 'stale_head'
  readonly generation: number
}

function staleHead({ numbers: { marks } }: WalkResult, { head }: Known): StaleHead | null {
  if (head === null) return null
  // Some may have come from elsewhere: what most marks say counts.
  const [generation = 0, most = 0] = [...marks.others].sort((a, b) => b[1] - a[1])[0] ?? []
  return generation > head.generation && most > marks.own
    ? { state: 'stale_head', generation }
    : null
}

/** In the order of their place; what is in two of them counts to the first. */
function apart(ranges: readonly Misplaced[]): Misplaced[] {
  const out: Misplaced[] = []
  let end = 0
  for (const range of [...ranges].sort((a, b) => a.offset - b.offset)) {
    if (range.end <= end) continue
    out.push({ ...range, offset: Math.max(range.offset, end) })
    end = range.end
  }
  return out
}

function toExtent(run: Run): Extent {
  const { offset, end, firstSeq, lastSeq, records } = run
  return { offset, end, firstSeq, lastSeq, records }
}

function openBlockOf({ numbers, open, soundEnd, lacksEnd }: WalkResult): OpenBlock | null {
  if (lacksEnd !== null) return null
  const records = numbers.records - numbers.total
  const first = numbers.kept.at(-1)
  return {
    offset: open.offset,
    bytes: soundEnd - open.offset,
    records,
    after: numbers.answered,
    firstSeq: records === 0 || first === undefined ? 0 : first.firstSeq,
    total: numbers.records,
    prev: numbers.chain,
    sum: open.sum,
  }
}

/**
 * False where the store was not closed and its machine has been started anew since, or where sidecar
 * or mark cannot tell how far was acknowledged.
 */
export function allProven(
  vfs: Vfs,
  { mark: file }: Pick<OpenedLog, 'mark'>,
  { sidecar, mark }: Known,
): boolean {
  if (sidecar?.clean === true) return true
  if (sidecar === null || mark === null) return false
  // The sound slot may be an older one.
  if (file.state === 'ok' && file.damaged.length > 0) return false
  return sidecar.opened === null || sidecar.opened.bootId === vfs.host.bootId
}
