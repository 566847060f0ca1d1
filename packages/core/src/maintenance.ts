import { PapyraError } from '@papyra/contracts'
import { startSchedule, type Schedule, type Surroundings, type Timing } from './scheduler.js'

/** A timing, and how much of the disk the work may take. */
export interface MaintenanceTiming extends Timing {
  /** At most so many bytes are read and written a second, on average. Default: as fast as it goes. */
  readonly throttle?: { readonly bytesPerSecond: number }
}

/** Work that a store has done to it regularly. */
export interface Maintenance<Report> extends MaintenanceTiming, Surroundings {
  /** For messages. */
  readonly what: string
  readonly last: () => Promise<number | null>
  readonly isOpen: () => boolean
  readonly run: (options: {
    readonly signal: AbortSignal
    readonly bytesPerSecond?: number
  }) => Promise<Report>
  readonly onReport: (report: Report) => void
  readonly onError: ((error: unknown) => void) | undefined
}

/** Throws `invalid_argument` for a throttle that lets nothing through. */
export function checkThrottle(throttle: MaintenanceTiming['throttle']): void {
  if (throttle === undefined) return
  const { bytesPerSecond } = throttle
  if (Number.isFinite(bytesPerSecond) && bytesPerSecond > 0) return
  throw new PapyraError('invalid_argument', '`throttle.bytesPerSecond` must be a positive number.')
}

/** Runs it by its timing until the store closes. What fails is told, and the schedule goes on. */
export function maintain<Report>(maintenance: Maintenance<Report>): Schedule {
  const { what, throttle, isOpen, run, onReport, onError = complain(what) } = maintenance
  checkThrottle(throttle)
  const { every, window, jitter, clock, timer, random, last } = maintenance
  return startSchedule({
    every,
    ...(window === undefined ? {} : { window }),
    ...(jitter === undefined ? {} : { jitter }),
    ...(clock === undefined ? {} : { clock }),
    ...(timer === undefined ? {} : { timer }),
    ...(random === undefined ? {} : { random }),
    last,
    goesOn: isOpen,
    async work(signal) {
      try {
        onReport(await run({ signal, ...throttle }))
      } catch (thrown) {
        if (!signal.aborted && isOpen()) told(() => onError(thrown))
      }
    },
  })
}

/** Where nobody asked to be told of a failure it must not stay unknown. */
function complain(what: string): (error: unknown) => void {
  return (error) => console.error(`Papyra: ${what} failed:`, error)
}

function told(tell: () => void): void {
  try {
    tell()
  } catch {
    // A hook is told, it has no say.
  }
}
