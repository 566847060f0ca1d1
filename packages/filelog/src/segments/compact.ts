import { PapyraError, isPapyraError } from '@papyra/contracts'
import { withIo } from '../rewrite/io.js'
import { recordsIdle } from '../rewrite/ledger.js'
import { pacerOf, type Pacer } from '../scan/pacer.js'
import { requireSound, requireUnsuspected } from './compact-check.js'
import { RunLedger, withIdle, type RunFacts } from './compact-ledger.js'
import { CompactionRun, commitOrLatch, settleRun, type RunJob, type Step } from './compact-run.js'
import type {
  SegmentsCompactRequest,
  SegmentsCompactResult,
  SegmentsPlan,
  SegmentVerdict,
} from './compact-types.js'
import { verifyAfter } from './compact-verify.js'
import { describeSegments } from './describe.js'
import { tidyFolder } from './housekeeping.js'
import { ManifestKeeper, readManifestFile } from './manifest-file.js'
import type { Manifest } from './manifest.js'
import { manifestPath, sameSegment, segmentName } from './names.js'
import { nextGeneration } from './next-generation.js'
import type { ReadBack } from './read-back.js'
import { rollOver } from './roll-over.js'
import { anomaliesInSegments, refusedSegments } from './scan-facts.js'
import type { SegmentsScan } from './scan-types.js'
import type { SegmentCore } from './segment-core.js'
import { currentSegmentsScan } from './store-scan.js'
import { clearSuspects, noteSuspectOf } from './suspects.js'

type Figures = SegmentsCompactResult['before']

/**
 * Deletes what the plan does not keep; `null` if nothing has to go. Segments that go as a whole are
 * not read; what stays of the others is copied, and everything copied from is verified. Appends go
 * on meanwhile, and so do readers. Rejects with `anomalies_found` wherever something is not as the
 * manifest says; then, as after every other error, what was done until then is whole and on record,
 * and the next run goes on from there.
 */
export async function compactSegments(
  core: SegmentCore,
  request: SegmentsCompactRequest,
): Promise<SegmentsCompactResult | null> {
  core.requireOwner('compact')
  const { clock } = core.settings
  const [at, startedAt] = [clock.now(), clock.monotonic()]
  const elapsed = (): number => clock.monotonic() - startedAt
  const facts = { at, trigger: request.trigger, elapsed }
  // At rest there is none before something is to be changed.
  let keeper = core.live?.manifest ?? null
  const pacer = pacerOf(request.bytesPerSecond)
  try {
    const scan = await requireGround(core, { request, pacer })
    const plan = await request.plan()
    if (request.dryRun === true) return null
    if (plan === null || plan.verdicts.length === 0) {
      if (recordsIdle(request.trigger)) await recordIdle(core, facts)
      return null
    }
    const found = await figuresOf(core)
    requireKnown(scan?.store ?? core.live?.manifest.current, plan.verdicts)
    if (scan?.store) await tidyFolder(core.settings.vfs, scan, scan.store)
    keeper = await sealWhatIsJudged(core, scan, plan.verdicts)
    return await carryOutPlan(core, { request, pacer, scan, plan, keeper, found, facts })
  } catch (error) {
    if (keeper !== null) await noteSuspectOf(core, keeper, error)
    throw error
  } finally {
    if (keeper !== null) core.known = null
  }
}

interface Prepared {
  readonly request: SegmentsCompactRequest
  /** One for all that is read and written. */
  readonly pacer: Pacer | undefined
  /** Of a store at rest. */
  readonly scan: SegmentsScan | null
  readonly plan: SegmentsPlan
  readonly keeper: ManifestKeeper
  readonly found: Figures
  readonly facts: RunFacts
}

async function carryOutPlan(
  core: SegmentCore,
  { request, pacer, scan, plan, keeper, found, facts }: Prepared,
): Promise<SegmentsCompactResult> {
  const ledger = new RunLedger(facts)
  const { signal, onProgress } = request
  const long = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const { vfs, dir } = core.settings
  const names = await withIo('Reading', dir, () => vfs.readdir(dir))
  const generation = nextGeneration(keeper.current, names)
  const job = { ...long, core, keeper, pacer, ledger, generation }
  const rewritten = await carryOut(job, plan)
  const verified = await verifyAfter(job, rewritten)
  const after = await figuresOf(core)
  // Appends may have gone on: what the run took is known exactly.
  const records = scan?.records ?? after.records + ledger.records
  return {
    before: { ...found, records },
    after: { ...after, records: scan === null ? after.records : records - ledger.records },
    verified,
  }
}

/** Says in the history of a store that a run removed nothing; best effort, as nothing depends on it. */
async function recordIdle(core: SegmentCore, facts: RunFacts): Promise<void> {
  const { vfs, dir } = core.settings
  const there = core.live === null ? await readManifestFile(vfs, dir) : null
  const keeper =
    core.live?.manifest ??
    (there?.state === 'ok' ? new ManifestKeeper(vfs, dir, there.manifest) : null)
  if (keeper === null) return
  // What a scan knew of the folder is over.
  core.known = null
  await commitOrLatch(core, keeper, (now) => ({ ...now, history: withIdle(now, facts) })).catch(
    () => undefined,
  )
}

/** Refuses a store that is not sound; gives the scan of one at rest. */
async function requireGround(
  core: SegmentCore,
  { request, pacer }: Pick<Prepared, 'request' | 'pacer'>,
): Promise<SegmentsScan | null> {
  const { vfs, dir } = core.settings
  const { bytesPerSecond, signal } = request
  if (core.live !== null) {
    await requireSound(vfs, dir, core.live.manifest, { pacer, signal })
    return null
  }
  const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond }
  const slowly = { ...pace, ...(signal && { signal }) }
  const scan = await currentSegmentsScan(core, { coverage: 'auto', ...slowly })
  if (anomaliesInSegments(scan) > 0 || scan.store === null || scan.rebuilt) {
    throw refusedSegments(scan, 'compacted')
  }
  // A scan of every byte refutes what an owner once met; one of less does not.
  if (scan.coverage !== 'full') requireUnsuspected(dir, scan.store)
  return scan
}

async function figuresOf(core: SegmentCore): Promise<Figures> {
  const { generation, bytes, metrics } = await describeSegments(core)
  return { generation: generation ?? 0, records: metrics.totals.recordsStored, bytes }
}

function requireKnown(manifest: Manifest | undefined, verdicts: readonly SegmentVerdict[]): void {
  for (const verdict of verdicts) {
    const is = (id: Manifest['active']): boolean => sameSegment(id, verdict.segment)
    const { segments = [], active } = manifest ?? {}
    if (segments.some(is)) continue
    if (active === undefined || !is(active)) {
      const text = `There is no segment ${segmentName(verdict.segment)} any more; the plan was made of another store.`
      throw new PapyraError('stale_plan', text)
    }
    if (verdict.action === 'rewrite' || verdict.lastSeq !== undefined) continue
    const text = `${segmentName(verdict.segment)} takes appends: which number was its last must be said.`
    throw new PapyraError('invalid_argument', text)
  }
}

/** Seals the active segment if something in it goes; gives the owner of the manifest. */
async function sealWhatIsJudged(
  core: SegmentCore,
  scan: SegmentsScan | null,
  verdicts: readonly SegmentVerdict[],
): Promise<ManifestKeeper> {
  const { vfs, dir } = core.settings
  const active = (core.live?.manifest.current ?? scan?.store)?.active
  const judged =
    active !== undefined && verdicts.some(({ segment }) => sameSegment(segment, active))
  if (judged) await rollOver(core)
  if (core.live !== null) return core.live.manifest
  const there = await readManifestFile(vfs, dir)
  if (there.state === 'ok') {
    const keeper = new ManifestKeeper(vfs, dir, there.manifest)
    await clearSuspects(core, keeper)
    return keeper
  }
  const path = manifestPath(dir)
  throw new PapyraError('anomalies_found', `${path} was damaged meanwhile.`, { details: { path } })
}

function stepsOf({ segments }: Manifest, { verdicts }: SegmentsPlan): Step[] {
  return verdicts.flatMap((verdict): Step[] => {
    // One that is still active holds no record.
    const entry = segments.find((one) => sameSegment(one, verdict.segment))
    if (entry === undefined) return []
    return verdict.action === 'drop' ? [{ entry, verdict }] : [{ entry, verdict }]
  })
}

async function carryOut(job: RunJob, plan: SegmentsPlan): Promise<readonly ReadBack[]> {
  const run = new CompactionRun(job, stepsOf(job.keeper.current, plan))
  try {
    await run.carryOut()
  } catch (error) {
    // Either of two manifests may be the one on the disk: no file of theirs may go.
    if (isPapyraError(error, 'writer_latched')) throw error
    const code = isPapyraError(error) ? error.code : 'internal'
    // What is left over is taken care of by the next run, or the next owner.
    await settleRun(job, `stopped: ${code}`, null).catch(() => undefined)
    throw error
  }
  await settleRun(job, '', plan.dropped)
  return run.rewritten
}
