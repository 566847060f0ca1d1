import type { ActorCell, Runtime } from './actor-cell.js'
import { OVERFLOW_POLICIES, type MailboxOptions, type Terminated } from './behavior.js'
import { Mailbox, type Origin } from './mailbox.js'
import { messageType } from './message.js'
import { PendingAsk } from './pending-ask.js'
import { DeliveryError, type UndeliveredReason } from './reasons.js'
import type { AnyRef } from './ref.js'
import { requireCount, requireOneOf } from './require.js'

/** The runtime's own entry in a mailbox: a watched actor is no more. */
export interface Notice extends Origin {
  readonly counted: false
  readonly notice: Terminated
  readonly of: ActorCell
}

/** Where a message came from: an actor, an ask, or `null` for whoever is not known. */
export type MessageOrigin = ActorCell | PendingAsk | null

/** The actor that sent a message. */
export function senderOf(origin: MessageOrigin): AnyRef | null {
  if (origin === null) return null
  return origin instanceof PendingAsk ? origin.sender : origin.ref
}

/** A bounded mailbox: what it cannot take, or has to give up, becomes a dead letter. */
export class Inbox {
  readonly mailbox: Mailbox = new Mailbox()
  readonly #runtime: Runtime
  readonly #owner: { readonly address: string }
  readonly #capacity: number
  readonly #overflow: NonNullable<MailboxOptions['overflow']>

  constructor(runtime: Runtime, owner: { readonly address: string }, options: MailboxOptions) {
    this.#runtime = runtime
    this.#owner = owner
    this.#capacity = requireCount('mailbox.capacity', options.capacity ?? 10_000)
    const overflow = options.overflow ?? 'drop_newest'
    this.#overflow = requireOneOf('mailbox.overflow', overflow, OVERFLOW_POLICIES)
  }

  /** True if the message was taken. Throws `DeliveryError` where the policy is `fail`. */
  offer(message: unknown, origin: MessageOrigin): boolean {
    if (this.mailbox.length < this.#capacity) {
      this.mailbox.push(message, origin)
      return true
    }
    if (this.#overflow === 'drop_oldest') {
      this.mailbox.push(message, origin)
      this.mailbox.shiftMessage()
      const { message: oldest, origin: from } = this.mailbox
      this.mailbox.message = null
      this.refuse(oldest, from as MessageOrigin, 'mailbox_full')
      return true
    }
    this.refuse(message, origin, 'mailbox_full')
    if (this.#overflow === 'fail' && !(origin instanceof PendingAsk)) {
      const { address: target } = this.#owner
      throw new DeliveryError('mailbox_full', { target, messageType: messageType(message) })
    }
    return false
  }

  /** Makes a dead letter of a message and rejects its ask. */
  refuse(message: unknown, origin: MessageOrigin, reason: UndeliveredReason, attempts = 0): void {
    const sender = senderOf(origin)?.address ?? null
    const { address: target } = this.#owner
    this.#runtime.letters.write({ message, target, sender, reason, attempts })
    if (origin instanceof PendingAsk) origin.fail(reason)
  }

  /** Makes dead letters of what waits, at most so many; true if all is gone. Forgets notices. */
  clear(reason: UndeliveredReason, most: number = Infinity): boolean {
    const { mailbox } = this
    for (let i = 0; i < most && mailbox.shift(); i += 1) {
      const { message, origin } = mailbox
      mailbox.message = null
      if (origin === null || origin.counted) this.refuse(message, origin as MessageOrigin, reason)
    }
    return mailbox.isEmpty
  }
}
