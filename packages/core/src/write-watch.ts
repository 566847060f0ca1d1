import {
  FINAL_WRITE_ERRORS,
  isPapyraError,
  type Clock,
  type PapyraErrorCode,
} from '@papyra/contracts'
import { say, type PapyraLogger } from './logger.js'

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
  readonly #logger: PapyraLogger | undefined
  #failure: WriteFailure | null = null

  constructor(clock: Clock, logger: PapyraLogger | undefined) {
    this.#clock = clock
    this.#logger = logger
  }

  get failure(): WriteFailure | null {
    return this.#failure
  }

  async watch<T>(append: Promise<T>): Promise<T> {
    try {
      const result = await append
      if (this.#failure !== null) this.#mended(this.#failure)
      return result
    } catch (thrown) {
      this.#failed(isPapyraError(thrown) ? thrown.code : 'internal')
      throw thrown
    }
  }

  #mended({ code, appends }: WriteFailure): void {
    this.#failure = null
    say(this.#logger, 'papyra.write.recovered', { code, appends })
  }

  #failed(code: PapyraErrorCode): void {
    if (OF_THE_FACT.has(code)) return
    const before = this.#failure
    const final = FINAL_WRITE_ERRORS.has(code)
    if (before === null && !final) say(this.#logger, 'papyra.write.failing', { code })
    if (final && !FINAL_WRITE_ERRORS.has(before?.code ?? '')) {
      say(this.#logger, 'papyra.writer.latched', { code })
    }
    this.#failure = {
      code,
      appends: (before?.appends ?? 0) + 1,
      since: before?.since ?? this.#clock.now(),
      lastMonotonic: this.#clock.monotonic(),
    }
  }
}
