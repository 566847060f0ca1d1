import type { Clock } from './clock.js'

export interface SingleFlightTiming {
  readonly clock: Clock
  /** How long an answer is given again, in ms. */
  readonly cacheMs: number
  /** Nobody waits longer than this, in ms. */
  readonly answerWithinMs: number
}

/**
 * What has to be asked for, one asking at a time, whoever wants to know: its answer is given again for
 * `cacheMs`, and who comes while it is under way waits for the same one, but never longer than
 * `answerWithinMs`.
 */
export class SingleFlight<T> {
  readonly #ask: () => Promise<T>
  readonly #timing: SingleFlightTiming
  #flight: Promise<void> | null = null
  #began = 0
  #answer: { readonly value: T; readonly at: number } | null = null

  constructor(ask: () => Promise<T>, timing: SingleFlightTiming) {
    this.#ask = ask
    this.#timing = timing
  }

  /**
   * The last answer, `null` if there was none yet, and how long, in ms, the asking under way has
   * taken: 0 if none is. An asking that fails leaves the answer as it was. Never rejects.
   */
  async ask(): Promise<{ readonly value: T | null; readonly waitingMs: number }> {
    const { clock, cacheMs, answerWithinMs } = this.#timing
    const fresh = this.#answer !== null && clock.monotonic() - this.#answer.at < cacheMs
    if (!fresh) {
      this.#flight ??= this.#fly()
      await atMost(this.#flight, answerWithinMs)
    }
    const waitingMs = this.#flight === null ? 0 : clock.monotonic() - this.#began
    return { value: this.#answer?.value ?? null, waitingMs }
  }

  async #fly(): Promise<void> {
    this.#began = this.#timing.clock.monotonic()
    try {
      const value = await this.#ask()
      this.#answer = { value, at: this.#timing.clock.monotonic() }
    } catch {
      // Closed, or out of reach: the last answer is given again.
    } finally {
      this.#flight = null
    }
  }
}

/** Waits for `work` or for the time to be over. */
async function atMost(work: Promise<unknown>, ms: number): Promise<void> {
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
