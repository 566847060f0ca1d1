import { PapyraError, type CompactionTrigger, type LongOperation } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import type { Head } from '../format/head.js'
import type { PendingRewrite, Sidecar } from '../format/sidecar.js'
import { paced } from '../scan/pacer.js'
import type { VfsFile } from '../vfs.js'
import type { Brake } from './brake.js'
import { commitRewrite, withdraw } from './commit.js'
import { copyBlocks } from './copy-blocks.js'
import { RecordCopier } from './copy-records.js'
import { discardFile } from './io.js'
import type { Keep } from './keep.js'
import { addCounts, countAppends } from './ledger.js'
import { comingBlocks } from './open-tail.js'
import { readHead } from './read-head.js'
import { LogRewriter } from './rewriter.js'
import type { Rewritten } from './rewritten.js'
import type { StoreCore } from './store-core.js'

/** A request whose plan was made. */
export interface Planned extends LongOperation {
  readonly keep: Keep
  readonly trigger: CompactionTrigger
  /** Monotonic time in ms. */
  readonly startedAt: number
  /** Absent: as fast as it goes. */
  readonly brake: Brake | undefined
}

export interface Figures {
  readonly generation: number
  readonly records: number
  readonly bytes: number
}

/** A log before and after. */
export interface Done {
  readonly before: Figures
  readonly after: Figures
}

/** Everything that a copy into a new generation needs. */
export interface CopyJob {
  readonly head: Head
  readonly start: number
  readonly rewriter: LogRewriter
  readonly copier: RecordCopier
  readonly request: Planned
}

/** The same file, read no faster than was asked for. */
export function slowed(source: VfsFile, { brake, signal }: Planned): VfsFile {
  return brake === undefined ? source : paced(source, brake, signal)
}

/** Opens the new generation for the records of `source`. */
export async function startCopy(
  core: StoreCore,
  request: Planned,
  source: VfsFile,
): Promise<CopyJob> {
  const { vfs, log } = core.settings
  const found = await readHead(source)
  if (found === null) {
    throw new PapyraError('anomalies_found', `${log} was not compacted: its head is damaged.`, {
      details: { path: log, offset: 0 },
    })
  }
  const { head, end } = found
  const { nextSeq: _n, compactedThrough: _c, records: _r, ...plan } = head
  const next = { ...plan, generation: head.generation + 1 }
  const { keep, signal, brake } = request
  const looks = await source.stat()
  const rewriter = await LogRewriter.create(vfs, log, looks, next, { pacer: brake, signal })
  const copier = new RecordCopier({
    source: slowed(source, request),
    rewriter,
    head,
    keep,
    signal,
  })
  return { head, start: end, rewriter, copier, request }
}

/** How much is copied between two words on the progress. */
const STEP_BYTES = 4 * 1024 * 1024

/** Copies a part of the old log and tells how far it is. */
export async function copyWithProgress(
  job: Pick<CopyJob, 'copier' | 'rewriter'>,
  request: LongOperation,
  from: number,
  to: number,
): Promise<void> {
  let told = from
  await job.copier.copy(from, to, (offset) => {
    if (request.onProgress === undefined || offset - told < STEP_BYTES) return
    told = offset
    const records = job.copier.seen
    request.onProgress({ phase: 'compact', doneBytes: offset, totalBytes: to, records })
  })
}

/**
 * Copies the blocks of the old log up to `to` that are chained from its head on; each is verified.
 * Gives where they end: behind that, and where marks do not show blocks, lines have to tell.
 */
export async function copyMarked(job: CopyJob, source: VfsFile, to: number): Promise<number> {
  const { head, start, copier, request } = job
  const { signal, onProgress } = request
  const seed = seedOf(head.logId)
  const file = slowed(source, request)
  const blocks = await comingBlocks({ file, seed, start, entry: head, size: to, signal })
  if (blocks === null) return start
  const { marks, tail } = blocks
  const long = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const from = { source: { file, seed }, marks, readAll: true, totalBytes: to }
  await copyBlocks({ ...long, ...from, copier })
  return tail?.mark.offset ?? to
}

/** What the compaction made of the log. */
export function figures(job: CopyJob, bytes: number, rewritten: Rewritten): Done {
  const { generation } = job.head
  return {
    before: { generation, records: job.copier.seen, bytes },
    after: { generation: generation + 1, records: rewritten.records, bytes: rewritten.size },
  }
}

/** What becomes known at the end of the copy. */
export interface Outcome {
  readonly sidecar: Sidecar
  /** How far the old generation reached. */
  readonly reach: { readonly seq: number; readonly offset: number }
  readonly job: CopyJob
  readonly rewritten: Rewritten
}

/** What the new generation adds to the sidecar. */
export function pendingOf(core: StoreCore, outcome: Outcome): PendingRewrite {
  const { sidecar, reach, job, rewritten } = outcome
  const { seq } = reach
  const recordsRemoved = job.copier.dropped
  const bytesRemoved = Math.max(0, reach.offset - rewritten.size)
  const counted = countAppends(sidecar.totals, reach)
  // They are kept until the sidecar is written; `commitOrUndo` takes them out then.
  const counts = { compactions: 1, recordsDropped: recordsRemoved, bytesReclaimed: bytesRemoved }
  const values = addCounts(addCounts(counted.values, core.counts), counts)
  const generation = job.head.generation + 1
  return {
    entry: {
      what: 'compaction',
      at: core.settings.clock.now(),
      generation,
      recordsRemoved,
      bytesRemoved,
      detail: '',
      durationMs: core.settings.clock.monotonic() - job.request.startedAt,
      trigger: job.request.trigger,
      dropped: job.request.keep.dropped ?? [],
    },
    losses: [],
    nextSeq: seq + 1,
    compactedThrough: seq,
    region: { records: rewritten.records, bytes: rewritten.size, lastSeq: seq },
    totals: { values, countedSeq: seq, countedBytes: rewritten.size },
  }
}

type CommitOptions = Parameters<typeof commitRewrite>[0]

/** Commits; if that fails before the rename everything is as it was. */
export async function commitOrUndo(
  core: StoreCore,
  commit: CommitOptions,
  onRenamed: () => void = () => undefined,
): ReturnType<typeof commitRewrite> {
  let renamed = false
  try {
    const committed = await commitRewrite(commit, () => {
      renamed = true
      onRenamed()
    })
    core.takeCounts()
    return committed
  } catch (error) {
    core.known = null
    if (!renamed) {
      await discardFile(commit.vfs, commit.rewritten.file)
      await withdraw(commit.vfs, commit.log, commit.sidecar).catch(() => undefined)
    }
    throw error
  }
}
