import type { ActorCell, ActorState, Runtime } from './actor-cell.js'
import { compileReceive, UNHANDLED, type ActorFactory, type Behavior } from './behavior.js'
import type { CellContext } from './cell-context.js'
import { errorFact } from './facts.js'
import { isThenable } from './hooks.js'
import type { Inbox } from './inbox.js'
import type { AnyMessage } from './message.js'
import { reasonForMail, type StopReason } from './reasons.js'
import type { Directive, Failure, FailurePoint, Supervisor } from './supervision.js'
import type { Ties } from './ties.js'

/** What a life is the life of. */
export interface LifeParts {
  readonly cell: ActorCell
  readonly inbox: Inbox
  readonly ties: Ties
  readonly context: CellContext
  readonly factory: ActorFactory<AnyMessage>
  readonly supervisor: Supervisor
  /** Have the scheduler run the actor if there is something to do. */
  wake(): void
}

/** How an actor starts, fails, is restarted and ends. One thing at a time. */
export class Life {
  readonly #runtime: Runtime
  readonly #parts: LifeParts
  readonly #cell: ActorCell
  behavior: Behavior<AnyMessage> | null = null
  receive: (message: AnyMessage) => unknown = () => UNHANDLED
  state: ActorState = 'starting'
  /** A callback or handler is under way. */
  busy = false
  /** The message of the handler that is under way. */
  inHand: unknown = null
  /** Set once; from then on it takes no messages. */
  stopReason: StopReason | null = null
  restarted = 0
  #escalated: { readonly child: string; readonly error: unknown } | null = null
  #endPause: (() => void) | null = null
  /** The pause before the start under way, if it is a restart. */
  #restartDelay: number | null = null

  constructor(runtime: Runtime, parts: LifeParts) {
    this.#runtime = runtime
    this.#parts = parts
    this.#cell = parts.cell
  }

  /** True if there is something to do that comes before messages. */
  get isDue(): boolean {
    return this.stopReason !== null || this.#escalated !== null || this.state === 'starting'
  }

  /** Does what is due. */
  go(): void {
    if (this.stopReason !== null) {
      void this.#terminate(this.stopReason)
    } else if (this.#escalated !== null) {
      const { child, error } = this.#escalated
      this.#escalated = null
      this.fail('child', error, child)
    } else {
      this.#start()
    }
  }

  childFailed(child: string, error: unknown): void {
    if (!this.isActive() || this.stopReason !== null) return
    this.#escalated ??= { child, error }
    this.#parts.wake()
  }

  directiveFor(failure: Failure): Directive | undefined {
    if (this.state !== 'running' || this.behavior?.onChildFailure === undefined) return undefined
    try {
      return this.behavior.onChildFailure(failure)
    } catch {
      return undefined
    }
  }

  #start(): void {
    const restart = this.#restartDelay
    this.step(
      'start',
      () => {
        this.behavior = this.#parts.factory(this.#parts.context)
        this.receive = compileReceive(this.behavior, this.#parts.context)
        return this.behavior.onStart?.(this.#parts.context)
      },
      () => {
        this.state = 'running'
        const { id, parent } = this.#cell
        const { facts } = this.#runtime
        if (restart === null) {
          facts.write(this.#cell.address, 'actor.started', { id, parent: parent?.address ?? null })
        } else {
          this.#restartDelay = null
          const { restarted: restarts } = this
          facts.write(this.#cell.address, 'actor.restarted', { id, restarts, delayMs: restart })
        }
      },
    )
  }

  /** Runs a callback; nothing else happens until it is done. */
  step(during: FailurePoint, call: () => unknown, done: () => void = () => {}): void {
    this.#runtime.current = this.#cell
    let result: unknown
    try {
      result = call()
      if (isThenable(result)) {
        this.later(result, done, (thrown) => this.fail(during, thrown))
        return
      }
    } catch (thrown) {
      this.fail(during, thrown)
      return
    } finally {
      this.#runtime.current = null
    }
    done()
  }

  later(
    result: PromiseLike<unknown>,
    done: (value: unknown) => void,
    failed: (thrown: unknown) => void,
  ): void {
    this.busy = true
    const then =
      <T>(call: (value: T) => void) =>
      (value: T): void => {
        if (this.state === 'stopped') return // abandoned in the meantime
        this.busy = false
        this.inHand = null
        call(value)
        this.#parts.wake()
      }
    Promise.resolve(result).then(then(done), then(failed))
  }

  fail(
    during: FailurePoint,
    error: unknown,
    child: string | null = null,
    messageType: string | null = null,
  ): void {
    const { clock, facts, hooks, caller } = this.#runtime
    const now = clock.monotonic()
    const { id } = this.#cell
    const about = { id, during, messageType, child }
    const restarts = this.#parts.supervisor.restarts(now)
    const failure: Failure = { ...about, error, address: this.#cell.address, restarts }
    const verdict =
      this.stopReason === null
        ? this.#parts.supervisor.decide(failure, now, this.#cell.parent?.directiveFor(failure))
        : { directive: 'stop' as const, exhausted: false, delayMs: 0 }
    const { directive: decision, exhausted, delayMs } = verdict
    const crash = { ...about, error: errorFact(error), decision, exhausted }
    facts.write(this.#cell.address, 'actor.crashed', crash)
    caller.call(hooks.onFailure, failure, decision)
    if (decision === 'restart') void this.#restart(delayMs)
    else if (decision === 'stop') this.requestStop(exhausted ? 'restarts_exhausted' : 'crashed')
    else if (decision === 'escalate') this.#escalate(failure)
  }

  #escalate(failure: Failure): void {
    const { facts, hooks, caller } = this.#runtime
    const to = this.#cell.parent?.address ?? null
    this.requestStop('escalated')
    facts.write(this.#cell.address, 'actor.escalated', { id: this.#cell.id, to })
    if (this.#cell.parent === null) caller.call(hooks.onEscalation, failure)
    else this.#cell.parent.childFailed(this.#cell.address, failure.error)
  }

  async #restart(delayMs: number): Promise<void> {
    this.state = 'restarting'
    this.#escalated = null
    await this.#parts.ties.stopChildren('parent_restarted')
    await this.#callOnStop('restarting')
    if (this.stopReason === null && delayMs > 0) await this.#pause(delayMs)
    if (this.#isStopped()) return
    this.behavior = null
    this.#restartDelay = delayMs
    this.restarted += 1
    this.state = 'starting'
    this.#parts.wake()
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#runtime.after(ms, resolve)
      this.#endPause = () => {
        cancel()
        resolve()
      }
    })
  }

  async #terminate(reason: StopReason): Promise<void> {
    this.state = 'stopping'
    const { isClosing } = this.#runtime
    while (!this.#parts.inbox.clear(reasonForMail(reason), isClosing ? 100 : Infinity)) {
      await this.#runtime.room()
    }
    await this.#parts.ties.stopChildren(reason === 'closed' ? 'closed' : 'parent_stopped')
    await this.#callOnStop(reason)
    if (this.#runtime.isClosing) await this.#runtime.room()
    if (!this.#isStopped()) this.finish(reason)
  }

  /** Also true where it was abandoned while something else was awaited. */
  #isStopped(): boolean {
    return this.state === 'stopped'
  }

  /** The last callback of a behaviour. What it throws is a fact; what happens next stays. */
  async #callOnStop(reason: StopReason | 'restarting'): Promise<void> {
    const behavior = this.behavior
    if (behavior?.onStop === undefined || this.#isStopped()) return
    try {
      this.#runtime.current = this.#cell
      let result: unknown
      try {
        result = behavior.onStop(this.#parts.context, reason)
      } finally {
        this.#runtime.current = null
      }
      await result
    } catch (error) {
      this.#stopFailed(error, reason)
    }
  }

  #stopFailed(error: unknown, reason: StopReason | 'restarting'): void {
    if (this.#isStopped()) return
    const { facts, hooks, caller } = this.#runtime
    const decision = reason === 'restarting' ? 'restart' : 'stop'
    const about = { id: this.#cell.id, during: 'stop', messageType: null, child: null } as const
    const crash = { ...about, error: errorFact(error), decision, exhausted: false } as const
    facts.write(this.#cell.address, 'actor.crashed', crash)
    const failure = { ...about, error, address: this.#cell.address, restarts: this.restarted }
    caller.call(hooks.onFailure, failure, decision)
  }

  finish(reason: StopReason): void {
    this.state = 'stopped'
    this.behavior = null
    this.#endPause?.()
    this.#runtime.registry.remove(this.#cell)
    this.#cell.parent?.childStopped(this.#cell)
    this.#runtime.facts.write(this.#cell.address, 'actor.stopped', { id: this.#cell.id, reason })
    this.#parts.ties.end(reason)
  }

  requestStop(reason: StopReason): void {
    if (this.stopReason !== null || this.state === 'stopped') return
    this.stopReason = reason
    this.#endPause?.()
    this.#parts.context.abort()
  }

  isActive(): boolean {
    return this.state === 'running' || this.state === 'starting'
  }
}
