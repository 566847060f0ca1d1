import { tmpdir } from 'node:os'
import {
  systemClock,
  type BackendDefinition,
  type Clock,
  type LongOperation,
  type RetentionPolicy,
} from '@papyra/contracts'
import { countStates, type Check, type CheckCounts } from '../check.js'
import { DEFAULT_SAMPLE_BYTES } from '../drill/run.js'
import type { KeptReport } from '../report/ledger.js'
import { openScratch } from '../scratch/open.js'
import { compactionCheck } from './compaction.js'
import { recoveryCheck, retentionCheck, scanCheck, startupCheck } from './checks.js'
import { metricsCheck } from './metrics.js'
import type { GateSettings, GateWork } from './work.js'

export interface ReleaseGateOptions extends LongOperation {
  readonly settings: GateSettings
  /** Compact the store itself, not a copy of it alone. Default false. */
  readonly apply?: boolean
  /** The folder for the copies. Default: the one of the system for temporary files. */
  readonly dir?: string
  /** The most bytes that one copy takes. Default 256 MiB. */
  readonly sampleBytes?: number
  readonly clock?: Clock
}

export interface ReleaseGateReport extends KeptReport {
  readonly backend: string
  readonly environment: string
  readonly applied: boolean
  readonly durationMs: number
  /** 0 only if every check passes; what is unknown is no pass. */
  readonly exit: 0 | 1
  readonly checks: readonly Check[]
  readonly counts: CheckCounts
}

/**
 * The gate before a release: a scan, a compaction (of a copy, unless it is to be applied), the numbers of
 * the store against a recount, the retention, a failure recovered on a copy, and the check of a start.
 * Writes nothing to the store unless `apply` says so. Rejects where the store cannot be opened.
 */
export async function runReleaseGate(
  definition: BackendDefinition,
  options: ReleaseGateOptions,
): Promise<ReleaseGateReport> {
  const { settings, apply = false, clock = systemClock, dir = tmpdir(), signal } = options
  const { sampleBytes: sample = DEFAULT_SAMPLE_BYTES, onProgress } = options
  const started = clock.monotonic()
  const at = clock.now()
  const { logId, policy } = await recorded(definition, settings.retention)
  const work: GateWork = {
    ...{ definition, settings, policy, apply, clock, dir },
    copy: (where = dir) => openScratch(definition, { dir: where, sample }),
    long: { ...(signal && { signal }), ...(onProgress && { onProgress }) },
  }
  const checks: Check[] = []
  // One after the other: what one finds must not be of the other's making.
  for (const check of [scanCheck, retentionCheck, compactionCheck, metricsCheck]) {
    checks.push(await check(work))
  }
  checks.push(await recoveryCheck(work), await startupCheck(work))
  const counts = countStates(checks)
  const good = counts.fail + counts.unknown === 0
  return {
    ...{ location: definition.location, backend: definition.name, logId, at },
    ...{ environment: settings.environment, applied: apply, checks, counts },
    durationMs: Math.round(clock.monotonic() - started),
    verdict: good ? 'pass' : 'fail',
    exit: good ? 0 : 1,
  }
}

/** The policy in force, and which store it is. */
async function recorded(
  definition: BackendDefinition,
  configured: RetentionPolicy | null,
): Promise<{ readonly logId: string | null; readonly policy: RetentionPolicy | null }> {
  const backend = await definition.open({ access: 'read', create: 'never' })
  try {
    const { logId, retention } = await backend.describe()
    return { logId, policy: configured ?? retention }
  } finally {
    await backend.close()
  }
}
