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
import { withdrawVerified } from './recover-commit.js'
import type { RecoveryJob } from './recover-job.js'
import { planRecovery, requireSegmentsConsent, type RecoveryPlan } from './recover-plan.js'
import { carryOut, type CarriedOut } from './recover-run.js'
import { makeSeenDurable } from './recover-traces.js'
import type { SegmentsScan } from './scan-types.js'
import type { SegmentCore } from './segment-core.js'
import { currentSegmentsScan, scanSegmentStore, segmentsReport } from './store-scan.js'

/** Recovers; see `Backend.recover`. */
export async function recoverSegments(
  core: SegmentCore,
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

function checkOptions(core: SegmentCore, options: RecoverOptions): void {
  if (core.live !== null) {
    throw new PapyraError('unsupported', `${core.location} takes appends; recover before begin.`)
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

async function recover(core: SegmentCore, options: RecoverOptions): Promise<RecoveryReport> {
  throwIfAborted(options.signal)
  const { vfs, clock } = core.settings
  const startedAt = clock.monotonic()
  const scan = await currentSegmentsScan(core, { ...options, coverage: 'full' })
  const before = segmentsReport(core, scan, startedAt)
  const plan = planRecovery(scan, clock.now(), await vfs.readdir(scan.dir))
  const bytesSetAside = plan.bytesSetAside + (await sizeOf(core, plan.extras))
  const outcome = { options, startedAt, before, plan: { ...plan, bytesSetAside } }
  const planned = result(core, { ...outcome, after: null, keptAside: [] })
  requireRecoveryPlan(options, planned)
  if (options.dryRun === true) return planned
  requireSegmentsConsent(scan, plan, options)
  if (!plan.changes) {
    await makeSeenDurable(vfs, scan)
    return result(core, { ...outcome, after: before, keptAside: [] })
  }
  const { keptAside, keeper } = await run(core, options, { scan, plan: outcome.plan, startedAt })
  const seen = await scanSegmentStore(core, { ...options, coverage: 'full' })
  const after = segmentsReport(core, seen, clock.monotonic())
  if (!after.clean) {
    await withdrawVerified(keeper, plan.store.verifiedAt)
    core.known = null
  }
  return result(core, { ...outcome, after, keptAside })
}

/** Bytes of the files that are set aside as a whole. */
async function sizeOf(core: SegmentCore, paths: readonly string[]): Promise<number> {
  let bytes = 0
  for (const path of paths) bytes += (await core.settings.vfs.stat(path))?.size ?? 0
  return bytes
}

interface Run {
  readonly scan: SegmentsScan
  readonly plan: RecoveryPlan
  readonly startedAt: number
}

async function run(
  core: SegmentCore,
  options: RecoverOptions,
  { scan, plan, startedAt }: Run,
): Promise<CarriedOut> {
  const { vfs, clock } = core.settings
  const { signal, onProgress } = options
  const counts = core.takeCounts()
  const job: RecoveryJob = {
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    vfs,
    scan,
    plan,
    quarantineDir: options.mode === 'quarantine' ? (options.quarantineDir ?? null) : null,
    now: clock.now(),
    elapsed: () => clock.monotonic() - startedAt,
    counts,
  }
  core.known = null
  try {
    return await carryOut(job)
  } catch (error) {
    core.putCountsBack(counts)
    throw error
  }
}

interface Outcome {
  readonly options: RecoverOptions
  readonly startedAt: number
  readonly before: ScanReport
  readonly after: ScanReport | null
  readonly plan: RecoveryPlan
  readonly keptAside: readonly string[]
}

function result(core: SegmentCore, outcome: Outcome): RecoveryReport {
  const { options, startedAt, before, after, plan, keptAside } = outcome
  const report = {
    mode: options.mode,
    dryRun: options.dryRun === true,
    changed: plan.changes,
    before,
    after,
    recordsKept: plan.records,
    bytesSetAside: plan.bytesSetAside,
    keptAside,
    losses: plan.losses,
    durationMs: core.settings.clock.monotonic() - startedAt,
  }
  return { ...report, plan: report.dryRun ? recoveryPlanOf(report) : null }
}
