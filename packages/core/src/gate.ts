import {
  PapyraError,
  RECOVERY_MODES,
  STARTUP_MODES,
  systemClock,
  type Anomaly,
  type Backend,
  type BackendDefinition,
  type JsonValue,
  type OpenOptions,
  type ScanOptions,
  type ScanReport,
  type StartupMode,
} from '@papyra/contracts'
import { checkProductionRules, resolveEnvironment } from './environment.js'
import type { GateOptions, GatePass, GateReport } from './gate-types.js'
import { sayPassed, sayRefused } from './gate-told.js'
import { loggedRecovery, loggedScan } from './logged-acts.js'
import { checkDepth, depthOptions, depthReport } from './startup-depth.js'
import { startTimeBudget, type TimeBudget } from './time-budget.js'

const FIRST_ANOMALIES = 10

/** Settings that can be refused without looking at a store. */
export function checkGateOptions(options: GateOptions): void {
  const { mode = 'fail_on_anomaly', recovery, timeBudgetMs, create } = options
  oneOf('startup.mode', mode, STARTUP_MODES)
  oneOf('startup.recovery.mode', recovery?.mode ?? 'repair', RECOVERY_MODES)
  oneOf('create', create ?? 'never', ['if-missing', 'never'])
  checkDepth(options)
  checkProductionRules({ ...options, mode })
  if (mode === 'recover' && recovery?.mode === 'quarantine' && !recovery.quarantineDir) {
    throw new PapyraError(
      'quarantine_dir_required',
      'Recovery in quarantine mode needs a folder for the originals.',
    )
  }
  if (timeBudgetMs !== undefined && !(Number.isFinite(timeBudgetMs) && timeBudgetMs > 0)) {
    throw new PapyraError('invalid_argument', '`timeBudgetMs` must be a positive number of ms.')
  }
}

function oneOf(name: string, value: string, words: readonly string[]): void {
  if (words.includes(value)) return
  throw new PapyraError('invalid_argument', `\`${name}\` must be one of ${words.join(', ')}.`)
}

/**
 * Opens a store for writing and decides whether a service may start on it. Resolves with the open
 * store, which still takes no appends: call `begin` next, and `close` in any case. Rejects with
 * `startup_refused` where the answer is no, with `time_budget_exceeded` or `aborted` where it was
 * stopped, and with whatever opening, scanning and recovering reject with; the store is then closed
 * and unlocked again.
 */
export async function runGate(
  definition: BackendDefinition,
  options: GateOptions = {},
): Promise<GatePass> {
  checkGateOptions(options)
  const clock = options.clock ?? systemClock
  const budget = startTimeBudget(options.timeBudgetMs, options.signal, clock)
  try {
    budget.check()
    const backend = await definition.open(openOptions(options, 'write'))
    return await closingOnFailure(backend, async () => {
      const report = await decide(backend, definition, options, budget)
      if (!report.allowed) throw refusal(report)
      sayPassed(report, options.logger)
      return { backend, report }
    })
  } catch (thrown) {
    throw sayRefused(budget.explain(thrown), options)
  } finally {
    budget.lift()
  }
}

/** The error that says what a refusing report says. */
export function refusal(report: GateReport): PapyraError {
  return new PapyraError(report.code ?? 'startup_refused', report.reason, {
    details: report.details,
  })
}

/** Runs `work`; if it fails, closes the store before the failure goes on. */
export async function closingOnFailure<T>(backend: Backend, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    // The first failure is what matters; one in closing must not hide it.
    await backend.close().catch(() => undefined)
    throw thrown
  }
}

/** What a definition is opened with. */
export function openOptions(options: GateOptions, access: 'read' | 'write'): OpenOptions {
  const production = resolveEnvironment(options.environment) === 'production'
  const create = options.create ?? (production ? 'never' : 'if-missing')
  return {
    access,
    create: access === 'read' ? 'never' : create,
    ...(options.expectLogId === undefined ? {} : { expectLogId: options.expectLogId }),
    ...(options.waitLockMs === undefined ? {} : { waitLockMs: options.waitLockMs }),
    ...(options.upgrade === undefined ? {} : { upgrade: options.upgrade }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  }
}

/** Looks at an open store as the mode says, and answers. Leaves it open. */
export async function decide(
  backend: Backend,
  definition: BackendDefinition,
  options: GateOptions,
  budget: TimeBudget,
): Promise<GateReport> {
  const clock = options.clock ?? systemClock
  const started = clock.monotonic()
  const at = clock.now()
  const mode = options.mode ?? 'fail_on_anomaly'
  const found = await look(backend, mode, options, budget)
  const last = found.after ?? found.scan
  const allowed = mode === 'ignore' || mode === 'scan_only' || last?.clean === true
  return {
    allowed,
    mode,
    backend: backend.name,
    location: definition.location,
    ...found,
    depth: await depthReport(backend, options, { ...found, at }),
    reason: reasonFor(mode, found),
    code: allowed ? null : 'startup_refused',
    details: allowed || last === null ? {} : anomalyDetails(definition.location, last),
    durationMs: clock.monotonic() - started,
  }
}

type Findings = Pick<GateReport, 'scan' | 'recovery' | 'after'>

async function look(
  backend: Backend,
  mode: StartupMode,
  options: GateOptions,
  budget: TimeBudget,
): Promise<Findings> {
  budget.check()
  if (mode === 'ignore') return { scan: null, recovery: null, after: null }
  const first = await scan(backend, depthOptions(options), options, budget)
  budget.check()
  if (mode !== 'recover' || first.clean) return { scan: first, recovery: null, after: null }
  const recovery = await loggedRecovery(options.logger, backend, {
    mode: options.recovery?.mode ?? 'repair',
    signal: budget.signal,
    ...(options.recovery?.quarantineDir === undefined
      ? {}
      : { quarantineDir: options.recovery.quarantineDir }),
    ...(options.acceptLoss === undefined ? {} : { acceptLoss: options.acceptLoss }),
    ...(options.force === undefined ? {} : { force: options.force }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  })
  // The store has changed: from here on the time budget cannot keep its word, so it ends.
  budget.lift()
  return {
    scan: first,
    recovery,
    after: await scan(backend, { coverage: 'full' }, options, budget),
  }
}

function scan(
  backend: Backend,
  how: ScanOptions,
  options: GateOptions,
  budget: TimeBudget,
): Promise<ScanReport> {
  return loggedScan(options.logger, backend, {
    ...how,
    signal: budget.signal,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  })
}

function reasonFor(mode: StartupMode, { scan: first, recovery, after }: Findings): string {
  if (first === null) return 'The store was not looked at, as the mode `ignore` asks.'
  if (first.clean && first.unread !== null) return 'What was read of the store is clean.'
  if (first.clean) return 'The store is clean.'
  const counts = countsText(first)
  if (mode === 'scan_only') return `The store has anomalies (${counts}); the mode lets it start.`
  if (recovery === null || after === null) return `The store has anomalies: ${counts}.`
  return after.clean
    ? `The store had anomalies (${counts}); it was recovered and is clean now.`
    : `The store still has anomalies after recovery: ${countsText(after)}.`
}

function countsText(report: ScanReport): string {
  const counts = Object.entries(report.anomalyCounts).map(([code, count]) => `${count} ${code}`)
  return counts.length === 0 ? `${report.anomaliesTotal}` : counts.join(', ')
}

function anomalyDetails(location: string, report: ScanReport): GateReport['details'] {
  return {
    location,
    anomaliesTotal: report.anomaliesTotal,
    anomalyCounts: { ...report.anomalyCounts },
    anomalies: report.anomalies.slice(0, FIRST_ANOMALIES).map(placeOf),
    consent: { ...report.consent },
  }
}

function placeOf(anomaly: Anomaly): JsonValue {
  const { code, path, offset, length, seq, records, loss, detail } = anomaly
  return {
    code,
    path,
    offset,
    length,
    records,
    loss,
    detail,
    seq: seq === null ? null : { ...seq },
  }
}
