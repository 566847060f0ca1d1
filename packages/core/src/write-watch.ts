import { isPapyraError, type Clock, type PapyraErrorCode } from '@papyra/contracts'

/** Appends that the store did not take, since it last took one. */
export interface WriteFailure {
  /** Why it did not take the last one. */
  readonly code: PapyraErrorCode
  /** How many in a row. */
  readonly appends: number
  /** Wall time in ms of the first of them. */
  readonly since: number
  /** Monotonic time in ms of the last of them, by the clock that the store was opened with. */
  readonly lastMonotonic: number
}

/** What is wrong with the fact, or with the moment, and not with the store. */
const OF_THE_FACT: ReadonlySet<PapyraErrorCode> = new Set([
  'invalid_argument',
  'invalid_fact',
  'record_too_large',
  'closed',
])

/** Remembers whether the store took the last append. */
export class WriteWatch {
  readonly #clock: Clock
  #failure: WriteFailure | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get failure(): WriteFailure | null {
    return this.#failure
  }

  async watch<T>(append: Promise<T>): Promise<T> {
    try {
      const result = await append
      this.#failure = null
      return result
    } catch (thrown) {
      this.#failed(isPapyraError(thrown) ? thrown.code : 'internal')
      throw thrown
    }
  }

  #failed(code: PapyraErrorCode): void {
    if (OF_THE_FACT.has(code)) return
    this.#failure = {
      code,
      appends: (this.#failure?.appends ?? 0) + 1,
      since: this.#failure?.since ?? this.#clock.now(),
      lastMonotonic: this.#clock.monotonic(),
    }
  }
}
