import type { ScanReport } from '@papyra/contracts'
import { maintain, type MaintenanceTiming } from './maintenance.js'
import type { Papyra } from './papyra.js'
import type { Schedule, Surroundings } from './scheduler.js'
import { tell } from './tell.js'

export interface ScrubScheduleOptions extends MaintenanceTiming, Surroundings {
  readonly onReport?: (report: ScanReport) => void
  /** Damage was found. It is only reported: recover before the next start. Default: `console.error`. */
  readonly onAnomalies?: (report: ScanReport) => void
  /** The store could not be read; the schedule goes on. Default: `console.error`. */
  readonly onError?: (error: unknown) => void
}

/**
 * Reads the whole store again regularly and verifies every byte, so that a disk that decays is found
 * before the next start. Each run that finds nothing counts as a verification of the store. The first
 * comes `every` after the last verification. Ends by itself when the store is closed. Throws
 * `invalid_argument` for a timing that is none.
 */
export function scheduleScrub(
  papyra: Pick<Papyra, 'state' | 'scan' | 'describe'>,
  options: ScrubScheduleOptions,
): Schedule {
  const { onReport, onAnomalies = complain, onError, ...timing } = options
  return maintain<ScanReport>({
    ...timing,
    what: 'a scrub',
    last: async () => (await papyra.describe()).verifiedAt,
    isOpen: () => papyra.state === 'open',
    run: (run) => papyra.scan({ ...run, coverage: 'full' }),
    onReport: (report) => {
      if (!report.clean) tell(onAnomalies, report)
      tell(onReport, report)
    },
    onError,
  })
}

function complain({ location, anomalyCounts }: ScanReport): void {
  const counts = Object.entries(anomalyCounts).map(([code, count]) => `${count} ${code}`)
  console.error(`Papyra: a scrub found damage in ${location}: ${counts.join(', ')}.`)
}
