import {
  ERROR_CODES,
  isPapyraError,
  systemClock,
  type Backend,
  type BackendDefinition,
  type PapyraError,
} from '@papyra/contracts'
import { checkGateOptions, decide, openOptions, refusal } from './gate.js'
import { sayPassed, sayRefused } from './gate-told.js'
import type { GateOptions, GateReport } from './gate-types.js'
import { startTimeBudget, type TimeBudget } from './time-budget.js'

export interface CheckStartupOptions extends Omit<GateOptions, 'upgrade'> {
  /**
   * A missing store is no reason to refuse; none is made. Default: true if `create` says
   * `if-missing`, else false.
   */
  readonly allowNew?: boolean
}

/**
 * Answers whether a service could start on a store with these options, and leaves nothing open. The
 * modes `ignore`, `scan_only` and `fail_on_anomaly` only read: they take no lock and work beside a
 * living owner. The mode `recover` takes ownership and recovers where that is needed.
 *
 * Where the answer is no, resolves with `allowed: false` and the code that the gate would refuse
 * with. Rejects where there is no answer: `store_not_found`, `store_locked`, `mode_forbidden`,
 * `retention_missing`, `quarantine_dir_required`, `aborted`, `io_error` and the like.
 */
export async function checkStartup(
  definition: BackendDefinition,
  options: CheckStartupOptions = {},
): Promise<GateReport> {
  const report = await check(definition, options).catch((error: unknown) => {
    throw sayRefused(error, options)
  })
  if (report.allowed) sayPassed(report, options.logger)
  else sayRefused(refusal(report), options)
  return report
}

async function check(
  definition: BackendDefinition,
  options: CheckStartupOptions,
): Promise<GateReport> {
  checkGateOptions(options)
  const clock = options.clock ?? systemClock
  const started = clock.monotonic()
  const budget = startTimeBudget(options.timeBudgetMs, options.signal, clock)
  try {
    budget.check()
    return await openLookClose(definition, options, budget)
  } catch (thrown) {
    const error = budget.explain(thrown)
    const durationMs = clock.monotonic() - started
    const allowNew = options.allowNew ?? options.create === 'if-missing'
    if (isPapyraError(error, 'store_not_found') && allowNew) {
      return { ...answer(definition, options), durationMs }
    }
    if (!isPapyraError(error) || !saysNo(error)) throw error
    return {
      ...answer(definition, options),
      allowed: false,
      reason: error.message,
      code: error.code,
      details: error.details,
      durationMs,
    }
  } finally {
    budget.lift()
  }
}

async function openLookClose(
  definition: BackendDefinition,
  options: CheckStartupOptions,
  budget: TimeBudget,
): Promise<GateReport> {
  const access = options.mode === 'recover' ? 'write' : 'read'
  const backend: Backend = await definition.open(
    openOptions({ ...options, create: 'never' }, access),
  )
  let report: GateReport
  try {
    report = await decide(backend, definition, options, budget)
  } catch (thrown) {
    await backend.close().catch(() => undefined)
    throw thrown
  }
  await backend.close()
  return report
}

/** Codes that end a command with 1 or 2 are an answer about the store; the others are failures. */
function saysNo(error: PapyraError): boolean {
  const { exit } = ERROR_CODES[error.code]
  return exit === 1 || exit === 2
}

function answer(definition: BackendDefinition, options: CheckStartupOptions): GateReport {
  return {
    allowed: true,
    mode: options.mode ?? 'fail_on_anomaly',
    backend: definition.name,
    location: definition.location,
    scan: null,
    recovery: null,
    after: null,
    depth: null,
    reason: 'There is no store yet; a start may make a new one.',
    code: null,
    details: {},
    durationMs: 0,
  }
}
