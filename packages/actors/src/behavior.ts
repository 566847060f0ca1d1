import type { Message, MessageOf, ReplyOf } from './message.js'
import type { StopReason } from './reasons.js'
import type { ActorRef, AnyRef, AskOptions } from './ref.js'
import type { Directive, Failure, Supervision } from './supervision.js'

/** What a handler returns: the reply, now or later. Of a message without a reply anything. */
type Answer<M> = [ReplyOf<M>] extends [undefined] ? unknown : ReplyOf<M> | Promise<ReplyOf<M>>

/** One handler for each type of message. */
export type Handlers<M extends Message> = {
  readonly [Type in M['type']]: (
    message: MessageOf<M, Type>,
    context: ActorContext<M>,
  ) => Answer<MessageOf<M, Type>>
}

/** Says that a watched actor is no more. */
export interface Terminated {
  readonly ref: AnyRef
  readonly address: string
  readonly reason: StopReason
}

/**
 * What an actor does. One message is handled at a time: where a callback returns a promise, the
 * next message waits for it. A handler that returns none does not wait for anything.
 */
export interface Behavior<M extends Message> {
  readonly receive: Handlers<M> | ((message: M, context: ActorContext<M>) => unknown)
  /** Before the first message, and again after each restart. Failing here is a failure. */
  onStart?(context: ActorContext<M>): unknown
  /** After the last message, its children stopped; also of the old behaviour before a restart. */
  onStop?(context: ActorContext<M>, reason: StopReason | 'restarting'): unknown
  /** A watched actor is no more. Comes in its order among the messages. */
  onTerminated?(notice: Terminated, context: ActorContext<M>): unknown
  /**
   * A child failed: what to do about it, instead of what its own supervision says. Decides at once,
   * so it may run between two steps of an asynchronous handler.
   */
  onChildFailure?(failure: Failure): Directive | undefined
}

/** Makes the behaviour of an actor, at its start and anew at each restart. */
export type ActorFactory<M extends Message> = (context: ActorContext<M>) => Behavior<M>

/** What happens to a message for a full mailbox; in each case one message becomes a dead letter. */
export const OVERFLOW_POLICIES = ['drop_newest', 'drop_oldest', 'fail'] as const
/**
 * - `drop_newest`: the message that came is not taken
 * - `drop_oldest`: the message that waited longest makes room
 * - `fail`: the message is not taken and `tell` throws in its sender
 */
export type OverflowPolicy = (typeof OVERFLOW_POLICIES)[number]

export interface MailboxOptions {
  /** The most messages that may wait. Default 10 000. */
  readonly capacity?: number
  /** Default `drop_newest`. */
  readonly overflow?: OverflowPolicy
}

export interface SpawnOptions {
  /** Default: none; the actor is then addressed by its id. */
  readonly name?: string
  /** Members that are not stated are those of the system. */
  readonly supervision?: Supervision
  /** Members that are not stated are those of the system. */
  readonly mailbox?: MailboxOptions
}

/** What an actor can do besides handling its messages. The same object for all its life. */
export interface ActorContext<M extends Message> {
  readonly self: ActorRef<M>
  readonly name: string | null
  readonly parent: AnyRef | null
  /** Its children that have not stopped. */
  readonly children: readonly AnyRef[]
  /** The actor that sent the message in hand; `null` if none did, or it is not known. */
  readonly sender: AnyRef | null
  /** Aborted when the actor is to stop, for handlers that take long. */
  readonly signal: AbortSignal
  /** As `ActorSystem.spawn`, as a child. */
  spawn<C extends Message>(factory: ActorFactory<C>, options?: SpawnOptions): ActorRef<C>
  /** Stops this actor after the message in hand, or one of its children at once. */
  stop(child?: AnyRef): void
  /** Have `onTerminated` told when that actor is no more; at once if it is. Idempotent. */
  watch(ref: AnyRef): void
  /** Forget it. A notice that already waits is not delivered. */
  unwatch(ref: AnyRef): void
  /** Takes another name, or none. Throws `invalid_argument` if it is taken. */
  rename(name: string | null): void
  /** `ref.tell` in the name of this actor: the way to be the known sender after an `await`. */
  tell<T extends Message>(ref: ActorRef<T>, message: NoInfer<T>): boolean
  /** `ref.ask` in the name of this actor. */
  ask<T extends Message, Type extends T['type']>(
    ref: ActorRef<T>,
    message: MessageOf<NoInfer<T>, Type> & { readonly type: Type },
    options?: AskOptions,
  ): Promise<ReplyOf<MessageOf<T, Type>>>
}

/** A handler that was not there. */
export const UNHANDLED: unique symbol = Symbol('papyra.unhandled')

/** One function of whatever `receive` is; returns `UNHANDLED` where there is no handler. */
export function compileReceive<M extends Message>(
  behavior: Behavior<M>,
  context: ActorContext<M>,
): (message: M) => unknown {
  const { receive } = behavior
  if (typeof receive === 'function') return (message) => receive.call(behavior, message, context)
  const handlers = new Map<unknown, unknown>(Object.entries(receive))
  return (message) => {
    const handler = handlers.get((message as Message | null)?.type)
    if (typeof handler !== 'function') return UNHANDLED
    return handler.call(receive, message, context) as unknown
  }
}
