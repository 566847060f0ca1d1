import { PapyraError } from '@papyra/contracts'

/** What is done about an actor that failed. */
export const DIRECTIVES = ['stop', 'restart', 'resume', 'escalate'] as const
/**
 * - `stop`: it ends
 * - `restart`: a new behaviour is made, after a pause; name, address and mailbox stay
 * - `resume`: it goes on with the next message and the state it has
 * - `escalate`: it ends, and its parent fails with the same error
 */
export type Directive = (typeof DIRECTIVES)[number]

/** What an actor was doing when it failed. `child`: a child's failure was escalated to it. */
export type FailurePoint = 'start' | 'receive' | 'stop' | 'terminated' | 'child'

/** A failure of one actor. The error stays in the process; facts keep its name and message. */
export interface Failure {
  readonly error: unknown
  readonly address: string
  readonly id: string
  readonly during: FailurePoint
  /** The type of the message in hand, if there was one. */
  readonly messageType: string | null
  /** The address of the child that escalated. */
  readonly child: string | null
  /** Restarts that count against the budget by now. */
  readonly restarts: number
}

/** How long to pause before a restart: `firstMs`, then `factor` times as long for each restart. */
export interface Backoff {
  /** Default 100. 0 restarts at once. */
  readonly firstMs?: number
  /** Default 2. */
  readonly factor?: number
  /** Default 10 000. */
  readonly maxMs?: number
  /** Up to so much of the pause is added by chance. From 0 (default) to 1. */
  readonly jitter?: number
}

/** What is to be done when an actor fails. */
export interface Supervision {
  /** Default `restart`. A function decides at once; what it throws means `stop`. */
  readonly onFailure?: Directive | ((failure: Failure) => Directive)
  /** The most restarts within `withinMs`. Default 3. */
  readonly maxRestarts?: number
  /** Default 60 000. */
  readonly withinMs?: number
  readonly backoff?: Backoff
  /** What is done instead of a restart beyond the budget. Default `stop`. */
  readonly onExhausted?: 'stop' | 'escalate'
}

/** What was decided about one failure. */
export interface Verdict {
  readonly directive: Directive
  /** The budget did not allow the restart that was due. */
  readonly exhausted: boolean
  /** The pause before a restart, in ms. */
  readonly delayMs: number
}

/** Decides about the failures of one actor and keeps its budget of restarts. */
export class Supervisor {
  readonly #onFailure: Directive | ((failure: Failure) => Directive)
  readonly #maxRestarts: number
  readonly #withinMs: number
  readonly #backoff: Required<Backoff>
  readonly #onExhausted: 'stop' | 'escalate'
  /** Monotonic times of the restarts within the window. */
  #restarts: number[] = []

  constructor(stated: Supervision) {
    const { onFailure = 'restart', onExhausted = 'stop', backoff = {} } = stated
    if (typeof onFailure !== 'function' && !DIRECTIVES.includes(onFailure)) {
      throw refusal('onFailure', 'a directive or a function')
    }
    if (onExhausted !== 'stop' && onExhausted !== 'escalate') {
      throw refusal('onExhausted', '`stop` or `escalate`')
    }
    this.#onFailure = onFailure
    this.#onExhausted = onExhausted
    this.#maxRestarts = number('maxRestarts', stated.maxRestarts ?? 3, 0)
    this.#withinMs = number('withinMs', stated.withinMs ?? 60_000, 0)
    this.#backoff = {
      firstMs: number('backoff.firstMs', backoff.firstMs ?? 100, 0),
      factor: number('backoff.factor', backoff.factor ?? 2, 1),
      maxMs: number('backoff.maxMs', backoff.maxMs ?? 10_000, 0),
      jitter: number('backoff.jitter', backoff.jitter ?? 0, 0),
    }
  }

  /** Restarts that count against the budget at this monotonic time. */
  restarts(monotonic: number): number {
    if (this.#restarts.length === 0) return 0
    this.#restarts = this.#restarts.filter((at) => monotonic - at < this.#withinMs)
    return this.#restarts.length
  }

  /** Decides, and counts the restart if that is what comes of it. `asked` overrides the policy. */
  decide(failure: Failure, monotonic: number, asked?: Directive): Verdict {
    const directive = asked ?? this.#policy(failure)
    // Who failed to start has no state to go on with.
    const wanted = directive === 'resume' && failure.during === 'start' ? 'restart' : directive
    if (wanted !== 'restart') return { directive: wanted, exhausted: false, delayMs: 0 }
    const used = this.restarts(monotonic)
    if (used >= this.#maxRestarts) {
      return { directive: this.#onExhausted, exhausted: true, delayMs: 0 }
    }
    this.#restarts.push(monotonic)
    return { directive: 'restart', exhausted: false, delayMs: this.#pause(used) }
  }

  #policy(failure: Failure): Directive {
    if (typeof this.#onFailure !== 'function') return this.#onFailure
    try {
      const directive = this.#onFailure(failure)
      return DIRECTIVES.includes(directive) ? directive : 'stop'
    } catch {
      return 'stop'
    }
  }

  #pause(used: number): number {
    const { firstMs, factor, maxMs, jitter } = this.#backoff
    const pause = Math.min(maxMs, firstMs * factor ** used)
    return jitter === 0 ? pause : pause * (1 + jitter * Math.random())
  }
}

function number(name: string, value: number, least: number): number {
  if (typeof value === 'number' && value >= least) return value
  throw refusal(name, `a number of at least ${least}`)
}

function refusal(name: string, wanted: string): PapyraError {
  return new PapyraError('invalid_argument', `\`supervision.${name}\` must be ${wanted}.`)
}
