import { PapyraError, isPapyraError, throwIfAborted, type Clock } from '@papyra/contracts'

const LONGEST_TIMER = 2_147_483_647

/** Watches over a piece of work that must not take longer than it was given. */
export interface TimeBudget {
  /** Aborted when the time is up or the caller wants to stop. */
  readonly signal: AbortSignal
  /** Throws `time_budget_exceeded` or `aborted` if so. */
  check(): void
  /** What a step that was stopped threw, told as what stopped it. */
  explain(thrown: unknown): unknown
  /** From here on the time no longer counts; the caller's own signal still does. */
  lift(): void
}

/** Starts to count. Without `budgetMs` only the caller's signal counts. */
export function startTimeBudget(
  budgetMs: number | undefined,
  outer: AbortSignal | undefined,
  clock: Clock,
): TimeBudget {
  const started = clock.monotonic()
  const timeUp = new AbortController()
  const exceeded = (): PapyraError =>
    new PapyraError(
      'time_budget_exceeded',
      `The startup gate was not done within its time budget of ${budgetMs} ms; nothing was changed.`,
      { details: { budgetMs: budgetMs ?? null } },
    )
  let counting = budgetMs !== undefined
  const timer = counting
    ? setTimeout(() => timeUp.abort(exceeded()), Math.min(budgetMs ?? 0, LONGEST_TIMER))
    : undefined
  const stopCounting = (): void => {
    counting = false
    clearTimeout(timer)
  }
  return {
    signal: outer === undefined ? timeUp.signal : AbortSignal.any([outer, timeUp.signal]),
    check() {
      throwIfAborted(outer)
      if (counting && clock.monotonic() - started >= (budgetMs ?? 0)) throw exceeded()
      throwIfAborted(timeUp.signal)
    },
    explain(thrown) {
      if (!isPapyraError(thrown, 'aborted') || outer?.aborted === true) return thrown
      return timeUp.signal.aborted ? timeUp.signal.reason : thrown
    },
    lift: stopCounting,
  }
}
