import { PapyraError, type CompactionReport } from '@papyra/contracts'
import type { CompactNowOptions, Papyra } from './papyra.js'
import { tell } from './tell.js'

/** How to be called later. The default are the platform's timers. */
export interface Timer {
  /** Calls back once after `ms` milliseconds; what it returns cancels that. */
  after(ms: number, call: () => void): () => void
}

export interface CompactionScheduleOptions {
  /** From the end of one compaction to the begin of the next, in ms. At most 2 147 483 647. */
  readonly everyMs: number
  readonly onReport?: (report: CompactionReport) => void
  /** A compaction failed or was refused; the schedule goes on. */
  readonly onError?: (error: unknown) => void
  readonly timer?: Timer
}

export interface CompactionSchedule {
  /** Stops the schedule, and the compaction under way, which changes nothing then. Idempotent. */
  stop(): Promise<void>
}

const LONGEST = 2_147_483_647

/** Does not keep a process alive that has nothing else to do. */
const platformTimer: Timer = {
  after(ms, call) {
    const timer = setTimeout(call, ms)
    if (typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}

/**
 * Compacts regularly by the store's own policy, one at a time, the first time after `everyMs`. Ends
 * by itself when the store is closed. Throws `invalid_argument` for an interval that is none.
 */
export function scheduleCompaction(
  papyra: Pick<Papyra, 'state'> & {
    compact(options?: CompactNowOptions): Promise<CompactionReport>
  },
  options: CompactionScheduleOptions,
): CompactionSchedule {
  const { everyMs, timer = platformTimer } = options
  if (!(Number.isFinite(everyMs) && everyMs > 0 && everyMs <= LONGEST)) {
    throw new PapyraError('invalid_argument', `\`everyMs\` must be from 1 to ${LONGEST}.`)
  }
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()
  const run = async (): Promise<void> => {
    try {
      const report = await papyra.compact({ signal: stopping.signal })
      tell(options.onReport, report)
    } catch (thrown) {
      if (!stopping.signal.aborted && papyra.state === 'open') tell(options.onError, thrown)
    }
    if (!stopping.signal.aborted && papyra.state === 'open') cancel = plan()
  }
  const plan = (): (() => void) =>
    timer.after(everyMs, () => {
      running = run()
    })
  let cancel = plan()
  return {
    async stop() {
      stopping.abort()
      cancel()
      await running
    },
  }
}
