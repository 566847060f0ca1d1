import type { ActorCell } from './actor-cell.js'
import type { AnyMessage, MessageOf, ReplyOf } from './message.js'
import type { StopReason } from './reasons.js'
import type { ActorRef, AskOptions } from './ref.js'

/** The reference to an actor of this process. Shows nothing of the actor's inside. */
export class LocalRef implements ActorRef<AnyMessage> {
  readonly #cell: ActorCell

  constructor(cell: ActorCell) {
    this.#cell = cell
  }

  /** The cell behind a reference; `null` for anything else. */
  static cellOf(ref: unknown): ActorCell | null {
    return typeof ref === 'object' && ref !== null && #cell in ref ? ref.#cell : null
  }

  get id(): string {
    return this.#cell.id
  }

  get name(): string | null {
    return this.#cell.name
  }

  get address(): string {
    return this.#cell.address
  }

  get isAlive(): boolean {
    return this.#cell.state !== 'stopped'
  }

  tell(message: AnyMessage): boolean {
    return this.#cell.tell(message)
  }

  ask<Type extends string>(
    message: AnyMessage,
    options: AskOptions = {},
  ): Promise<ReplyOf<MessageOf<AnyMessage, Type>>> {
    return this.#cell.ask(message, options) as Promise<ReplyOf<MessageOf<AnyMessage, Type>>>
  }

  whenStopped(): Promise<StopReason> {
    return this.#cell.whenStopped()
  }

  toJSON(): string {
    return this.#cell.address
  }
}
