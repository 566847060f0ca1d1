import {
  isPapyraError,
  PapyraError,
  RECOVERY_MODES,
  STARTUP_MODES,
  type RetentionPolicy,
} from '@papyra/contracts'
import { checkStartup, type CheckStartupOptions, type GateReport } from '@papyra/core'
import { absolutePath } from '../../config/paths.js'
import { withProgress, type Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { ageText, bytesText, plural, timeText } from '../../output/format.js'
import { showKeptAside, showLossesRecorded } from '../../output/recovery-view.js'
import { showNext, showNotices, showScan } from '../../output/scan-view.js'
import { resolveStore, withBackend, type Store } from '../../store.js'
import { nextSteps } from './scan.js'

/** `papyra persistence startup-check`: the gate of `openPapyra`, asked from outside. */
export async function run(context: Context): Promise<number> {
  const { out } = context
  const options = readOptions(context)
  const store = await resolveStore(context)
  const retention = await retentionInForce(context, store)
  const report = await withProgress(context, (operation) =>
    checkStartup(store.definition, {
      ...withSettings(options, store),
      retention,
      clock: context.io.clock,
      ...operation,
    }),
  )
  const exitCode = report.allowed ? EXIT.ok : EXIT.refused
  await showGate(context, store, report)
  await out.document('papyra.startup-check/1', exitCode, report)
  return exitCode
}

/** The flags, all of them read before anything is done. */
function readOptions({ args, io }: Context): CheckStartupOptions {
  const mode = args.choice('mode', STARTUP_MODES)
  const recoveryMode = args.choice('recovery-mode', RECOVERY_MODES)
  const folder = args.text('quarantine-dir')
  const timeBudgetMs = args.durationMs('time-budget')
  const waitLockMs = args.durationMs('wait-lock')
  return {
    recovery: {
      ...(recoveryMode === undefined ? {} : { mode: recoveryMode }),
      ...(folder === undefined ? {} : { quarantineDir: absolutePath(io.cwd, folder) }),
    },
    allowNew: args.flag('allow-new'),
    ...(args.flag('accept-loss') ? { acceptLoss: true } : {}),
    ...depthOf(args),
    ...(mode === undefined ? {} : { mode }),
    ...(timeBudgetMs === undefined ? {} : { timeBudgetMs }),
    ...(waitLockMs === undefined ? {} : { waitLockMs }),
  }
}

/** The flags that say how much is verified. */
function depthOf(args: Context['args']): Pick<CheckStartupOptions, 'depth' | 'maxVerifiedAgeMs'> {
  const full = args.flag('full')
  const sinceClean = args.flag('since-clean')
  if (full && sinceClean) {
    throw new PapyraError('invalid_argument', '--full and --since-clean exclude each other.')
  }
  const maxVerifiedAgeMs = args.durationMs('max-verified-age')
  return {
    ...(full ? { depth: 'full' } : sinceClean ? { depth: 'since-clean' } : {}),
    ...(maxVerifiedAgeMs === undefined ? {} : { maxVerifiedAgeMs }),
  }
}

function withSettings(options: CheckStartupOptions, { settings }: Store): CheckStartupOptions {
  const { mode, recoveryMode, quarantineDir, timeBudgetMs, waitLockMs, expectLogId, environment } =
    settings
  const { maxVerifiedAgeMs } = settings
  return {
    mode,
    environment,
    ...(timeBudgetMs === undefined ? {} : { timeBudgetMs }),
    ...(waitLockMs === undefined ? {} : { waitLockMs }),
    ...(expectLogId === undefined ? {} : { expectLogId }),
    acceptLoss: settings.acceptLoss,
    force: settings.force,
    depth: settings.depth,
    ...(maxVerifiedAgeMs === undefined ? {} : { maxVerifiedAgeMs }),
    ...options,
    recovery: {
      mode: recoveryMode,
      ...(quarantineDir === undefined ? {} : { quarantineDir }),
      ...options.recovery,
    },
  }
}

/**
 * In production a policy is mandatory. A configuration has to state it, as the gate of the service
 * will say; without one, the policy that the owner recorded with the store counts.
 */
async function retentionInForce(context: Context, store: Store): Promise<RetentionPolicy | null> {
  const { retention, environment } = store.settings
  if (retention !== null || store.configured || environment !== 'production') return retention
  try {
    const description = await withBackend(context, store, 'read', (backend) => backend.describe())
    return description.retention
  } catch (error) {
    // What is wrong with the store, the check itself will say.
    if (isPapyraError(error) && error.code !== 'aborted') return null
    throw error
  }
}

/** How much was verified: what was not read, or why everything was. */
async function showDepth({ out, io }: Context, { depth, scan, after }: GateReport): Promise<void> {
  if (depth === null) return
  const unread = (after ?? scan)?.unread ?? null
  if (unread === null) {
    const why = depth.detail === null ? 'every byte was read' : depth.detail
    await out.line(`  ${depth.asked}: ${why}`)
    return
  }
  const { files, bytes, verifiedAt } = unread
  const when = `last verified ${timeText(verifiedAt)} (${ageText(io.clock.now() - verifiedAt)} ago)`
  const what = `${plural(files, 'file')}, ${bytesText(bytes)}`
  await out.line(
    `  ${depth.asked}: ${bytes === 0 ? 'nothing was left out' : `did not read ${what}`}, ${when}`,
  )
}

async function showGate(context: Context, store: Store, report: GateReport): Promise<void> {
  const { out } = context
  const { allowed, mode, location, reason, scan, recovery, after } = report
  await out.line(
    allowed ? ['green', 'may start'] : ['red', 'must not start'],
    `  ${location}  (mode ${mode})`,
  )
  await out.line(`  ${reason}`)
  await showDepth(context, report)
  if (recovery !== null) {
    await showKeptAside(out, recovery.keptAside)
    await showLossesRecorded(out, recovery.losses)
  }
  const last = after ?? scan
  if (last !== null && (!last.clean || !allowed)) await showScan(out, last, 20)
  else if (last !== null) await showNotices(out, last)
  if (!allowed && last !== null && !last.clean) await showNext(out, nextSteps(store, last))
  else if (!allowed) await showNext(out, [store.again(['persistence', 'scan'])])
  if (!allowed && out.quiet)
    await out.problem(['red', 'papyra: must not start:'], ` ${location}: ${reason}`)
}
