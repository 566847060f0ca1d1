import { PapyraError, type Clock } from '@papyra/contracts'
import type { Intake } from '@papyra/core'
import type { ActorCell, Runtime } from './actor-cell.js'
import type { ActorFactory, MailboxOptions, SpawnOptions } from './behavior.js'
import { Cell } from './cell.js'
import { DeadLetterWriter } from './dead-letters.js'
import { FactWriter } from './facts.js'
import type { ActorHooks, HookCaller } from './hooks.js'
import { LocalRef } from './local-ref.js'
import type { AnyMessage, Message } from './message.js'
import type { ActorSystemOptions, Prepared } from './options.js'
import { Deadlines } from './pending-ask.js'
import type { ActorRef, AnyRef } from './ref.js'
import { Registry } from './registry.js'
import { Scheduler } from './scheduler.js'
import { Supervisor, type Supervision } from './supervision.js'

/** What all actors of one system share. */
export class SystemRuntime implements Runtime {
  readonly systemId: string
  /** Part of all ids of this run, so that none is ever used again. */
  readonly run: string = crypto.randomUUID().replaceAll('-', '').slice(0, 12)
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly deadlines: Deadlines
  readonly registry: Registry<ActorCell> = new Registry()
  readonly facts: FactWriter
  readonly letters: DeadLetterWriter
  readonly hooks: ActorHooks
  readonly caller: HookCaller
  readonly #supervision: Supervision
  readonly #mailbox: MailboxOptions
  current: ActorCell | null = null
  isClosing = false
  spawned = 0
  readonly #intake: Intake
  readonly #most: number
  #gate: Promise<void> = Promise.resolve()

  /** Throws `invalid_argument` for defaults that make no sense. */
  constructor(prepared: Prepared, options: ActorSystemOptions) {
    const { papyra, clock, hooks, caller } = prepared
    this.systemId = papyra.systemId
    this.clock = clock
    this.hooks = hooks
    this.caller = caller
    this.scheduler = new Scheduler(clock)
    this.deadlines = new Deadlines(clock)
    this.#supervision = options.supervision ?? {}
    this.#mailbox = options.mailbox ?? {}
    const { run } = this
    const { intake } = papyra
    this.#intake = intake
    const capacity = options.papyra === undefined ? (options.intake?.capacity ?? 10_000) : 1000
    this.#most = Math.floor(capacity / 4)
    this.facts = new FactWriter({ intake, clock, hooks, caller })
    const letters = { intake, clock, run, hooks, caller }
    this.letters = new DeadLetterWriter({ ...options.deadLetters, ...letters })
  }

  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  }

  /** One after the other, so that those who wait do not all come at once. */
  room(): Promise<void> {
    this.#gate = this.#gate.then(() => {
      return this.#intake.stats().waiting > this.#most ? this.#intake.flush() : undefined
    })
    return this.#gate
  }

  cellOf(ref: AnyRef): ActorCell {
    const cell = LocalRef.cellOf(ref)
    if (cell !== null && (cell.state === 'stopped' || this.registry.find(cell.id) === cell)) {
      return cell
    }
    throw new PapyraError('invalid_argument', 'This is no reference to an actor of this system.')
  }

  spawn<M extends Message>(
    factory: ActorFactory<M>,
    options: SpawnOptions,
    parent: ActorCell | null,
  ): ActorRef<M> {
    this.#checkSpawn(factory, parent)
    const { name = null } = options
    if (name !== null) this.registry.checkName(name)
    const cell = new Cell(this, {
      id: `$${this.run}-${this.spawned + 1}`,
      name,
      parent,
      factory: factory as unknown as ActorFactory<AnyMessage>,
      mailbox: { ...this.#mailbox, ...options.mailbox },
      supervisor: new Supervisor({ ...this.#supervision, ...options.supervision }),
    })
    this.spawned += 1
    this.registry.add(cell)
    parent?.addChild(cell)
    cell.begin()
    return cell.ref as unknown as ActorRef<M>
  }

  #checkSpawn(factory: unknown, parent: ActorCell | null): void {
    if (typeof factory !== 'function') {
      throw new PapyraError('invalid_argument', 'An actor is made by a function.', {
        hint: 'Pass `(context) => ({ receive: … })`.',
      })
    }
    if (this.isClosing) throw new PapyraError('closed', 'The actor system is closing or closed.')
    const state = parent?.state ?? 'running'
    if (state === 'running' || state === 'starting') return
    throw new PapyraError('closed', `An actor that is ${state} has no new children.`)
  }
}
