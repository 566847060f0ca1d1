import type { ActorCell, ActorState, Runtime } from './actor-cell.js'
import { UNHANDLED, type ActorFactory, type MailboxOptions, type Terminated } from './behavior.js'
import { CellContext, type ContextOwner } from './cell-context.js'
import { isThenable } from './hooks.js'
import { Inbox, type MessageOrigin, type Notice } from './inbox.js'
import { Life } from './life.js'
import { LocalRef } from './local-ref.js'
import { messageType, type AnyMessage } from './message.js'
import { PendingAsk } from './pending-ask.js'
import type { StopReason } from './reasons.js'
import type { ActorRef, AskOptions } from './ref.js'
import { requireMs } from './require.js'
import type { Directive, Failure, Supervisor } from './supervision.js'
import { Ties } from './ties.js'

export interface CellOptions {
  readonly id: string
  readonly name: string | null
  readonly parent: ActorCell | null
  readonly factory: ActorFactory<AnyMessage>
  readonly mailbox: MailboxOptions
  readonly supervisor: Supervisor
}

/** One actor, as others reach it: its names, its mailbox, its turn. Its life is in `Life`. */
export class Cell implements ContextOwner {
  readonly counted = true
  readonly id: string
  readonly parent: ActorCell | null
  readonly ref: ActorRef
  readonly #runtime: Runtime
  readonly #life: Life
  readonly #context: CellContext
  readonly #inbox: Inbox
  readonly #ties: Ties
  #name: string | null
  #address: string
  /** It waits for its turn at the scheduler. */
  #queued = false
  origin: MessageOrigin = null
  handled = 0

  constructor(runtime: Runtime, options: CellOptions) {
    this.#runtime = runtime
    this.id = options.id
    this.#name = options.name
    this.#address = `${runtime.systemId}://${options.name ?? options.id}`
    this.parent = options.parent
    this.#context = new CellContext(this, runtime)
    this.#inbox = new Inbox(runtime, this, options.mailbox)
    this.#ties = new Ties(this)
    this.#life = new Life(runtime, {
      cell: this,
      inbox: this.#inbox,
      ties: this.#ties,
      context: this.#context,
      factory: options.factory,
      supervisor: options.supervisor,
      wake: () => this.#wake(),
    })
    this.ref = new LocalRef(this)
  }

  get name(): string | null {
    return this.#name
  }

  get address(): string {
    return this.#address
  }

  get state(): ActorState {
    return this.#life.stopReason !== null && this.#life.state !== 'stopped'
      ? 'stopping'
      : this.#life.state
  }

  get restarted(): number {
    return this.#life.restarted
  }

  get waiting(): number {
    return this.#inbox.mailbox.length
  }

  get children(): ReadonlySet<ActorCell> {
    return this.#ties.children
  }

  tell(message: unknown, sender: ActorCell | null = this.#runtime.current): boolean {
    return this.#offer(message, sender)
  }

  ask(
    message: unknown,
    options: AskOptions,
    sender: ActorCell | null = this.#runtime.current,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { timeoutMs } = options
      if (timeoutMs !== Number.POSITIVE_INFINITY) requireMs('timeoutMs', timeoutMs ?? 0)
      const about = { target: this, message, sender: sender?.ref ?? null }
      const ask = new PendingAsk(about, resolve, reject)
      this.#runtime.deadlines.watch(ask, options)
      if (!ask.isSettled) this.#offer(message, ask)
    })
  }

  /** Has it start soon. */
  begin(): void {
    this.#wake()
  }

  stop(reason: StopReason): Promise<StopReason> {
    this.#life.requestStop(reason)
    this.#wake()
    return this.whenStopped()
  }

  whenStopped(): Promise<StopReason> {
    return this.#ties.whenStopped()
  }

  abandon(): void {
    if (this.#life.state === 'stopped') return
    for (const child of [...this.children]) child.abandon()
    this.#life.stopReason = 'abandoned'
    this.#context.abort()
    if (this.#life.busy && this.#life.inHand !== null) {
      this.#inbox.refuse(this.#life.inHand, this.origin, 'abandoned', 1)
    }
    this.#inbox.clear('abandoned')
    this.#life.finish('abandoned')
  }

  rename(name: string | null): void {
    const { registry, facts, systemId } = this.#runtime
    if (name === this.#name || this.#life.state === 'stopped') return
    if (name !== null) registry.checkName(name)
    registry.release(this)
    facts.write(this.#address, 'actor.renamed', { id: this.id, from: this.#name, to: name })
    this.#name = name
    this.#address = `${systemId}://${name ?? this.id}`
    if (name !== null) registry.claim(name, this)
  }

  directiveFor(failure: Failure): Directive | undefined {
    return this.#life.directiveFor(failure)
  }

  childFailed(child: string, error: unknown): void {
    this.#life.childFailed(child, error)
  }

  addChild(child: ActorCell): void {
    this.#ties.children.add(child)
  }

  childStopped(child: ActorCell): void {
    this.#ties.children.delete(child)
  }

  watch(target: ActorCell): void {
    this.#ties.watch(target)
  }

  unwatch(target: ActorCell): void {
    this.#ties.unwatch(target)
  }

  addWatcher(watcher: ActorCell): void {
    this.#ties.addWatcher(watcher)
  }

  removeWatcher(watcher: ActorCell): void {
    this.#ties.removeWatcher(watcher)
  }

  notify(notice: Terminated, of: ActorCell): void {
    if (this.#life.stopReason !== null || this.#life.state === 'stopped') return
    const origin: Notice = { counted: false, notice, of }
    this.#inbox.mailbox.push(undefined, origin)
    this.#wake()
  }

  /** For the scheduler: handles up to `max` messages. */
  run(max: number): number {
    this.#queued = false
    let handled = 0
    while (handled < max && !this.#life.busy && this.#life.isActive()) {
      if (this.#life.isDue) {
        this.#life.go()
      } else if (this.#inbox.mailbox.shift()) {
        handled += 1
        this.#deliver()
      } else break
    }
    this.#wake()
    return handled
  }

  #offer(message: unknown, origin: MessageOrigin): boolean {
    if (this.#life.stopReason !== null) {
      const closed = this.#life.stopReason === 'closed' || this.#life.stopReason === 'abandoned'
      this.#inbox.refuse(message, origin, closed ? 'closed' : 'stopped')
      return false
    }
    const taken = this.#inbox.offer(message, origin)
    if (!this.#queued && !this.#life.busy) this.#wake()
    return taken
  }

  /** Has the scheduler run it if there is something to do. */
  #wake(): void {
    if (this.#queued || this.#life.busy || !this.#life.isActive()) return
    if (!this.#life.isDue && this.#inbox.mailbox.isEmpty) return
    this.#queued = true
    this.#runtime.scheduler.enqueue(this)
  }

  #deliver(): void {
    const { mailbox } = this.#inbox
    const { message, origin } = mailbox
    mailbox.message = null
    if (origin !== null && !origin.counted) {
      this.#deliverNotice(origin as Notice)
      return
    }
    this.origin = origin as MessageOrigin
    this.#runtime.current = this
    let result: unknown
    try {
      result = this.#life.receive(message as AnyMessage)
      if (isThenable(result)) {
        this.#handleLater(result, message)
        return
      }
    } catch (thrown) {
      this.#handlerFailed(message, thrown)
      return
    } finally {
      this.#runtime.current = null
    }
    this.origin = null
    if (result === UNHANDLED) {
      this.#inbox.refuse(message, origin as MessageOrigin, 'unhandled')
      return
    }
    this.handled += 1
    if (origin instanceof PendingAsk) origin.resolve(result)
  }

  #handleLater(result: PromiseLike<unknown>, message: unknown): void {
    this.#life.inHand = message
    this.#life.later(
      result,
      (reply) => {
        this.handled += 1
        if (this.origin instanceof PendingAsk) this.origin.resolve(reply)
        this.origin = null
      },
      (thrown) => this.#handlerFailed(message, thrown),
    )
  }

  #handlerFailed(message: unknown, thrown: unknown): void {
    const { origin } = this
    this.origin = null
    if (origin instanceof PendingAsk) origin.fail('handler_failed', [thrown])
    this.#inbox.refuse(message, origin, 'handler_failed', 1)
    this.#life.fail('receive', thrown, null, messageType(message))
  }

  #deliverNotice({ notice, of }: Notice): void {
    const behavior = this.#life.behavior
    if (!this.#ties.forget(of) || behavior?.onTerminated === undefined) return
    this.#life.step('terminated', () => behavior.onTerminated?.(notice, this.#context))
  }
}
