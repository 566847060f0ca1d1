import {
  ERROR_CODES,
  FINAL_WRITE_ERRORS,
  PapyraError,
  SingleFlight,
  isPapyraError,
  systemClock,
  type Clock,
  type MeasuredGroup,
  type MeasuredStore,
  type PapyraErrorCode,
  type Progress,
} from '@papyra/contracts'
import type { Papyra } from '@papyra/core'
import { StartupProgress, type StartupStatus } from './startup-progress.js'

/** `starting` → `ready` or `refused`; `stopping` ends all of them. */
export type HealthState = 'starting' | 'ready' | 'refused' | 'stopping'

/**
 * Why not: `starting`, `stopping`, `not_answering` (the store has not answered for `patienceMs`), or
 * the code of a `PapyraError`.
 */
export type HealthCode = PapyraErrorCode | 'starting' | 'stopping' | 'not_answering'

export interface Readiness {
  readonly ready: boolean
  /** `null` if ready. */
  readonly code: HealthCode | null
}

export interface HealthOptions {
  /** How long an answer about the store is given again, in ms. Default 1000. */
  readonly cacheMs?: number
  /** No request waits longer than this for the store, in ms. Default 500. */
  readonly answerWithinMs?: number
  /** A store that has not answered for so long, in ms, counts as gone. Default 10 000. */
  readonly patienceMs?: number
  /**
   * How long a failed append makes the service unready, in ms, unless a later one succeeds. Default
   * 10 000. After that it is offered work again: without any it would never learn that it may.
   */
  readonly failingForMs?: number
  /**
   * The consumer groups to tell the numbers of, such as `groups` of a Redis store that is open for
   * reading. Default: none.
   */
  readonly groups?: { list(): Promise<readonly MeasuredGroup[]> }
  /** Default: the machine's. The one that the store was opened with, if that is another. */
  readonly clock?: Clock
}

/** What the endpoints know. Make one before the store is opened, and tell it what happens. */
export interface Health {
  readonly state: HealthState
  /** For `startup` of `openPapyra`. `signal` stops the gate when the service is told to stop. */
  readonly startup: {
    readonly onProgress: (progress: Progress) => void
    readonly signal: AbortSignal
  }
  /** Waits for `openPapyra`, and calls `ready` or `refused`; gives on what it gives. */
  opening<Opened extends WatchedStore>(papyra: Promise<Opened>): Promise<Opened>
  /** The gate has passed. */
  ready(papyra: WatchedStore): void
  /** The gate has refused, or the store could not be opened. */
  refused(error: unknown): void
  /** Unready from now on, for good; a gate under way is stopped. */
  stopping(): void
  /** Progress of the gate, and its refusal. Touches no store. */
  startupStatus(): StartupStatus & { readonly state: HealthState; readonly code: HealthCode | null }
  /** Whether the gate has passed and the store takes writes. Cached. Never rejects. */
  readiness(): Promise<Readiness>
  /** The store's own numbers; `null` where it does not answer in time. Cached. Never rejects. */
  store(): Promise<MeasuredStore | null>
  /** The consumer groups; `null` where there are none to tell of, or no answer. As `store`. */
  groups(): Promise<readonly MeasuredGroup[] | null>
  /** The store, once there is one. */
  readonly papyra: WatchedStore | null
}

/** What is looked at of an open store. */
export type WatchedStore = Pick<
  Papyra,
  | 'state'
  | 'systemId'
  | 'startupReport'
  | 'writeFailure'
  | 'accounts'
  | 'metricsReadAt'
  | 'noteMetricsRead'
  | 'flush'
  | 'describe'
>

/**
 * Makes what `healthHandler` answers from. Throws `invalid_argument` for times that are not positive.
 *
 * @example
 * const health = createHealth()
 * const papyra = await health.opening(openPapyra({ systemId, backend, startup: health.startup }))
 */
export function createHealth(options: HealthOptions = {}): Health {
  return new StoreHealth(options)
}

class StoreHealth implements Health {
  readonly startup: Health['startup']
  readonly #progress: StartupProgress
  readonly #stop = new AbortController()
  readonly #clock: Clock
  readonly #patienceMs: number
  readonly #failingForMs: number
  readonly #look: SingleFlight<PapyraErrorCode | null>
  readonly #numbers: SingleFlight<MeasuredStore | null>
  readonly #groups: SingleFlight<readonly MeasuredGroup[] | null> | null
  #papyra: WatchedStore | null = null
  #refusal: PapyraErrorCode | null = null
  #passed = false

  constructor(options: HealthOptions) {
    this.#clock = options.clock ?? systemClock
    this.#patienceMs = positive('patienceMs', options.patienceMs ?? 10_000)
    this.#failingForMs = positive('failingForMs', options.failingForMs ?? 10_000)
    const timing = {
      clock: this.#clock,
      cacheMs: positive('cacheMs', options.cacheMs ?? 1000),
      answerWithinMs: positive('answerWithinMs', options.answerWithinMs ?? 500),
    }
    this.#progress = new StartupProgress(this.#clock)
    this.#look = new SingleFlight(() => this.#lookAtStore(), timing)
    this.#numbers = new SingleFlight(() => this.#readNumbers(), timing)
    const { groups } = options
    this.#groups =
      groups === undefined ? null : new SingleFlight(() => groups.list().catch(() => null), timing)
    this.startup = {
      onProgress: (progress) => this.#progress.take(progress),
      signal: this.#stop.signal,
    }
  }

  get state(): HealthState {
    if (this.#stop.signal.aborted) return 'stopping'
    if (this.#refusal !== null) return 'refused'
    return this.#passed ? 'ready' : 'starting'
  }

  get papyra(): WatchedStore | null {
    return this.#papyra
  }

  async opening<Opened extends WatchedStore>(opening: Promise<Opened>): Promise<Opened> {
    try {
      const papyra = await opening
      this.ready(papyra)
      return papyra
    } catch (thrown) {
      this.refused(thrown)
      throw thrown
    }
  }

  ready(papyra: WatchedStore): void {
    this.#papyra = papyra
    this.#refusal = null
    this.#passed = true
    this.#progress.end()
  }

  refused(error: unknown): void {
    this.#refusal = codeOf(error)
    this.#progress.end()
  }

  stopping(): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(new PapyraError('aborted', 'The service is told to stop.'))
  }

  startupStatus(): ReturnType<Health['startupStatus']> {
    const { state } = this
    const code = this.#passed
      ? null
      : (this.#refusal ?? (state === 'stopping' ? state : 'starting'))
    return { state, code, ...this.#progress.status() }
  }

  async readiness(): Promise<Readiness> {
    const known = this.#withoutAsking()
    if (known !== null) return no(known)
    const { value, waitingMs } = await this.#look.ask()
    // The state may have changed while the store was asked.
    const code = this.#withoutAsking() ?? value
    if (code !== null) return no(code)
    return waitingMs >= this.#patienceMs ? no('not_answering') : { ready: true, code: null }
  }

  async store(): Promise<MeasuredStore | null> {
    if (this.#papyra === null) return null
    const { value, waitingMs } = await this.#numbers.ask()
    return waitingMs >= this.#patienceMs ? null : value
  }

  async groups(): Promise<readonly MeasuredGroup[] | null> {
    if (this.#groups === null) return null
    const { value, waitingMs } = await this.#groups.ask()
    return waitingMs >= this.#patienceMs ? null : value
  }

  /** Why it is not ready, as far as that can be told without touching the store. */
  #withoutAsking(): HealthCode | null {
    const { state } = this
    if (state === 'stopping') return 'stopping'
    if (state === 'refused') return this.#refusal
    const papyra = this.#papyra
    if (papyra === null) return 'starting'
    if (papyra.state !== 'open') return 'closed'
    const failure = papyra.writeFailure
    if (failure === null) return null
    const recent = this.#clock.monotonic() - failure.lastMonotonic < this.#failingForMs
    return recent || FINAL_WRITE_ERRORS.has(failure.code) ? failure.code : null
  }

  /** Resolves when everything accepted so far is stored and the store has described itself. */
  async #lookAtStore(): Promise<PapyraErrorCode | null> {
    try {
      await this.#papyra?.flush()
      await this.#papyra?.describe()
      return null
    } catch (thrown) {
      return codeOf(thrown)
    }
  }

  async #readNumbers(): Promise<MeasuredStore | null> {
    return (await this.#papyra?.describe().catch(() => null)) ?? null
  }
}

function no(code: HealthCode): Readiness {
  return { ready: false, code }
}

/** Only a code that is known; nothing else of an error ever leaves the process. */
function codeOf(error: unknown): PapyraErrorCode {
  return isPapyraError(error) && Object.hasOwn(ERROR_CODES, error.code) ? error.code : 'internal'
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new PapyraError('invalid_argument', `\`${name}\` must be a positive number of ms.`)
}
