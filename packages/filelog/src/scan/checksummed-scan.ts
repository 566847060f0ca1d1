import type { Notice } from '@papyra/contracts'
import { chainStart } from '../block-mark.js'
import type { Extent, LogScan, OpenBlock } from '../scan-types.js'
import type { Vfs } from '../vfs.js'
import type { Findings } from './findings.js'
import { knownEndOf, type Known } from './identify.js'
import { judge, type JudgeContext } from './judge.js'
import { firstUnproven } from './losses.js'
import { noticeInFlight, noticeUnproven, noticesOfKinds } from './notices.js'
import type { OpenedLog } from './open-log.js'
import { counted, emptyScan } from './scan-log.js'
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
): Promise<LogScan> {
  const { known, findings, options } = job
  const { path, beginning, stat, sidecar, mark } = opened
  const { identity, head } = known
  const walk = await walkOver(opened, known, options)
  const context = contextOf(opened, known, walk, options)
  if (beginning.state === 'ok') judgeBeginning(beginning, findings)
  const lastSeq = walk.numbers.last
  const verdict = await judge(walk, context, findings)
  const bytesSound = findings.inLog === 0
  const keep = verdict.keep.map(toExtent)
  const records = keep.reduce((n, extent) => n + extent.records, 0)
  const firstOpen = firstUnproven(walk.numbers.gaps)
  const last = firstOpen === null ? Math.max(lastSeq, context.knownEnd) : firstOpen - 1
  const proven = firstOpen === null && allProven(vfs, opened, known)
  const after = proven || options.ownerAlive === true ? null : last
  const notices = [...job.notices, ...noticesOfKinds(path, walk.kinds)]
  if (verdict.inFlight) notices.push(noticeInFlight(path, walk.soundEnd, stat.size))
  if (after !== null) notices.push(noticeUnproven(path, after))
  return {
    ...emptyScan({ path, sidecar, mark, size: stat.size }, 'checksummed'),
    ...counted(findings.all(), options),
    identity,
    head: head ?? walk.movedHead?.head ?? null,
    soundEnd: walk.soundEnd,
    notices,
    records,
    firstSeq: keep[0]?.firstSeq ?? null,
    lastSeq,
    knownEnd: context.knownEnd,
    keep,
    setAside: [...findings.setAside].sort((a, b) => a.offset - b.offset),
    losses: findings.losses,
    cutMends: verdict.onlyTail,
    bytesSound,
    lines: { total: walk.lines.total + (head === null ? 0 : 1), bad: walk.lines.bad },
    foreign: known.foreign,
    unproven: after === null ? null : { after },
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
    after: Math.max(0, (head?.firstSeq ?? 1) - 1),
    chain: chainStart(identity.generation, identity.seed),
    hasHead: head !== null,
    strayHead: strayHead(beginning),
    // Without a head it is not sure what the first mark should say.
    disturbed: beginning.state !== 'ok' || beginning.stray.length > 0 || beginning.glued,
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
    region: known.region ?? { after: 0, through: marks.last, records: marks.total },
    recordedLosses: sidecar?.losses ?? [],
    knownEnd: knownEndOf(known),
    provenEnd: sameGeneration || closed !== null ? knownEndOf(known) : null,
    ackedEnd: sameGeneration ? mark.offset : null,
    closedSize: closed?.bytes ?? null,
    ownerAlive: options.ownerAlive === true,
    hasHead: head !== null,
    olderCopy: known.olderCopy,
  }
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
  const { offset, glued } = beginning
  if (!glued) return
  findings.log(
    'glued_line',
    { offset: 0, end: offset },
    { detail: 'Other bytes stand before the head, which is sound.' },
  )
  findings.aside('glued_line', 0, offset)
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
function allProven(vfs: Vfs, { mark: file }: OpenedLog, { sidecar, mark }: Known): boolean {
  if (sidecar?.clean === true) return true
  if (sidecar === null || mark === null) return false
  // The sound slot may be an older one.
  if (file.state === 'ok' && file.damaged.length > 0) return false
  return sidecar.opened === null || sidecar.opened.bootId === vfs.host.bootId
}
