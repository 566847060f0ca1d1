import type { Clock } from '@papyra/contracts'

interface Timing {
  readonly clock: Clock
  readonly cacheMs: number
  readonly patienceMs: number
}

/** What has to be asked for: once for all readers, and never waited for long. */
export class Snapshots<T> {
  readonly #read: () => Promise<T>
  readonly #timing: Timing
  #last: T | null = null
  #lastAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | null = null

  constructor(read: () => Promise<T>, timing: Timing) {
    this.#read = read
    this.#timing = timing
  }

  /** The newest that are known; `null` if there was no answer yet. Never rejects. */
  async take(): Promise<T | null> {
    const { clock, cacheMs, patienceMs } = this.#timing
    if (clock.monotonic() - this.#lastAt < cacheMs) return this.#last
    this.#asking ??= this.#ask()
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs)
    })
    await Promise.race([this.#asking, late])
    clearTimeout(timer)
    return this.#last
  }

  async #ask(): Promise<void> {
    try {
      this.#last = await this.#read()
      this.#lastAt = this.#timing.clock.monotonic()
    } catch {
      // Closed, or out of reach: the last numbers are told again.
    } finally {
      this.#asking = null
    }
  }
}
