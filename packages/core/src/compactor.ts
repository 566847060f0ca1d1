import { PapyraError, type CompactionReport } from '@papyra/contracts'
import { maintain, type MaintenanceTiming } from './maintenance.js'
import type { Papyra } from './papyra.js'
import type { Schedule, Surroundings } from './scheduler.js'
import { tell } from './tell.js'

export interface CompactionScheduleOptions extends MaintenanceTiming, Surroundings {
  readonly onReport?: (report: CompactionReport) => void
  /** A compaction failed or was refused; the schedule goes on. Default: `console.error`. */
  readonly onError?: (error: unknown) => void
}

/**
 * Compacts regularly by the store's own policy, one at a time: `every` after the last compaction that
 * the store's history tells of, or after its creation, and only inside the window. Each run that is
 * not refused is in the history with the trigger `schedule`; of those that removed nothing, one after
 * the other, the last. Ends by itself when the store is closed.
 * Throws `invalid_argument` for a timing that is none, `retention_missing` if there is no policy.
 */
export function scheduleCompaction(
  papyra: Pick<Papyra, 'state' | 'retention' | 'compact' | 'describe'>,
  options: CompactionScheduleOptions,
): Schedule {
  if (papyra.retention === null) throw withoutPolicy()
  const { onReport, onError, ...timing } = options
  return maintain<CompactionReport>({
    ...timing,
    what: 'a scheduled compaction',
    last: async () => {
      const { history, createdAt } = await papyra.describe()
      return history.findLast(({ what }) => what === 'compaction')?.at ?? createdAt
    },
    isOpen: () => papyra.state === 'open',
    run: (run) => papyra.compact({ ...run, trigger: 'schedule' }),
    onReport: (report) => tell(onReport, report),
    onError,
  })
}

export function withoutPolicy(): PapyraError {
  return new PapyraError('retention_missing', 'Nothing would ever be removed: there is no policy.')
}
