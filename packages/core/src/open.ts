import {
  PapyraError,
  systemClock,
  type Backend,
  type BackendDefinition,
  type BeginOptions,
  type Clock,
  type RetentionPolicy,
} from '@papyra/contracts'
import { isUnbounded, validatePolicy } from '@papyra/retention'
import type { FactTypes } from './facts.js'
import { checkMaintenance, startMaintenance } from './open-maintenance.js'
import { closingOnFailure, runGate } from './gate.js'
import type { GateOptions, GateReport, StartupOptions } from './gate-types.js'
import type { PapyraHooks } from './hooks.js'
import { loggedCompaction, loggedScan, telling } from './logged-acts.js'
import { withFields, type PapyraLogger } from './logger.js'
import type { IntakeLimits } from './intake.js'
import { OpenStore } from './open-store.js'
import type { OpenStoreOptions } from './open-store-options.js'
import type { MaintenanceTiming } from './maintenance.js'
import type { Papyra } from './papyra.js'
import type { PapyraSchemas } from './schemas.js'
import { tell } from './tell.js'

export interface OpenPapyraOptions {
  /** The name of the actor system; stored with every fact. */
  readonly systemId: string
  readonly backend: BackendDefinition
  readonly startup?: StartupOptions
  /** What the store keeps; recorded with it. Mandatory in production. */
  readonly retention?: RetentionPolicy
  /** Default `never` in production, else `if-missing`. */
  readonly create?: 'if-missing' | 'never'
  /** Reject with `wrong_log` if the store has another id. */
  readonly expectLogId?: string
  /** How long to wait for a living owner to go, in ms. Default 500. */
  readonly waitLockMs?: number
  /** Convert a sound plain log, keeping the original aside. Default false. */
  readonly upgrade?: boolean
  /** `production` turns the rules for production on. Beats `NODE_ENV`. */
  readonly environment?: string
  readonly clock?: Clock
  /** Validators of payloads: applied on writing (refuse) and on reading (report, never hide). */
  readonly schemas?: PapyraSchemas
  readonly intake?: IntakeLimits
  readonly hooks?: PapyraHooks
  /**
   * Told of each act of the store's life, fields first, such as a logger of pino or `jsonLogger`: see
   * docs/log-events.md. Never given payloads. Default: none.
   */
  readonly logger?: PapyraLogger
  /** Compact regularly; needs `retention`. Default: nothing is ever compacted by itself. */
  readonly compaction?: MaintenanceTiming
  /** Verify every byte regularly, beside the appends. Default: only starts and scans do. */
  readonly scrub?: MaintenanceTiming
}

/**
 * Opens a store through the startup gate and makes it ready for facts.
 *
 * Rejects before the store is touched with `mode_forbidden`, `retention_missing` (also where
 * `compaction` is to run without a policy),
 * `quarantine_dir_required`, `invalid_policy` or `invalid_argument`; with `store_not_found`,
 * `store_locked`, `wrong_log`, `upgrade_required` or what else opening rejects with; with
 * `startup_refused` where the gate says no, `time_budget_exceeded` and `aborted` where it was
 * stopped, and with what recovery asks for (`accept_loss_required`, `force_required`). The store is
 * then closed and unlocked.
 */
export async function openPapyra<Facts extends FactTypes = FactTypes>(
  options: OpenPapyraOptions,
): Promise<Papyra<Facts>> {
  checkOptions(options)
  const retention = usablePolicy(options.retention)
  checkMaintenance(options, retention)
  const { systemId, clock = systemClock, schemas, intake = {}, hooks = {} } = options
  const { name, location } = options.backend
  const logger = withFields(options.logger, { systemId, backend: name, location })
  const gate = { ...gateOptions(options, retention), ...(logger === undefined ? {} : { logger }) }
  const { backend, report } = await runGate(options.backend, gate)
  const take = async (): Promise<Papyra<Facts>> => {
    tell(hooks.onStartup, report)
    const { logId, recordsWritten } = await beginAs(backend, report, { retention, logger })
    const settings = { systemId, retention, report, clock, schemas, intake, hooks, logger }
    const store = new OpenStore<Facts>(backend, { ...settings, logId, recordsWritten })
    await store.takeUp()
    for (const schedule of startMaintenance(store, options)) store.keep(schedule)
    return store
  }
  return closingOnFailure(backend, () => telling(logger, 'papyra.store.open_failed', take))
}

async function beginAs(
  backend: Backend,
  { mode }: GateReport,
  { retention, logger }: Pick<OpenStoreOptions, 'retention' | 'logger'>,
): Promise<{ readonly logId: string; readonly recordsWritten: number }> {
  const onDamage = mode === 'ignore' || mode === 'scan_only' ? 'set_tail_aside' : 'refuse'
  const forOthers: BeginOptions['forOthers'] = {
    compact: (options) => loggedCompaction(logger, backend, options),
    scan: (options = {}) => loggedScan(logger, backend, options),
  }
  await backend.begin({ onDamage, retention, ...(logger === undefined ? {} : { forOthers }) })
  const { logId, metrics } = await backend.describe()
  if (logId === null) throw new PapyraError('internal', 'The store has begun without an id.')
  return { logId, recordsWritten: metrics.totals.recordsWritten }
}

function checkOptions({ systemId, backend }: OpenPapyraOptions): void {
  if (typeof systemId !== 'string' || systemId === '') {
    throw new PapyraError('invalid_argument', '`systemId` must be a text that is not empty.')
  }
  if (typeof backend?.open !== 'function') {
    throw new PapyraError('invalid_argument', '`backend` is not a backend definition.', {
      hint: 'Pass what a backend makes, such as `memoryBackend()` or `jsonBackend({ path })`.',
    })
  }
}

function usablePolicy(stated: RetentionPolicy | undefined): RetentionPolicy | null {
  if (stated === undefined) return null
  const policy = validatePolicy(stated)
  return isUnbounded(policy) ? null : policy
}

function gateOptions(options: OpenPapyraOptions, retention: RetentionPolicy | null): GateOptions {
  const { create, expectLogId, waitLockMs, upgrade, environment, clock } = options
  return {
    ...options.startup,
    retention,
    ...(create === undefined ? {} : { create }),
    ...(expectLogId === undefined ? {} : { expectLogId }),
    ...(waitLockMs === undefined ? {} : { waitLockMs }),
    ...(upgrade === undefined ? {} : { upgrade }),
    ...(environment === undefined ? {} : { environment }),
    ...(clock === undefined ? {} : { clock }),
  }
}
