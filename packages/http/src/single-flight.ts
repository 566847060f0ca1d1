import type { Clock } from '@papyra/contracts'

/**
 * One computation at a time, whoever asks: its result is given again for `cacheMs`, and who asks
 * while it runs waits for the same one, but never longer than `answerWithinMs`.
 */
export class SingleFlight<T> {
  readonly #compute: () => Promise<T>
  readonly #timing: { clock: Clock; cacheMs: number; answerWithinMs: number }
  #flight: Promise<void> | null = null
  #began = 0
  #result: { readonly value: T; readonly at: number } | null = null

  constructor(
    compute: () => Promise<T>,
    timing: { clock: Clock; cacheMs: number; answerWithinMs: number },
  ) {
    this.#compute = compute
    this.#timing = timing
  }

  /** The last result and how long, in ms, the computation under way has run: 0 if none is. */
  async ask(): Promise<{ readonly value: T | null; readonly waitingMs: number }> {
    const { clock, cacheMs, answerWithinMs } = this.#timing
    const fresh = this.#result !== null && clock.monotonic() - this.#result.at < cacheMs
    if (!fresh) {
      this.#flight ??= this.#fly()
      await atMost(this.#flight, answerWithinMs)
    }
    const waitingMs = this.#flight === null ? 0 : clock.monotonic() - this.#began
    return { value: this.#result?.value ?? null, waitingMs }
  }

  async #fly(): Promise<void> {
    this.#began = this.#timing.clock.monotonic()
    try {
      const value = await this.#compute()
      this.#result = { value, at: this.#timing.clock.monotonic() }
    } finally {
      this.#flight = null
    }
  }
}

/** Waits for `work` or for the time to be over. */
export async function atMost(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
