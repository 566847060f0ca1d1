import { dirname } from 'node:path'
import {
  PapyraError,
  RECOVERY_MODES,
  recoveryPlanOf,
  requireRecoveryPlan,
  throwIfAborted,
  type RecoverOptions,
  type RecoveryReport,
  type ScanReport,
} from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import { finishInterrupted } from './finish-interrupted.js'
import { requireOneName, withIo } from './io.js'
import { planRepair, requireConsent, type RepairPlan } from './repair-plan.js'
import { repairLog } from './repair.js'
import type { StoreCore } from './store-core.js'
import { currentScan, reportOf, scanStore } from './store-scan.js'
import { keepVerified } from './verified.js'

/** Recovers; see `Backend.recover`. */
export async function recoverStore(
  core: StoreCore,
  options: RecoverOptions,
): Promise<RecoveryReport> {
  core.requireOwner('recover')
  checkOptions(core, options)
  try {
    return await recover(core, options)
  } catch (error) {
    core.countError('recoveryErrors', error)
    throw error
  }
}

function checkOptions(core: StoreCore, options: RecoverOptions): void {
  if (core.live !== null) {
    throw new PapyraError(
      'unsupported',
      `${core.settings.log} takes appends; recover before begin.`,
    )
  }
  if (!RECOVERY_MODES.includes(options.mode)) {
    throw new PapyraError(
      'invalid_argument',
      `There is no recovery mode ${JSON.stringify(options.mode)}.`,
    )
  }
  if (options.mode === 'quarantine' && (options.quarantineDir ?? '') === '') {
    throw new PapyraError('quarantine_dir_required', 'Recovery in quarantine mode needs a folder.')
  }
}

async function recover(core: StoreCore, options: RecoverOptions): Promise<RecoveryReport> {
  throwIfAborted(options.signal)
  const { vfs, log, clock } = core.settings
  const startedAt = clock.monotonic()
  const now = clock.now()
  const found = await currentScan(core, { ...options, coverage: 'full' })
  const before = reportOf(core, found, startedAt)
  const outcome = { options, startedAt, before, keptAside: [] }
  const first = planRepair(found, now)
  const planned = result(core, { ...outcome, after: null, scan: found, plan: first })
  requireRecoveryPlan(options, planned)
  if (options.dryRun === true) return planned
  const finished = await finishInterrupted(vfs, log, found)
  const resumed = finished === 'completed' || finished === 'reverted'
  const scan = resumed ? await scanStore(core, { ...options, coverage: 'full' }) : found
  const plan = resumed ? planRepair(scan, now) : first
  requireConsent(scan, plan, options)
  if (plan.kind === 'nothing') {
    // An earlier run may have been killed before its last sync: what was seen has to stay.
    await withIo('Syncing', log, async () => core.logFile?.sync())
    await withIo('Syncing', log, () => vfs.syncDir(dirname(log)))
    if (resumed) await keepVerified(core)
    const after = resumed ? reportOf(core, scan, startedAt) : before
    return { ...result(core, { ...outcome, after, scan, plan }), changed: resumed }
  }
  const keptAside = await repair(core, options, scan, plan)
  const afterScan = await scanStore(core, { ...options, coverage: 'full' })
  await keepVerified(core)
  const after = reportOf(core, afterScan, clock.monotonic())
  return result(core, { ...outcome, after, scan, plan, keptAside })
}

async function repair(
  core: StoreCore,
  options: RecoverOptions,
  scan: LogScan,
  plan: RepairPlan,
): Promise<readonly string[]> {
  const lock = core.requireOwner('recover')
  const { vfs, log, clock } = core.settings
  if (plan.kind === 'rewrite' || plan.kind === 'plain') requireOneName(await vfs.stat(log), log)
  const counts = core.takeCounts()
  const quarantineDir = options.mode === 'quarantine' ? (options.quarantineDir ?? null) : null
  try {
    const { signal, onProgress } = options
    const long = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
    const job = { ...long, vfs, lock, scan, plan, quarantineDir, now: clock.now(), counts }
    const { keptAside, file } = await repairLog(job)
    if (file !== null) await core.replaceLogFile(file)
    core.known = null
    return keptAside
  } catch (error) {
    core.known = null
    core.putCountsBack(counts)
    throw error
  }
}

interface Outcome {
  readonly options: RecoverOptions
  readonly startedAt: number
  readonly before: ScanReport
  readonly after: ScanReport | null
  readonly scan: LogScan
  readonly plan: RepairPlan
  readonly keptAside: readonly string[]
}

function result(core: StoreCore, outcome: Outcome): RecoveryReport {
  const { options, startedAt, before, after, scan, plan, keptAside } = outcome
  const report = {
    mode: options.mode,
    dryRun: options.dryRun === true,
    changed: plan.kind !== 'nothing',
    before,
    after,
    recordsKept: scan.records ?? 0,
    bytesSetAside: plan.bytesSetAside,
    keptAside,
    losses: plan.losses,
    durationMs: core.settings.clock.monotonic() - startedAt,
  }
  return { ...report, plan: report.dryRun ? recoveryPlanOf(report) : null }
}
