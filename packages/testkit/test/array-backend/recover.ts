import {
  PapyraError,
  recoveryPlanOf,
  requireRecoveryPlan,
  type RecordedLoss,
  type RecoverOptions,
  type RecoveryReport,
} from '@papyra/contracts'
import type { ArrayBackend } from './array-backend.js'
import type { Found } from './inspect.js'
import { bytesOfLines, closedLines, measure, type Line } from './store.js'

/** The parts of a recovery, so that a broken backend can replace one of them. */
export interface RecoverParts {
  /** The lines that stay. */
  readonly mend: (lines: readonly Line[], removed: ReadonlySet<Line>) => Line[]
  readonly asksConsent: boolean
  readonly recordsLoss: boolean
  readonly needsFolder: boolean
  /** Acts on a clean store as on a damaged one. */
  readonly alwaysChanges: boolean
  readonly writesOnDryRun: boolean
  readonly givesPlan: boolean
  readonly checksPlan: boolean
  readonly keepsAside: boolean
}

export const soundRecoverParts: RecoverParts = {
  mend: (lines, removed) => lines.filter((line) => !removed.has(line)),
  asksConsent: true,
  recordsLoss: true,
  needsFolder: true,
  alwaysChanges: false,
  writesOnDryRun: false,
  givesPlan: true,
  checksPlan: true,
  keepsAside: true,
}

function lossesOf(damage: readonly Found[], at: number): RecordedLoss[] {
  return damage
    .filter(({ anomaly }) => anomaly.loss)
    .map(({ anomaly: { seq, records, code } }) => ({ seq, records, code, at }))
}

function checkOptions(
  options: RecoverOptions,
  losses: readonly RecordedLoss[],
  parts: RecoverParts,
): void {
  const { mode, quarantineDir, acceptLoss } = options
  if (parts.needsFolder && mode === 'quarantine' && quarantineDir === undefined) {
    throw new PapyraError('quarantine_dir_required', 'There is no folder for the originals.')
  }
  if (parts.asksConsent && losses.length > 0 && acceptLoss !== true) {
    throw new PapyraError('accept_loss_required', 'Records are gone.')
  }
}

export function recoverStore(
  backend: ArrayBackend,
  options: RecoverOptions,
  parts: RecoverParts,
): Promise<RecoveryReport> {
  const { store, handle } = backend
  const { mode, dryRun = false } = options
  const damage = backend.damage()
  const before = backend.report(damage)
  const losses = parts.recordsLoss ? lossesOf(damage, handle.clock.now()) : []
  checkOptions(options, losses, parts)
  const removed = new Set(damage.flatMap(({ line }) => (line === null ? [] : [line])))
  const lines = parts.mend(store.lines, removed)
  const changed = damage.length > 0 || parts.alwaysChanges
  const bytesSetAside = bytesOfLines(store.lines) - bytesOfLines(lines)
  const told = {
    ...{ mode, dryRun, changed, before, after: null, recordsKept: lines.length },
    ...{ bytesSetAside, keptAside: [], losses, durationMs: 0 },
  }
  if (parts.checksPlan) requireRecoveryPlan(options, told)
  if (changed && (!dryRun || parts.writesOnDryRun)) replaceLines(backend, lines, losses)
  const keptAside = changed && parts.keepsAside ? [`${handle.location}.${mode}`] : []
  return Promise.resolve({
    ...told,
    after: dryRun ? null : backend.report(backend.damage()),
    keptAside,
    plan: dryRun && parts.givesPlan ? recoveryPlanOf(told) : null,
  })
}

function replaceLines(
  { store, handle }: ArrayBackend,
  lines: Line[],
  losses: readonly RecordedLoss[],
): void {
  store.history.push({
    what: 'recovery',
    at: handle.clock.now(),
    generation: store.generation + 1,
    recordsRemoved: store.lines.length - lines.length,
    bytesRemoved: bytesOfLines(store.lines) - bytesOfLines(lines),
    detail: '',
  })
  store.generation += 1
  store.lines = lines
  store.losses.push(...losses)
  store.closed = closedLines(store)
  store.verifiedAt = handle.clock.now()
  store.totals.recoveries += 1
  store.totals.recordsLost += losses.reduce((all, loss) => all + loss.records, 0)
  measure(store)
}
