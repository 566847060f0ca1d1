import type { CompactionTrigger } from '@papyra/contracts'
import type { Sidecar } from '../format/sidecar.js'
import { readSidecarFile, writeSidecarFile } from '../write/sidecar-file.js'
import { withIdleRun } from './ledger.js'
import type { StoreCore } from './store-core.js'

export interface IdleRun {
  readonly trigger: CompactionTrigger
  /** Monotonic time in ms. */
  readonly startedAt: number
}

/**
 * Says in the history of a log that a compaction removed nothing; best effort, as nothing depends on
 * it. A plain log has no history.
 */
export async function recordIdle(core: StoreCore, { trigger, startedAt }: IdleRun): Promise<void> {
  const { live, settings } = core
  const { vfs, log, clock } = settings
  try {
    const there = live === null ? await readSidecarFile(vfs, log) : null
    const before = live?.sidecar ?? (there?.state === 'ok' ? there.sidecar : null)
    if (before === null || before.next !== null) return
    // What a scan knew of what stands beside the log is over.
    core.known = null
    const { generation, history } = before
    const at = clock.now()
    const durationMs = clock.monotonic() - startedAt
    const run = { at, generation, trigger, durationMs }
    const after: Sidecar = { ...before, history: withIdleRun(history, run) }
    await writeSidecarFile(vfs, log, after)
    if (live !== null) live.sidecar = after
  } catch {
    // The store is as it was.
  }
}
