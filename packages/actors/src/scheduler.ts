import type { Clock } from '@papyra/contracts'

/** Something with messages to handle. */
export interface Runnable {
  /** Handles up to `max` messages and tells how many it did. Must not throw. */
  run(max: number): number
}

/** Messages that one actor handles before it is another's turn. */
const SLICE = 32
/** Messages, and milliseconds, after which timers and input get their turn. */
const MAX_MESSAGES = 8192
const MAX_MS = 8

/**
 * Lets actors run in turn, from microtasks, and after some thousand messages or some milliseconds
 * only after timers and input had their turn: microtasks alone would starve both for ever.
 */
export class Scheduler {
  readonly #clock: Clock
  #ready: Runnable[] = []
  #next: Runnable[] = []
  #armed = false
  #messages = 0
  #ms = 0
  readonly #run = (): void => this.#drain()
  readonly #resume = (): void => {
    this.#messages = 0
    this.#ms = 0
    this.#drain()
  }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Has `runnable` run soon, after those that are waiting. */
  enqueue(runnable: Runnable): void {
    this.#next.push(runnable)
    if (this.#armed) return
    this.#armed = true
    queueMicrotask(this.#run)
  }

  #drain(): void {
    let before = this.#clock.monotonic()
    while (this.#next.length > 0) {
      const ready = this.#next
      this.#next = this.#ready
      this.#ready = ready
      for (let i = 0; i < ready.length; i += 1) {
        this.#messages += 1 + (ready[i] as Runnable).run(SLICE)
        const now = this.#clock.monotonic()
        this.#ms += now - before
        before = now
        if (this.#messages < MAX_MESSAGES && this.#ms < MAX_MS) continue
        this.#yield(ready.slice(i + 1))
        return
      }
      ready.length = 0
    }
    this.#armed = false
  }

  #yield(rest: Runnable[]): void {
    this.#next = rest.concat(this.#next)
    this.#ready = []
    // Also where nothing is left: what comes next may not go on in microtasks for ever.
    setImmediate(this.#resume)
  }
}
