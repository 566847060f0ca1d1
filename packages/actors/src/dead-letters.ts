import type { Clock } from '@papyra/contracts'
import type { Intake } from '@papyra/core'
import type { DeadLetterPayload } from './dead-letter.js'
import type { ActorHooks, HookCaller } from './hooks.js'
import { messageType } from './message.js'
import type { UndeliveredReason } from './reasons.js'
import { requireCount } from './require.js'
import { safePayload, type SafePayload } from './safe-payload.js'

export interface DeadLetterOptions {
  /**
   * What may be stored of a message, for those that hold secrets; what it returns is stored, and
   * counts as incomplete unless it is the message itself. What it throws means: nothing.
   */
  readonly redact?: (message: unknown, target: string) => unknown
  /** The most UTF-16 units of JSON that are kept of one message. Default 65 536. */
  readonly maxPayload?: number
}

/** A message that goes nowhere. */
export interface Undelivered {
  readonly message: unknown
  readonly target: string
  readonly sender: string | null
  readonly reason: UndeliveredReason
  readonly attempts: number
}

export interface DeadLetterWriterOptions extends DeadLetterOptions {
  readonly intake: Intake
  readonly clock: Clock
  readonly run: string
  readonly hooks: ActorHooks
  readonly caller: HookCaller
}

/** Makes dead letters of messages. Never throws. */
export class DeadLetterWriter {
  readonly #options: DeadLetterWriterOptions
  readonly #maxPayload: number
  #count = 0

  constructor(options: DeadLetterWriterOptions) {
    this.#options = options
    this.#maxPayload = requireCount('deadLetters.maxPayload', options.maxPayload ?? 65_536)
  }

  /** How many there were since the system started. */
  get count(): number {
    return this.#count
  }

  write({ message, target, sender, reason, attempts }: Undelivered): void {
    const { intake, clock, run, hooks, caller } = this.#options
    this.#count += 1
    const id = `${run}-${this.#count}`
    const timestamp = clock.now()
    const type = messageType(message)
    const letter = { target, sender, messageType: type, reason, attempts, timestamp }
    const { payload: kept, complete } = this.#safe(message, target)
    const payload: DeadLetterPayload = { id, complete, message: kept }
    intake.deadLetter({ ...letter, payload })
    caller.call(hooks.onDeadLetter, { id, ...letter }, message)
  }

  #safe(message: unknown, target: string): SafePayload {
    const { redact } = this.#options
    if (redact === undefined) return safePayload(message, this.#maxPayload)
    try {
      const shown = redact(message, target)
      const { payload, complete } = safePayload(shown, this.#maxPayload)
      return { payload, complete: complete && shown === message }
    } catch {
      return { payload: null, complete: false }
    }
  }
}
