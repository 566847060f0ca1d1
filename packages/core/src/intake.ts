import {
  PapyraError,
  isPapyraError,
  type AppendFact,
  type AuditInput,
  type DeadLetterInput,
  type EventInput,
  type RecordKind,
} from '@papyra/contracts'
import {
  encodeAudit,
  encodeDeadLetter,
  encodeEvent,
  type EncodedFact,
  type FactSource,
} from './encode.js'
import { tell } from './tell.js'

/** Why the intake could not keep a fact. */
export const DROP_REASONS = ['full', 'invalid', 'too_large', 'store_failed', 'closed'] as const
/**
 * - `full`: more facts or bytes are waiting than the intake may hold
 * - `invalid`: it is no fact, or a schema refuses it
 * - `too_large`: larger than the store takes
 * - `store_failed`: the store did not take it
 * - `closed`: handed in after closing began
 */
export type DropReason = (typeof DROP_REASONS)[number]

/** What was dropped: one fact, or several of one batch. Never holds payloads. */
export interface Drop {
  readonly reason: DropReason
  readonly records: number
  /** The kind, if it is one fact. */
  readonly kind: RecordKind | null
  readonly error: unknown
}

export interface IntakeLimits {
  /** The most facts that may wait. Default 10 000. */
  readonly capacity?: number
  /** The most UTF-16 units of JSON that may wait; for most text that is bytes. Default 64 Mi. */
  readonly capacityBytes?: number
  /** The most facts handed to the store at once. Default 256. */
  readonly batch?: number
}

/** What became of the facts so far. `accepted` = `written` + `waiting` + those dropped later. */
export interface IntakeStats {
  readonly accepted: number
  readonly written: number
  readonly waiting: number
  readonly dropped: { readonly [Reason in DropReason]: number }
}

/**
 * The write side for runtimes: takes facts without waiting and without ever throwing, whatever is
 * handed to it. What it cannot keep it counts, by reason, and tells `onDrop`. Order is kept.
 */
export interface Intake {
  /** True if accepted. Accepted is not yet written: `stats` and `onDrop` tell. */
  event(input: EventInput): boolean
  audit(input: AuditInput): boolean
  deadLetter(input: DeadLetterInput): boolean
  stats(): IntakeStats
  /** Resolves when nothing accepted before the call is waiting any more. Never rejects. */
  flush(): Promise<void>
}

export interface IntakeOptions extends IntakeLimits {
  readonly source: FactSource
  append(facts: readonly AppendFact[]): Promise<unknown>
  /** The refusal of a schema, or `null`. */
  refusal(fact: EncodedFact): PapyraError | null | Promise<PapyraError | null>
  readonly onDrop?: (drop: Drop) => void
  /** Called before so many are counted as dropped. */
  readonly beforeDrop?: (records: number) => void
}

interface Waiting {
  readonly fact: EncodedFact
  /** Pending where the schema's validator is asynchronous; never rejects. */
  readonly refusal: Promise<PapyraError | null> | null
}

/** The intake itself; its owner closes it. */
export class IntakeQueue implements Intake {
  readonly #options: IntakeOptions
  readonly #capacity: number
  readonly #capacityBytes: number
  readonly #batch: number
  readonly #dropped: { [Reason in DropReason]: number }
  #queue: Waiting[] = []
  #bytes = 0
  #inFlight = 0
  #accepted = 0
  #written = 0
  /** Accepted facts that are written or dropped by now. */
  #settled = 0
  #turn: Promise<void> = Promise.resolve()
  #closed = false
  #draining: Promise<void> | null = null

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#capacity = positive('intake.capacity', options.capacity ?? 10_000)
    this.#capacityBytes = positive('intake.capacityBytes', options.capacityBytes ?? 67_108_864)
    this.#batch = positive('intake.batch', options.batch ?? 256)
    this.#dropped = { full: 0, invalid: 0, too_large: 0, store_failed: 0, closed: 0 }
  }

  event(input: EventInput): boolean {
    return this.#accept('event', () => encodeEvent(input, this.#options.source))
  }

  audit(input: AuditInput): boolean {
    return this.#accept('audit', () => encodeAudit(input, this.#options.source))
  }

  deadLetter(input: DeadLetterInput): boolean {
    return this.#accept('dead_letter', () => encodeDeadLetter(input, this.#options.source))
  }

  /** The most facts that wait at a time. */
  get capacity(): number {
    return this.#capacity
  }

  stats(): IntakeStats {
    return {
      accepted: this.#accepted,
      written: this.#written,
      waiting: this.#queue.length + this.#inFlight,
      dropped: { ...this.#dropped },
    }
  }

  async flush(): Promise<void> {
    const target = this.#accepted
    while (this.#settled < target) await this.#turn
  }

  /** Takes no more, and resolves when all that was accepted is written or dropped. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
  }

  #accept(kind: RecordKind, encode: () => EncodedFact): boolean {
    if (this.#closed) return this.#drop('closed', 1, kind, null)
    if (this.#queue.length + this.#inFlight >= this.#capacity)
      return this.#drop('full', 1, kind, null)
    let fact: EncodedFact
    try {
      fact = encode()
    } catch (thrown) {
      return this.#drop('invalid', 1, kind, thrown)
    }
    if (this.#bytes + fact.members.length > this.#capacityBytes)
      return this.#drop('full', 1, kind, null)
    const refusal = this.#options.refusal(fact)
    if (isPapyraError(refusal)) return this.#drop('invalid', 1, kind, refusal)
    this.#queue.push({ fact, refusal })
    this.#bytes += fact.members.length
    this.#accepted += 1
    this.#draining ??= this.#drain()
    return true
  }

  #drop(reason: DropReason, records: number, kind: RecordKind | null, error: unknown): false {
    this.#options.beforeDrop?.(records)
    this.#dropped[reason] += records
    tell(this.#options.onDrop, { reason, records, kind, error })
    return false
  }

  async #drain(): Promise<void> {
    // What is handed in during the same turn goes into one batch.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      this.#turn = this.#drainBatch(this.#queue.splice(0, this.#batch))
      await this.#turn
    }
    this.#draining = null
  }

  async #drainBatch(waiting: readonly Waiting[]): Promise<void> {
    this.#inFlight = waiting.length
    await this.#write(await this.#valid(waiting))
    this.#inFlight = 0
    this.#settled += waiting.length
    for (const { fact } of waiting) this.#bytes -= fact.members.length
  }

  /** Those that no asynchronous validator refuses. */
  async #valid(waiting: readonly Waiting[]): Promise<readonly EncodedFact[]> {
    const facts: EncodedFact[] = []
    for (const { fact, refusal } of waiting) {
      const refused = refusal === null ? null : await refusal
      if (refused === null) facts.push(fact)
      else this.#drop('invalid', 1, fact.kind, refused)
    }
    return facts
  }

  async #write(facts: readonly EncodedFact[]): Promise<void> {
    const [first] = facts
    if (first === undefined) return
    try {
      await this.#options.append(facts)
      this.#written += facts.length
    } catch (thrown) {
      const tooLarge = isPapyraError(thrown, 'record_too_large')
      if (facts.length === 1) {
        this.#drop(tooLarge ? 'too_large' : 'store_failed', 1, first.kind, thrown)
      } else if (tooLarge) {
        // One of them is: the others must not go with it.
        for (const fact of facts) await this.#write([fact])
      } else {
        this.#drop('store_failed', facts.length, null, thrown)
      }
    }
  }
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new PapyraError('invalid_argument', `\`${name}\` must be a positive whole number.`)
}
