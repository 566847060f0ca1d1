import { PapyraError } from '@papyra/contracts'
import type { IntakeStats, Papyra } from '@papyra/core'
import type { ActorCell } from './actor-cell.js'
import { parseAddress } from './address.js'
import { infoOf, type ActorInfo } from './actor-info.js'
import { takeAudit, type AuditReport } from './audit.js'
import type { ActorFactory, SpawnOptions } from './behavior.js'
import {
  groupDeadLetters,
  listDeadLetters,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type DeadLetterListQuery,
  type GroupField,
  type StoredDeadLetter,
} from './dead-letter-list.js'
import type { AnyMessage, Message } from './message.js'
import { prepare, type ActorSystemOptions, type Prepared } from './options.js'
import type { StopReason } from './reasons.js'
import type { ActorRef, AnyRef } from './ref.js'
import { requireMs } from './require.js'
import { SystemRuntime } from './runtime.js'

export interface CloseOptions {
  /** How long actors may take to end, in ms, before they are abandoned. Default 10 000. */
  readonly graceMs?: number
}

/** What became of everything when the system was closed. */
export interface CloseReport {
  /** Actors that had not ended in time. */
  readonly abandoned: number
  readonly deadLetters: number
  /** All facts since the store was opened; nothing is `waiting` any more. */
  readonly facts: IntakeStats
}

export interface SystemStats {
  readonly actors: number
  readonly spawned: number
  readonly deadLetters: number
  /** `accepted` = `written` + `waiting` + dropped after acceptance. */
  readonly facts: IntakeStats
  /** Calls of hooks that threw or rejected. */
  readonly hookFailures: number
}

/** A tree of supervised actors whose facts a Papyra store keeps. */
export class ActorSystem {
  readonly papyra: Papyra
  readonly #runtime: SystemRuntime
  readonly #isOwn: boolean
  readonly #auditTimer: NodeJS.Timeout | null
  #closing: Promise<CloseReport> | null = null

  private constructor(prepared: Prepared, runtime: SystemRuntime, auditEveryMs: number) {
    this.papyra = prepared.papyra
    this.#isOwn = prepared.isOwn
    this.#runtime = runtime
    this.#auditTimer = auditEveryMs > 0 ? setInterval(() => this.audit(), auditEveryMs) : null
    this.#auditTimer?.unref()
    runtime.facts.write(null, 'system.started', { run: runtime.run })
  }

  /**
   * Opens the store through the startup gate, or takes the one that is lent; there is no actor
   * before that. Rejects as `openPapyra` does; with `invalid_argument` for options that make no
   * sense; the store is then closed again, unless it was lent.
   */
  static async start(options: ActorSystemOptions): Promise<ActorSystem> {
    const prepared = await prepare(options)
    try {
      const runtime = new SystemRuntime(prepared, options)
      return new ActorSystem(prepared, runtime, options.auditEveryMs ?? 0)
    } catch (thrown) {
      if (prepared.isOwn) await prepared.papyra.close()
      throw thrown
    }
  }

  get systemId(): string {
    return this.#runtime.systemId
  }

  /**
   * Makes an actor without a parent. It takes messages at once and starts soon; if starting fails,
   * its supervision decides. Throws `invalid_argument` for a name that is taken or cannot be used,
   * and `closed`.
   */
  spawn<M extends Message>(factory: ActorFactory<M>, options: SpawnOptions = {}): ActorRef<M> {
    return this.#runtime.spawn(factory, options, null)
  }

  /** The actor of this name; `null` if there is none. What it takes is yours to know. */
  find<M extends Message = AnyMessage>(name: string): ActorRef<M> | null {
    const cell = name.startsWith('$') ? undefined : this.#runtime.registry.find(name)
    return (cell?.ref as ActorRef<M> | undefined) ?? null
  }

  /** The actor with this address; `null` if there is none. Throws `invalid_argument`. */
  resolve<M extends Message = AnyMessage>(address: string): ActorRef<M> | null {
    return (this.#cellAt(address)?.ref as ActorRef<M> | undefined) ?? null
  }

  /** Sends to an address. False if the message became a dead letter. Throws `invalid_argument`. */
  tell(address: string, message: Message): boolean {
    const cell = this.#cellAt(address)
    if (cell !== undefined) return cell.tell(message)
    const { letters, current, isClosing } = this.#runtime
    const reason = isClosing ? 'closed' : 'no_such_actor'
    const sender = current?.address ?? null
    letters.write({ message, target: address, sender, reason, attempts: 0 })
    return false
  }

  /**
   * Has an actor stop: its message in hand ends, its children stop, then it does. What waits in its
   * mailbox becomes dead letters. Resolves when it has stopped; an actor that waits for its own end
   * waits for ever.
   */
  stop(ref: AnyRef): Promise<StopReason> {
    return this.#runtime.cellOf(ref).stop('stopped')
  }

  /** Gives an actor another name, or none. Throws `invalid_argument` if it is taken. */
  rename(ref: AnyRef, name: string | null): void {
    this.#runtime.cellOf(ref).rename(name)
  }

  /** The names in use. */
  names(): readonly string[] {
    return [...this.#runtime.registry.names.keys()]
  }

  /** All actors that have not stopped. */
  actors(): readonly ActorInfo[] {
    return Array.from(this.#runtime.registry.all(), infoOf)
  }

  /** What is known of one actor; also of one that has stopped. */
  info(ref: AnyRef): ActorInfo {
    return infoOf(this.#runtime.cellOf(ref))
  }

  stats(): SystemStats {
    const { registry, spawned, letters, caller } = this.#runtime
    return {
      actors: registry.size,
      spawned,
      deadLetters: letters.count,
      facts: this.papyra.intake.stats(),
      hookFailures: caller.failures,
    }
  }

  /** Takes a snapshot and stores it. */
  audit(): AuditReport {
    const { registry, letters, clock, hooks, caller } = this.#runtime
    const report = takeAudit(registry, letters.count, clock)
    this.papyra.intake.audit(report)
    caller.call(hooks.onAudit, report)
    return report
  }

  /** Dead letters that are stored, of earlier runs too. `flush` first to see the newest. */
  deadLetters(query: DeadLetterListQuery = {}): AsyncIterable<StoredDeadLetter> {
    return listDeadLetters(this.papyra, query)
  }

  /** How many dead letters there are for each target, type or reason; the most first. */
  groupDeadLetters(
    by: readonly GroupField[],
    filter: DeadLetterFilter = {},
  ): Promise<readonly DeadLetterGroup[]> {
    return groupDeadLetters(this.papyra, by, filter)
  }

  /** Resolves when all facts so far are stored, or dropped and counted. Rejects as the store does. */
  flush(): Promise<void> {
    return this.papyra.flush()
  }

  /**
   * Ends all actors, children first, stores the last facts, and closes the store unless it was
   * lent. Idempotent. Rejects, when all actors have ended, with what the store rejects with.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    const { graceMs = 10_000 } = options
    this.#closing ??= this.#close(requireMs('graceMs', graceMs))
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(graceMs: number): Promise<CloseReport> {
    const runtime = this.#runtime
    runtime.isClosing = true
    if (this.#auditTimer !== null) clearInterval(this.#auditTimer)
    const actors = runtime.registry.size
    const roots = [...runtime.registry.all()].filter(({ parent }) => parent === null)
    const abandoned = await endAll(runtime, roots, graceMs)
    runtime.deadlines.stop()
    await runtime.room()
    const { run, letters } = runtime
    const last = { run, actors, abandoned, deadLetters: letters.count }
    runtime.facts.write(null, 'system.stopped', last)
    if (this.#isOwn) await this.papyra.close()
    else if (this.papyra.state === 'open') await this.papyra.flush()
    return { abandoned, deadLetters: letters.count, facts: this.papyra.intake.stats() }
  }

  #cellAt(address: string): ActorCell | undefined {
    const { systemId, path } = parseAddress(address)
    if (systemId === this.systemId) return this.#runtime.registry.find(path)
    throw new PapyraError('invalid_argument', 'The address is of another system.', {
      details: { systemId, here: this.systemId },
    })
  }
}

/** Ends actors and all below them; tells how many had to be abandoned. */
async function endAll(
  runtime: SystemRuntime,
  roots: readonly ActorCell[],
  graceMs: number,
): Promise<number> {
  let cancel = (): void => {}
  const late = new Promise<void>((resolve) => {
    cancel = runtime.after(graceMs, resolve)
  })
  await Promise.race([Promise.all(roots.map((root) => root.stop('closed'))), late])
  cancel()
  const { size } = runtime.registry
  for (const root of roots) root.abandon()
  return size
}
