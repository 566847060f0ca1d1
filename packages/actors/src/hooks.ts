import type { AuditInput, EventInput } from '@papyra/contracts'
import type { PapyraHooks } from '@papyra/core'
import type { DeadLetter } from './dead-letter.js'
import type { Directive, Failure } from './supervision.js'

/**
 * Where the system tells what happens, at once and in order. A hook may be asynchronous; nobody
 * waits for it. What a hook throws or rejects with changes nothing and is counted in `stats`.
 * Those of `PapyraHooks` serve where the system opens its store itself.
 */
export interface ActorHooks extends PapyraHooks {
  /** A fact about an actor or the system, as it is handed to the store. */
  readonly onEvent?: (event: EventInput) => unknown
  /** A message was not delivered. `message` is the message itself. */
  readonly onDeadLetter?: (letter: DeadLetter, message: unknown) => unknown
  /** An actor failed, and what was decided. */
  readonly onFailure?: (failure: Failure, directive: Directive) => unknown
  /** The failure of an actor without a parent was escalated: the service should decide. */
  readonly onEscalation?: (failure: Failure) => unknown
  readonly onAudit?: (audit: AuditInput) => unknown
}

/** Calls hooks so that they can harm nobody, and counts those that tried. */
export class HookCaller {
  failures = 0

  call<A extends readonly unknown[]>(
    hook: ((...told: A) => unknown) | undefined,
    ...told: A
  ): void {
    if (hook === undefined) return
    try {
      const result = hook(...told)
      if (isThenable(result)) result.then(undefined, () => this.#failed())
    } catch {
      this.#failed()
    }
  }

  /** Those of the store, each made harmless. */
  forStore(hooks: PapyraHooks): PapyraHooks {
    const safe: Record<string, (told: unknown) => void> = {}
    for (const name of STORE_HOOKS) {
      const hook = hooks[name] as ((told: unknown) => unknown) | undefined
      if (hook !== undefined) safe[name] = (told) => this.call(hook, told)
    }
    return safe as PapyraHooks
  }

  #failed(): void {
    this.failures += 1
  }
}

const STORE_HOOKS = [
  'onDrop',
  'onSchemaMismatch',
  'onStartup',
  'onCompaction',
  'onScrub',
  'onAnomalies',
  'onMaintenanceError',
] as const satisfies readonly (keyof PapyraHooks)[]

/** True for promises and what behaves like one. Reading `then` may throw. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
