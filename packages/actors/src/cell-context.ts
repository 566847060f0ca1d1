import type { ActorCell, Runtime } from './actor-cell.js'
import type { ActorContext, ActorFactory, SpawnOptions } from './behavior.js'
import { senderOf, type MessageOrigin } from './inbox.js'
import type { AnyMessage, Message, MessageOf, ReplyOf } from './message.js'
import type { ActorRef, AnyRef, AskOptions } from './ref.js'

/** What the context needs of its cell beyond what others see. */
export interface ContextOwner extends ActorCell {
  readonly origin: MessageOrigin
  watch(target: ActorCell): void
  unwatch(target: ActorCell): void
}

/** `ActorContext` over a cell. */
export class CellContext implements ActorContext<AnyMessage> {
  readonly #cell: ContextOwner
  readonly #runtime: Runtime
  #controller: AbortController | null = null
  #aborted = false

  constructor(cell: ContextOwner, runtime: Runtime) {
    this.#cell = cell
    this.#runtime = runtime
  }

  get self(): ActorRef {
    return this.#cell.ref
  }

  get name(): string | null {
    return this.#cell.name
  }

  get parent(): AnyRef | null {
    return this.#cell.parent?.ref ?? null
  }

  get children(): readonly AnyRef[] {
    return Array.from(this.#cell.children, ({ ref }) => ref)
  }

  get sender(): AnyRef | null {
    return senderOf(this.#cell.origin)
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  /** The actor is to stop. */
  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }

  spawn<C extends Message>(factory: ActorFactory<C>, options: SpawnOptions = {}): ActorRef<C> {
    return this.#runtime.spawn(factory, options, this.#cell)
  }

  stop(child?: AnyRef): void {
    const cell = child === undefined ? this.#cell : this.#runtime.cellOf(child)
    void cell.stop('stopped')
  }

  watch(ref: AnyRef): void {
    this.#cell.watch(this.#runtime.cellOf(ref))
  }

  unwatch(ref: AnyRef): void {
    this.#cell.unwatch(this.#runtime.cellOf(ref))
  }

  rename(name: string | null): void {
    this.#cell.rename(name)
  }

  tell<T extends Message>(ref: ActorRef<T>, message: NoInfer<T>): boolean {
    return this.#runtime.cellOf(ref).tell(message, this.#cell)
  }

  ask<T extends Message, Type extends T['type']>(
    ref: ActorRef<T>,
    message: MessageOf<NoInfer<T>, Type> & { readonly type: Type },
    options: AskOptions = {},
  ): Promise<ReplyOf<MessageOf<T, Type>>> {
    const reply = this.#runtime.cellOf(ref).ask(message, options, this.#cell)
    return reply as Promise<ReplyOf<MessageOf<T, Type>>>
  }
}
