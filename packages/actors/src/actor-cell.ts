import type { Clock } from '@papyra/contracts'
import type { ActorFactory, SpawnOptions, Terminated } from './behavior.js'
import type { DeadLetterWriter } from './dead-letters.js'
import type { FactWriter } from './facts.js'
import type { ActorHooks, HookCaller } from './hooks.js'
import type { Origin } from './mailbox.js'
import type { Message } from './message.js'
import type { Deadlines } from './pending-ask.js'
import type { StopReason } from './reasons.js'
import type { ActorRef, AnyRef, AskOptions } from './ref.js'
import type { Registry } from './registry.js'
import type { Scheduler } from './scheduler.js'
import type { Directive, Failure } from './supervision.js'

/** Where in its life an actor is. */
export type ActorState = 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped'

/** One actor, as the other parts of the runtime see it. */
export interface ActorCell extends Origin {
  readonly id: string
  readonly name: string | null
  readonly address: string
  readonly ref: ActorRef
  readonly parent: ActorCell | null
  readonly children: ReadonlySet<ActorCell>
  readonly state: ActorState
  /** How many messages wait. */
  readonly waiting: number
  /** How many messages were handled to their end. */
  readonly handled: number
  /** How often it was restarted in all. */
  readonly restarted: number
  /** `sender` undefined: whoever runs now. */
  tell(message: unknown, sender?: ActorCell | null): boolean
  ask(message: unknown, options: AskOptions, sender?: ActorCell | null): Promise<unknown>
  /** Resolves when it has stopped. */
  stop(reason: StopReason): Promise<StopReason>
  whenStopped(): Promise<StopReason>
  /** Ends it at once, whatever it is doing. */
  abandon(): void
  rename(name: string | null): void
  /** What its behaviour says about a child's failure, if it says anything. */
  directiveFor(failure: Failure): Directive | undefined
  /** A child failed and the failure was handed up. */
  childFailed(child: string, error: unknown): void
  addChild(child: ActorCell): void
  childStopped(child: ActorCell): void
  /** Has `watcher` notified of its end, at once if it has ended. */
  addWatcher(watcher: ActorCell): void
  removeWatcher(watcher: ActorCell): void
  notify(notice: Terminated, of: ActorCell): void
}

/** What actors need of their system. */
export interface Runtime {
  readonly systemId: string
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly deadlines: Deadlines
  readonly registry: Registry<ActorCell>
  readonly facts: FactWriter
  readonly letters: DeadLetterWriter
  readonly hooks: ActorHooks
  readonly caller: HookCaller
  readonly isClosing: boolean
  /** Calls back after `ms`; what it returns cancels that. */
  after(ms: number, call: () => void): () => void
  /** While the system closes: resolves when the store's intake has room for some more facts. */
  room(): Promise<void>
  /** The actor whose code runs now, as far as it runs without a pause. */
  current: ActorCell | null
  /** The cell of a reference; throws `invalid_argument` for one of another system. */
  cellOf(ref: AnyRef): ActorCell
  spawn<M extends Message>(
    factory: ActorFactory<M>,
    options: SpawnOptions,
    parent: ActorCell | null,
  ): ActorRef<M>
}
