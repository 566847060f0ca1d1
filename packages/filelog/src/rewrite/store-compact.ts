import type { CompactionTrigger, LongOperation, Throttled } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import type { LongRead } from '../scan/read-options.js'
import { brakeOf } from './brake.js'
import { compactAtRest } from './compact-at-rest.js'
import type { Done } from './compact-job.js'
import type { Keep } from './keep.js'
import { compactOnline } from './compact-online.js'
import { finishInterrupted } from './finish-interrupted.js'
import { requireOneName } from './io.js'
import { recordsIdle } from './ledger.js'
import { refused } from './store-begin.js'
import { recordIdle } from './record-idle.js'
import type { StoreCore } from './store-core.js'
import { anomaliesIn, currentScan, scanStore } from './store-scan.js'
import { keepVerified } from './verified.js'

export interface CompactRequest extends LongOperation, Throttled {
  /**
   * Decides which records stay; called when the log, if it is at rest, is known to be sound. `null`
   * if nothing has to go: then no record is touched.
   */
  readonly plan: () => Promise<Keep | null>
  /** Only the plan is made, and nothing is changed whatever it says. */
  readonly dryRun?: boolean
  /**
   * Who asked, for the history. Default `request`. Unless it is that, a run that removed nothing is
   * recorded too.
   */
  readonly trigger?: CompactionTrigger
}

export interface CompactResult extends Done {
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
  const { plan, trigger = 'request', bytesPerSecond, dryRun = false, ...long } = request
  const startedAt = settings.clock.monotonic()
  const brake = brakeOf(bytesPerSecond)
  const { signal } = request
  const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond }
  const slowly = { ...pace, ...(signal && { signal }) }
  const scan = live === null ? await soundScan(core, slowly) : null
  const keep = await plan()
  if (dryRun) return null
  if (keep === null) {
    if (recordsIdle(trigger)) await recordIdle(core, { trigger, startedAt })
    return null
  }
  requireOneName(await settings.vfs.stat(settings.log), settings.log)
  const planned = { ...long, keep, trigger, startedAt, brake }
  const done =
    live !== null
      ? await compactOnline(core, live, planned)
      : await compactAtRest(core, planned, scan as LogScan)
  const after = await scanStore(core, { coverage: 'full', ...slowly })
  await keepVerified(core)
  return { ...done, verified: anomaliesIn(after) === 0 }
}

/** A scan of the log at rest that found nothing wrong; throws `anomalies_found` otherwise. */
async function soundScan(core: StoreCore, slowly: LongRead): Promise<LogScan> {
  const { vfs, log } = core.settings
  const scan = await currentScan(core, { coverage: 'auto', ...slowly })
  if (anomaliesIn(scan) > 0) throw refused(scan, 'compacted')
  const finished = await finishInterrupted(vfs, log, scan)
  if (finished !== 'reverted' && finished !== 'completed') return scan
  const again = await scanStore(core, { coverage: 'auto', ...slowly })
  if (anomaliesIn(again) > 0) throw refused(again, 'compacted')
  return again
}
