import {
  isPapyraError,
  PapyraError,
  RECOVERY_MODES,
  STARTUP_MODES,
  type RetentionPolicy,
} from '@papyra/contracts'
import type { CheckStartupOptions } from '@papyra/core'
import { absolutePath } from './config/paths.js'
import type { Context } from './context.js'
import { withBackend, type Store } from './store.js'

/** The flags of the gate, all of them read before anything is done. */
export function readGateFlags({ args, io }: Context): CheckStartupOptions {
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

/** What the gate is asked with: flags over the settings in force. */
export async function gateOptions(
  context: Context,
  store: Store,
  flags: CheckStartupOptions,
): Promise<CheckStartupOptions> {
  const retention = await retentionInForce(context, store)
  return { ...withSettings(flags, store), retention, clock: context.io.clock }
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
