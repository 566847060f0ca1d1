import { PapyraError, type LongOperation, type RecordMeta } from '@papyra/contracts'
import type { Head } from '../head.js'
import type { LogScan } from '../scan-types.js'
import type { PendingRewrite, Sidecar } from '../sidecar.js'
import type { VfsFile } from '../vfs.js'
import { openMarkWriter } from '../write/mark-file.js'
import { commitRewrite, withdraw } from './commit.js'
import { RecordCopier } from './copy-records.js'
import { finishInterrupted } from './finish-interrupted.js'
import { discardFile, requireFree, requireOneName, withIo } from './io.js'
import { addCounts, countAppends } from './ledger.js'
import { readHead } from './read-head.js'
import { sidecarToGoOnFrom } from './repair-plan.js'
import { LogRewriter, type Rewritten, replacePlain } from './rewriter.js'
import { refused } from './store-begin.js'
import type { Live, StoreCore } from './store-core.js'
import { anomaliesIn, currentScan, scanStore } from './store-scan.js'

export interface CompactRequest extends LongOperation {
  /**
   * Decides which records stay; called when the log, if it is at rest, is known to be sound. `null`
   * if nothing has to go: then nothing is changed.
   */
  readonly plan: () => Promise<Keep | null>
}

/** Asked once for each record, the oldest first: true if it stays. */
export type Keep = (meta: RecordMeta) => boolean

/** A request whose plan was made. */
interface Planned extends LongOperation {
  readonly keep: Keep
}

interface Figures {
  readonly generation: number
  readonly records: number
  readonly bytes: number
}

export interface CompactResult {
  readonly before: Figures
  readonly after: Figures
  /** True if a scan of the result found nothing wrong. */
  readonly verified: boolean
}

/**
 * Deletes the records that are not to be kept; `null` if there is none. On a store that takes appends
 * they go on; only the switch at the end makes them wait. Rejects with `anomalies_found` wherever
 * the log is not as it must be; until the switch nothing was changed.
 */
export async function compactStore(
  core: StoreCore,
  request: CompactRequest,
): Promise<CompactResult | null> {
  core.requireOwner('compact')
  const { live, settings } = core
  const { plan, ...long } = request
  const scan = live === null ? await soundScan(core) : null
  const keep = await plan()
  if (keep === null) return null
  requireOneName(await settings.vfs.stat(settings.log), settings.log)
  const planned = { ...long, keep }
  const done =
    live !== null
      ? await compactOnline(core, live, planned)
      : await compactAtRest(core, planned, scan as LogScan)
  const { signal } = request
  const after = await scanStore(core, { coverage: 'full', ...(signal && { signal }) })
  return { ...done, verified: anomaliesIn(after) === 0 }
}

/** A scan of the log at rest that found nothing wrong; throws `anomalies_found` otherwise. */
async function soundScan(core: StoreCore): Promise<LogScan> {
  const { vfs, log } = core.settings
  const scan = await currentScan(core, { coverage: 'auto' })
  if (anomaliesIn(scan) > 0) throw refused(scan, 'compacted')
  const finished = await finishInterrupted(vfs, log, scan)
  if (finished !== 'reverted' && finished !== 'completed') return scan
  const again = await scanStore(core, { coverage: 'auto' })
  if (anomaliesIn(again) > 0) throw refused(again, 'compacted')
  return again
}

type Done = Omit<CompactResult, 'verified'>

async function compactAtRest(core: StoreCore, request: Planned, scan: LogScan): Promise<Done> {
  const { vfs, log, clock } = core.settings
  const lock = core.requireOwner('compact')
  await requireFree(vfs, log, scan.size)
  const source = await withIo('Opening', log, () => vfs.open(log, 'read'))
  try {
    if (scan.state === 'plain') return await compactPlain(core, { request, source, scan })
    const job = await startCopy(core, request, source)
    const { rewriter, copier } = job
    let rewritten: Rewritten
    try {
      await copyWithProgress(job, request, job.start, scan.soundEnd)
      copier.finish(scan.lastSeq, scan.soundEnd)
      rewritten = await rewriter.finish(scan.lastSeq)
    } catch (error) {
      await rewriter.discard()
      throw error
    }
    const now = clock.now()
    const sidecar = sidecarToGoOnFrom(scan)
    const base = { vfs, log, lock, sidecar, rewritten, now, staysOpen: false }
    const reach = { seq: scan.lastSeq, offset: scan.soundEnd }
    await commitOrUndo(core, { ...base, pending: pendingOf(core, { sidecar, reach, job, rewritten }) })
    await core.replaceLogFile(rewritten.file)
    return figures(job, scan.soundEnd, rewritten)
  } finally {
    await source.close()
  }
}

interface CopyJob {
  readonly head: Head
  readonly start: number
  readonly rewriter: LogRewriter
  readonly copier: RecordCopier
}

/** Opens the new generation for the records of `source`. */
async function startCopy(core: StoreCore, request: Planned, source: VfsFile): Promise<CopyJob> {
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
  const rewriter = await LogRewriter.create(vfs, log, await source.stat(), next)
  const { keep, signal } = request
  const copier = new RecordCopier({ source, rewriter, head, keep, signal })
  return { head, start: end, rewriter, copier }
}

/** How much is copied between two words on the progress. */
const STEP_BYTES = 4 * 1024 * 1024

async function copyWithProgress(
  job: Pick<CopyJob, 'copier' | 'rewriter'>,
  request: Planned,
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

function figures(job: CopyJob, bytes: number, rewritten: Rewritten): Done {
  const { generation } = job.head
  return {
    before: { generation, records: job.copier.seen, bytes },
    after: { generation: generation + 1, records: rewritten.records, bytes: rewritten.size },
  }
}

interface Outcome {
  readonly sidecar: Sidecar
  /** How far the old generation reached. */
  readonly reach: { readonly seq: number; readonly offset: number }
  readonly job: CopyJob
  readonly rewritten: Rewritten
}

function pendingOf(core: StoreCore, outcome: Outcome): PendingRewrite {
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
async function commitOrUndo(
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

async function compactPlain(
  core: StoreCore,
  { request, source, scan }: { request: Planned; source: VfsFile; scan: LogScan },
): Promise<Done> {
  const { vfs, log } = core.settings
  const rewriter = await LogRewriter.create(vfs, log, await source.stat(), null)
  const { keep, signal } = request
  const copier = new RecordCopier({ source, rewriter, head: null, keep, signal })
  let rewritten: Rewritten
  try {
    await copyWithProgress({ copier, rewriter }, request, 0, scan.size)
    rewritten = await rewriter.finish(0)
    await replacePlain(vfs, core.requireOwner('compact'), log, rewriter)
  } catch (error) {
    await rewriter.discard()
    throw error
  }
  await core.replaceLogFile(rewritten.file)
  return {
    before: { generation: 0, records: copier.seen, bytes: scan.size },
    after: { generation: 0, records: rewritten.records, bytes: rewritten.size },
  }
}

/** When so little is left to copy, appends are paused for it. */
const PAUSE_BYTES = 1024 * 1024
/** Under a writer that is faster than the copy, they are paused after so many rounds. */
const MOST_ROUNDS = 8

async function compactOnline(core: StoreCore, live: Live, request: Planned): Promise<Done> {
  const { vfs, log } = core.settings
  const { queue } = live
  await requireFree(vfs, log, queue.state.offset)
  const source = await withIo('Opening', log, () => vfs.open(log, 'read'))
  try {
    const job = await startCopy(core, request, source)
    try {
      let done = job.start
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const to = queue.state.offset
        if (round > 0 && to - done < PAUSE_BYTES) break
        await copyWithProgress(job, request, done, to)
        done = to
      }
      return await switchOver(core, live, { job, request, done })
    } catch (error) {
      if (job.rewriter.file.path !== log) await job.rewriter.discard()
      throw error
    }
  } finally {
    await source.close()
  }
}

interface Switch {
  readonly job: CopyJob
  readonly request: Planned
  /** Up to where the old file was copied. */
  readonly done: number
}

/** Copies the rest while appends wait, and goes on in the new file. */
async function switchOver(core: StoreCore, live: Live, change: Switch): Promise<Done> {
  const { vfs, log, clock } = core.settings
  const lock = core.requireOwner('compact')
  const { job, request, done } = change
  const { queue } = live
  await queue.pause()
  let renamed = false
  try {
    const { acked, offset, latched } = queue.state
    if (latched !== null) throw latched
    await copyWithProgress(job, request, done, offset)
    job.copier.finish(acked, offset)
    const rewritten = await job.rewriter.finish(acked)
    const { tracker, head, file, size } = rewritten
    if (head === null || tracker === null) throw new PapyraError('internal', 'no head was written')
    const { sidecar } = live
    const reach = { seq: acked, offset }
    const pending = pendingOf(core, { sidecar, reach, job, rewritten })
    const commit = { vfs, log, lock, sidecar, rewritten, pending, now: clock.now(), staysOpen: true }
    const committed = await commitOrUndo(core, commit, () => {
      renamed = true
    })
    const mark = await openMarkWriter(vfs, log, committed.mark)
    queue.resume({ file, mark, tracker, offset: size })
    await live.mark.close(false)
    live.mark = mark
    live.head = head
    live.records = { count: rewritten.records, at: acked }
    live.sidecar = committed.sidecar
    await core.replaceLogFile(file)
    return figures(job, offset, rewritten)
  } catch (error) {
    if (renamed) queue.latch(error, 'Compaction')
    else queue.resume()
    throw error
  }
}
