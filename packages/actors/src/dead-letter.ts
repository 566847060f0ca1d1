import type { UndeliveredReason } from './reasons.js'

/** A message that was not delivered. */
export interface DeadLetter {
  /** Unique; by this a later delivery can be recognised as the same. */
  readonly id: string
  /** The address it was for. */
  readonly target: string
  /** The address of the actor that sent it; `null` if none did, or it is not known. */
  readonly sender: string | null
  readonly messageType: string
  readonly reason: UndeliveredReason
  /** How often it was handed to a handler. */
  readonly attempts: number
  /** Wall time in ms. */
  readonly timestamp: number
}

/** What the payload of a stored dead letter looks like. */
export interface DeadLetterPayload {
  readonly id: string
  readonly complete: boolean
  readonly message: unknown
}
