import { PapyraError, systemClock, type Clock } from '@papyra/contracts'
import { openHours, type DailyWindow, type OpenHours } from './daily-window.js'
import { requireDuration } from './duration.js'

/** How to be called later. The default are the platform's timers. */
export interface Timer {
  /** Calls back once after `ms` milliseconds; what it returns cancels that. */
  after(ms: number, call: () => void): () => void
}

/** When something is to be done again and again. */
export interface Timing {
  /** From one start to the next: a number with its unit, such as `30m`, `24h`, `7d`. */
  readonly every: string
  /** Starts only in this part of a day; what is under way when it is over goes on. */
  readonly window?: DailyWindow
  /**
   * Spreads the starts, so that many services do not all begin at once: each comes later by a random
   * part of so much of `every`, never so late that the window is over. From 0 (the default) to 1.
   */
  readonly jitter?: number
}

/** Time and chance, for tests. The defaults are those of the platform. */
export interface Surroundings {
  readonly clock?: Clock
  readonly timer?: Timer
  /** From 0 up to, not including, 1. */
  readonly random?: () => number
}

export interface Schedule {
  /** Ends the schedule and aborts the run under way; resolves when that has ended. Idempotent. */
  stop(): Promise<void>
}

export interface Plan extends Timing, Surroundings {
  /** Wall time in ms of the last run, of this process or another; `null` if there was none. */
  readonly last: () => Promise<number | null>
  /** False ends the schedule. */
  readonly goesOn: () => boolean
  /** One run. Never called while one is under way. Must not reject. */
  readonly work: (signal: AbortSignal) => Promise<void>
}

/** So often it looks at the clocks, as wall time may be set while it waits. */
const LONGEST_WAIT = 3_600_000

/** Does not keep a process alive that has nothing else to do. */
const platformTimer: Timer = {
  after(ms, call) {
    const timer = setTimeout(call, ms)
    if (typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Throws `invalid_argument` for a timing that makes no sense. */
export function checkTiming({ every, window, jitter = 0 }: Timing): void {
  requireDuration('every', every)
  if (window !== undefined) openHours(window)
  if (jitter >= 0 && jitter <= 1) return
  throw new PapyraError('invalid_argument', '`jitter` must be a number from 0 to 1.')
}

/**
 * Does a work again and again, never two at a time: each start is `every` after the one before, or
 * after the last run that the store remembers, so that restarts do not put it off. A start that is
 * due while the window is closed comes when it opens; starts that were missed are not made up for.
 * Throws `invalid_argument`.
 */
export function startSchedule(plan: Plan): Schedule {
  checkTiming(plan)
  const runs = new Runs(plan)
  return { stop: () => runs.stop() }
}

class Runs {
  readonly #plan: Plan
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #everyMs: number
  readonly #hours: OpenHours | null
  readonly #stopping = new AbortController()
  /** Monotonic time of the next start, before window and jitter. */
  #due = 0
  /** How much of the jitter the next start takes, from 0 to 1. */
  #part = 0
  #cancel: () => void = () => undefined
  #running: Promise<void>

  constructor(plan: Plan) {
    this.#plan = plan
    this.#clock = plan.clock ?? systemClock
    this.#timer = plan.timer ?? platformTimer
    this.#everyMs = requireDuration('every', plan.every)
    this.#hours = plan.window === undefined ? null : openHours(plan.window)
    this.#running = this.#begin()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancel()
    await this.#running
  }

  async #begin(): Promise<void> {
    const last = await this.#plan.last().catch(() => null)
    const since = last === null ? 0 : Math.max(0, this.#clock.now() - last)
    this.#dueAt(this.#clock.monotonic() + Math.max(0, this.#everyMs - since))
    this.#look()
  }

  #dueAt(due: number): void {
    this.#due = due
    this.#part = (this.#plan.random ?? Math.random)()
  }

  /** Starts a run if its time has come, else waits for it. */
  #look(): void {
    if (this.#stopping.signal.aborted || !this.#plan.goesOn()) return
    const [now, elapsed] = [this.#clock.now(), this.#clock.monotonic()]
    let { start, slot } = this.#next(now, elapsed)
    if (start <= now) {
      if (this.#hours === null || this.#hours.isOpen(now)) {
        this.#running = this.#run(elapsed + slot - now)
        return
      }
      // The window was missed, by a machine that slept or a clock that was set.
      this.#dueAt(elapsed)
      ;({ start, slot } = this.#next(now, elapsed))
    }
    const wait = Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(start - now)))
    this.#cancel = this.#timer.after(wait, () => this.#look())
  }

  /** Wall times: when the next run is due with the window, and when it starts with the jitter. */
  #next(now: number, elapsed: number): { readonly slot: number; readonly start: number } {
    const due = now + this.#due - elapsed
    const slot = this.#hours?.opens(due) ?? due
    const room = this.#everyMs * (this.#plan.jitter ?? 0)
    const left = this.#hours === null ? room : Math.min(room, this.#hours.closes(slot) - slot)
    return { slot, start: slot + this.#part * left }
  }

  async #run(slot: number): Promise<void> {
    await this.#plan.work(this.#stopping.signal)
    // Counted from the slot, not from the start, so that the jitter does not add up.
    this.#dueAt(Math.max(slot + this.#everyMs, this.#clock.monotonic()))
    this.#look()
  }
}
