import type { Clock } from '@papyra/contracts'
import type { Intake } from '@papyra/core'
import type { ActorHooks, HookCaller } from './hooks.js'
import type { StopReason } from './reasons.js'
import type { Directive, FailurePoint } from './supervision.js'

/** What is kept of an error: no stack, no members, at most 500 units of its message. */
export interface ErrorFact {
  readonly name: string
  readonly message: string
  readonly code: string | null
}

/** The events that the runtime records, by type, with their payloads. `actor` is the address. */
export interface ActorEvents {
  /** The gate has passed; `run` is part of the ids of this run's actors. */
  'system.started': { run: string }
  /** All actors have ended. `abandoned`: those that did not in time. */
  'system.stopped': { run: string; actors: number; abandoned: number; deadLetters: number }
  'actor.started': { id: string; parent: string | null }
  'actor.restarted': { id: string; restarts: number; delayMs: number }
  'actor.crashed': {
    id: string
    error: ErrorFact
    during: FailurePoint
    messageType: string | null
    child: string | null
    decision: Directive
    exhausted: boolean
  }
  /** `to` is the parent's address; `null`: there is none, the service was told. */
  'actor.escalated': { id: string; to: string | null }
  'actor.renamed': { id: string; from: string | null; to: string | null }
  'actor.stopped': { id: string; reason: StopReason }
}

export interface FactWriterOptions {
  readonly intake: Intake
  readonly clock: Clock
  readonly hooks: ActorHooks
  readonly caller: HookCaller
}

/** Hands facts to the store and to the hook. Never throws, never waits. */
export class FactWriter {
  readonly #options: FactWriterOptions

  constructor(options: FactWriterOptions) {
    this.#options = options
  }

  write<Type extends keyof ActorEvents>(
    actor: string | null,
    type: Type,
    payload: ActorEvents[Type],
  ): void {
    const { intake, clock, hooks, caller } = this.#options
    const event = { actor, type, payload, timestamp: clock.now() }
    intake.event(event)
    caller.call(hooks.onEvent, event)
  }
}

/** Whatever was thrown, as a fact. Never throws. */
export function errorFact(thrown: unknown): ErrorFact {
  try {
    if (typeof thrown !== 'object' || thrown === null) {
      return { name: typeof thrown, message: short(String(thrown)), code: null }
    }
    const { name, message, code } = thrown as Partial<Record<'name' | 'message' | 'code', unknown>>
    return {
      name: typeof name === 'string' && name !== '' ? short(name) : 'object',
      message: typeof message === 'string' ? short(message) : '',
      code: typeof code === 'string' || typeof code === 'number' ? short(String(code)) : null,
    }
  } catch {
    return { name: 'unknown', message: '', code: null }
  }
}

function short(text: string): string {
  return text.slice(0, 500)
}
