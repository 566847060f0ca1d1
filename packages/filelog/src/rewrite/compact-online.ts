import { PapyraError } from '@papyra/contracts'
import { openMarkWriter } from '../write/mark-file.js'
import {
  type CopyJob,
  type Done,
  type Planned,
  commitOrUndo,
  copyMarked,
  copyWithProgress,
  figures,
  pendingOf,
  startCopy,
} from './compact-job.js'
import { requireFree, withIo } from './io.js'
import type { Live, StoreCore } from './store-core.js'

/** When so little is left to copy, appends are paused for it. */
const PAUSE_BYTES = 1024 * 1024
/** Under a writer that is faster than the copy, they are paused after so many rounds. */
const MOST_ROUNDS = 8

/** Compacts a log that takes appends: they wait only while the last part is copied. */
export async function compactOnline(core: StoreCore, live: Live, request: Planned): Promise<Done> {
  const { vfs, log } = core.settings
  const { queue } = live
  await requireFree(vfs, log, queue.state.offset)
  const source = await withIo('Opening', log, () => vfs.open(log, 'read'))
  try {
    const job = await startCopy(core, request, source)
    try {
      let done = await copyMarked(job, source, queue.state.offset)
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const to = queue.state.offset
        if ((round > 0 || done > job.start) && to - done < PAUSE_BYTES) break
        await copyWithProgress(job, request, done, to)
        done = to
      }
      // Appends are not to wait for the disk to take all of it.
      await job.rewriter.syncSoFar()
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
  request.brake?.release()
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
    const commit = {
      vfs,
      log,
      lock,
      sidecar,
      rewritten,
      pending,
      now: clock.now(),
      staysOpen: true,
    }
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
