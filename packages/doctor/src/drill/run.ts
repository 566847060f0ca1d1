import { tmpdir } from 'node:os'
import {
  isPapyraError,
  PapyraError,
  systemClock,
  throwIfAborted,
  type BackendDefinition,
  type Clock,
  type LongOperation,
} from '@papyra/contracts'
import { openScratch } from '../scratch/open.js'
import type { KeptReport } from '../report/ledger.js'
import { damageDrill } from './damage.js'
import { diskFullDrill } from './disk-full.js'
import { killDrill } from './kill.js'
import { digestOriginal, unchanged, type Digest } from './original.js'
import { pressureDrill } from './pressure.js'
import { restartDrill } from './restart.js'
import { Findings } from './result.js'
import { DRILLS, type Drill, type DrillName, type DrillResult, type DrillTools } from './types.js'
import { unackedDrill } from './unacked.js'

/** 256 MiB. */
export const DEFAULT_SAMPLE_BYTES = 268_435_456

const RUN: Readonly<Record<DrillName, Drill>> = {
  truncate: damageDrill('truncate'),
  'bit-flip': damageDrill('bit-flip'),
  'bad-utf8': damageDrill('bad-utf8'),
  'kill-during-compaction': killDrill,
  'disk-full': diskFullDrill,
  'retention-pressure': pressureDrill,
  'redis-restart': restartDrill,
  unacked: unackedDrill,
}

export interface DrillOptions extends LongOperation, DrillTools {
  /** Which ones. Default: all. */
  readonly drills?: readonly DrillName[]
  /** The folder for the copies. Default: the one of the system for temporary files. */
  readonly dir?: string
  /** The most bytes that one copy takes. Default 256 MiB; `Infinity` for the whole store. */
  readonly sampleBytes?: number
  /** What is left to chance is the same for the same seed. Default: of the clock. */
  readonly seed?: number
  /** How often what is left to chance is done. Default 3. */
  readonly rounds?: number
  readonly clock?: Clock
}

export interface DrillReport extends KeptReport {
  readonly backend: string
  readonly durationMs: number
  readonly seed: number
  /** 0, or 1: a drill failed, or the original is not what it was. */
  readonly exit: 0 | 1
  readonly drills: readonly DrillResult[]
  readonly original: {
    readonly before: Digest
    readonly after: Digest
    /** `null` if its owner compacted it meanwhile. */
    readonly unchanged: boolean | null
  }
}

/**
 * Breaks copies of a store for real, recovers them as the product does, and tells what was lost and what
 * was kept. The original is only read: its digest before and after is in the report. Rejects where no
 * copy can be made: `unsupported`, `io_error`, `anomalies_found`, `store_not_found`.
 */
export async function runDrills(
  definition: BackendDefinition,
  options: DrillOptions = {},
): Promise<DrillReport> {
  const { clock = systemClock, dir = tmpdir(), drills = DRILLS, signal } = options
  const { sampleBytes: sample = DEFAULT_SAMPLE_BYTES, rounds = 3 } = options
  const started = clock.monotonic()
  const at = clock.now()
  const seed = options.seed ?? at % 1_000_000
  requirePersistent(definition)
  const { logId, ...before } = await digestOriginal(definition)
  const uncopied = new Set<unknown>()
  const copy = (where = dir): ReturnType<typeof openScratch> =>
    openScratch(definition, { dir: where, sample }).catch((error: unknown) => {
      uncopied.add(error)
      throw error
    })
  const results: DrillResult[] = []
  for (const name of DRILLS.filter((one) => drills.includes(one))) {
    throwIfAborted(signal)
    const work = { ...options, copy, dir, seed, rounds, clock }
    results.push(await runOne(name, () => RUN[name](work), uncopied))
  }
  const { logId: _, ...after } = await digestOriginal(definition, before.through)
  const same = unchanged(before, after)
  const failed = results.some(({ state }) => state === 'fail') || same === false
  const proven = results.some(({ state }) => state === 'pass')
  return {
    ...{ location: definition.location, backend: definition.name, logId, at, seed },
    durationMs: Math.round(clock.monotonic() - started),
    verdict: failed ? 'fail' : proven ? 'pass' : 'unknown',
    exit: failed ? 1 : 0,
    drills: results,
    original: { before, after, unchanged: same },
  }
}

/** A step of a drill that the backend refuses is what the drill is for: it failed. */
async function runOne(
  name: DrillName,
  run: () => Promise<DrillResult>,
  uncopied: ReadonlySet<unknown>,
): Promise<DrillResult> {
  try {
    return await run()
  } catch (error) {
    if (!isPapyraError(error) || error.code === 'aborted' || uncopied.has(error)) throw error
    const findings = new Findings(name)
    findings.met([error.code])
    findings.expect('every step is done', false, `${error.code}: ${error.message}`)
    return findings.result()
  }
}

function requirePersistent({ name, capabilities }: BackendDefinition): void {
  if (capabilities.persistent) return
  throw new PapyraError('unsupported', `The backend ${name} keeps nothing that could be drilled.`)
}
