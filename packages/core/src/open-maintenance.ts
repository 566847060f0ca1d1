import type { Clock, RetentionPolicy } from '@papyra/contracts'
import { scheduleCompaction, withoutPolicy } from './compactor.js'
import type { PapyraHooks } from './hooks.js'
import { checkThrottle, type MaintenanceTiming } from './maintenance.js'
import type { Papyra } from './papyra.js'
import { checkTiming, type Schedule } from './scheduler.js'
import { scheduleScrub } from './scrub.js'

/** What is to be done regularly, and whom to tell. */
interface MaintenanceSettings {
  readonly compaction?: MaintenanceTiming
  readonly scrub?: MaintenanceTiming
  readonly hooks?: PapyraHooks
  readonly clock?: Clock
}

/** Refuses schedules that make no sense, before a store is touched. */
export function checkMaintenance(
  { compaction, scrub }: MaintenanceSettings,
  retention: RetentionPolicy | null,
): void {
  for (const timing of [compaction, scrub]) {
    if (timing === undefined) continue
    checkTiming(timing)
    checkThrottle(timing.throttle)
  }
  if (compaction !== undefined && retention === null) throw withoutPolicy()
}

/** Starts the schedules that are configured: none unless asked for. */
export function startMaintenance(
  papyra: Pick<Papyra, 'state' | 'retention' | 'compact' | 'scan' | 'describe'>,
  { compaction, scrub, hooks = {}, clock }: MaintenanceSettings,
): Schedule[] {
  const { onCompaction, onScrub, onAnomalies, onMaintenanceError } = hooks
  const common = {
    ...(clock === undefined ? {} : { clock }),
    ...(onMaintenanceError === undefined ? {} : { onError: onMaintenanceError }),
  }
  const schedules: Schedule[] = []
  if (compaction !== undefined) {
    const report = onCompaction === undefined ? {} : { onReport: onCompaction }
    schedules.push(scheduleCompaction(papyra, { ...common, ...compaction, ...report }))
  }
  if (scrub !== undefined) {
    schedules.push(
      scheduleScrub(papyra, {
        ...common,
        ...scrub,
        ...(onScrub === undefined ? {} : { onReport: onScrub }),
        ...(onAnomalies === undefined ? {} : { onAnomalies }),
      }),
    )
  }
  return schedules
}
