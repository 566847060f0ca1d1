import { PapyraError } from '@papyra/contracts'

export type LifecycleState = 'opening' | 'open' | 'closing' | 'closed'

/**
 * The states of something that is opened once and closed once: opening → open → closing → closed.
 * Knows the operations under way, so that closing waits for them.
 */
export class Lifecycle {
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  #state: LifecycleState = 'opening'
  #closed: Promise<void> | null = null

  get state(): LifecycleState {
    return this.#state
  }

  /** Aborted, with an error `closed`, when closing begins: for operations that need not finish. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  opened(): void {
    if (this.#state === 'opening') this.#state = 'open'
  }

  /** Throws `closed` unless open. */
  check(): void {
    if (this.#state !== 'open') throw closedError(this.#state)
  }

  /** Runs an operation if open; closing waits for it. Rejects with `closed` otherwise. */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    this.check()
    const running = operation()
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  /**
   * Closes once: refuses new operations, waits for those under way, then runs `release`. All callers
   * get the same promise.
   */
  close(release: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#close(release)
    return this.#closed
  }

  async #close(release: () => Promise<void>): Promise<void> {
    this.#state = 'closing'
    this.#closing.abort(closedError('closing'))
    try {
      await Promise.allSettled(this.#underWay)
      await release()
    } finally {
      this.#state = 'closed'
    }
  }
}

function closedError(state: LifecycleState): PapyraError {
  return new PapyraError('closed', `The store is ${state === 'open' ? 'closed' : state}.`)
}
