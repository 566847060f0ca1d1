import type { AnyMessage, Message, MessageOf, ReplyOf } from './message.js'
import type { StopReason } from './reasons.js'

/** Which messages a reference takes, for the compiler only. */
declare const ACCEPTS: unique symbol

export interface AskOptions {
  /** Reject with the reason `timeout` after so long, in ms. Default 5000; `Infinity` for never. */
  readonly timeoutMs?: number
  /** Reject with `aborted` when it is aborted. The message may still be handled. */
  readonly signal?: AbortSignal
}

/** A handle for one actor, for as long as it lives and after. As JSON it is its address. */
export interface ActorRef<M extends Message = AnyMessage> {
  readonly [ACCEPTS]?: (message: M) => void
  /** Never used twice, not even by another run of the system; begins with `$`. */
  readonly id: string
  readonly name: string | null
  /** `system://name`, or `system://id` of an actor without a name. */
  readonly address: string
  /** False once it has stopped. */
  readonly isAlive: boolean
  /**
   * Sends a message. Never waits. True if the message is in the mailbox; false if it became a dead
   * letter. Throws only where the mailbox is full and its overflow policy is `fail`
   * (`DeliveryError`, reason `mailbox_full`).
   */
  tell(message: M): boolean
  /**
   * Sends a message and resolves with what its handler returns. Rejects with a `DeliveryError`
   * (`reason` says why; `cause` is what the handler threw), or with `aborted`.
   */
  ask<Type extends M['type']>(
    message: MessageOf<M, Type> & { readonly type: Type },
    options?: AskOptions,
  ): Promise<ReplyOf<MessageOf<M, Type>>>
  /** Resolves when the actor has stopped, at once if it has. Never rejects. */
  whenStopped(): Promise<StopReason>
  toJSON(): string
}

/** A reference to any actor, whatever it takes. */
export type AnyRef = Pick<ActorRef, 'id' | 'name' | 'address' | 'isAlive' | 'whenStopped'>
