import type { Clock, MeasuredStore } from '@papyra/contracts'

interface Timing {
  readonly clock: Clock
  readonly cacheMs: number
  readonly patienceMs: number
}

/** The store's own numbers, asked for once for all readers, and never waited for long. */
export class Snapshots {
  readonly #store: { describe(): Promise<MeasuredStore> }
  readonly #timing: Timing
  #last: MeasuredStore | null = null
  #lastAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | null = null

  constructor(store: { describe(): Promise<MeasuredStore> }, timing: Timing) {
    this.#store = store
    this.#timing = timing
  }

  /** The newest that are known; `null` if the store has not answered yet. Never rejects. */
  async take(): Promise<MeasuredStore | null> {
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
      this.#last = await this.#store.describe()
      this.#lastAt = this.#timing.clock.monotonic()
    } catch {
      // Closed, or out of reach: the last numbers are told again.
    } finally {
      this.#asking = null
    }
  }
}
