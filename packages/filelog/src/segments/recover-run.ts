import { join } from 'node:path'
import { PapyraError, throwIfAborted, type Progress } from '@papyra/contracts'
import { markPath } from '../format/names.js'
import { requireFree, withIo } from '../rewrite/io.js'
import { ManifestKeeper, readManifestFile } from './manifest-file.js'
import type { ActiveSegment, ClosedSegments, SealedSegment } from './manifest.js'
import { segmentPath } from './names.js'
import { keepWhatGoes, setExtrasAside } from './recover-aside.js'
import { announce, switchOver } from './recover-commit.js'
import {
  bytesToCopy,
  leavesAnything,
  makeActive,
  rewriteSegment,
  rewrittenPath,
  settleActive,
} from './recover-files.js'
import { type RecoveryJob, seedFor } from './recover-job.js'
import { measureSegment } from './recover-measure.js'
import type { SegmentStep } from './recover-plan.js'
import { removeBestEffort, removeTraces } from './recover-traces.js'

export interface CarriedOut {
  /** Files that now hold what was taken out, or the originals. */
  readonly keptAside: readonly string[]
  readonly keeper: ManifestKeeper
}

/**
 * Carries a plan out. Until the manifest is switched over there are only new files, and nothing goes
 * that was not kept aside before; it may be interrupted anywhere and run again.
 */
export async function carryOut(job: RecoveryJob): Promise<CarriedOut> {
  const { vfs, scan, plan } = job
  const rewrites = plan.steps.flatMap((step) => (step.do === 'rewrite' ? [step] : []))
  if (rewrites.length > 0) {
    const bytes = rewrites.reduce((sum, step) => sum + bytesToCopy(step), plan.bytesSetAside)
    await requireFree(vfs, join(scan.dir, 'copy'), bytes)
  }
  const made = rewrites.filter(leavesAnything).map((step) => rewrittenPath(job, step))
  if (needsActive(job)) made.push(activePath(job))
  for (const path of made) await requireNothingAt(job, path)
  const keeper = new ManifestKeeper(vfs, scan.dir, plan.store)
  const keptAside = await keepWhatGoes(job)
  // What a lost manifest named is told by what is there: that is written down before any of it goes.
  if (!plan.manifestBad) await removeTraces(vfs, scan)
  if (made.length > 0) await announce(keeper, job, made)
  if (plan.manifestBad) await removeTraces(vfs, scan)
  try {
    const moved = await makeAndSwitch(job, keeper)
    return { keptAside: [...keptAside, ...moved], keeper }
  } catch (error) {
    await removeUnlessCommitted(job, made)
    throw error
  }
}

async function makeAndSwitch(job: RecoveryJob, keeper: ManifestKeeper): Promise<string[]> {
  const { vfs, scan, plan } = job
  const segments = await sealedSegments(job)
  const { active, closed } = await activeSegment(job)
  const moved = await setExtrasAside(job)
  if (moved.length > 0) await withIo('Syncing', scan.dir, () => vfs.syncDir(scan.dir))
  throwIfAborted(job.signal)
  const stay = new Set([...segments, active].map((id) => segmentPath(scan.dir, id)))
  const obsolete = plan.steps
    .flatMap((step) => replacedBy(scan.dir, step))
    .filter((path) => !stay.has(path))
  await switchOver(keeper, job, { segments, active, closed, obsolete })
  await removeBestEffort(vfs, obsolete)
  return moved
}

/** Makes the new files of all segments that get one; gives all that the store is made of then. */
async function sealedSegments(job: RecoveryJob): Promise<SealedSegment[]> {
  const { plan, onProgress } = job
  const totalBytes = plan.steps.reduce((n, s) => n + (s.do === 'rewrite' ? bytesToCopy(s) : 0), 0)
  const segments: SealedSegment[] = []
  let done = { bytes: 0, records: 0 }
  for (const step of plan.steps) {
    throwIfAborted(job.signal)
    const { entry } = step.finding
    if (step.do === 'keep' && 'lastSeq' in entry) {
      const { stamp } = step.finding
      segments.push(stamp === undefined ? entry : { ...entry, stamp })
    }
    if (step.do !== 'rewrite' || !leavesAnything(step)) continue
    const tell = ({ doneBytes, records, phase }: Progress): void => {
      const all = { doneBytes: done.bytes + doneBytes, records: done.records + records }
      onProgress?.({ phase, totalBytes, ...all })
    }
    const segment = await rewriteSegment(job, step, tell)
    done = {
      bytes: done.bytes + bytesToCopy(step),
      records: done.records + (segment?.records ?? 0),
    }
    if (segment !== null) segments.push(segment)
  }
  return segments
}

interface ActiveAfter {
  readonly active: ActiveSegment
  /** What it is, nobody appending. */
  readonly closed: ClosedSegments
}

async function activeSegment(job: RecoveryJob): Promise<ActiveAfter> {
  const { vfs, scan, plan, now } = job
  const step = activeStep(job)
  const stays = step !== undefined && (step.do === 'keep' || step.do === 'renew') ? step : null
  if (stays !== null) await settleActive(job, stays)
  const active = stays === null ? await makeActive(job) : plan.store.active
  const path = segmentPath(scan.dir, active)
  const { stamp: _, ...measured } = await measureSegment(vfs, path, seedFor(job))
  return { active, closed: { at: now, lastSeq: plan.nextSeq - 1, ...measured } }
}

function activeStep({ plan }: RecoveryJob): SegmentStep | undefined {
  return plan.steps.find(({ finding }) => !finding.sealed)
}

/** True if nothing of the active segment stays in its place: then there is a new one. */
function needsActive(job: RecoveryJob): boolean {
  const step = activeStep(job)
  return step === undefined || step.do === 'rewrite' || step.do === 'forget'
}

function activePath({ scan, plan }: RecoveryJob): string {
  return segmentPath(scan.dir, { firstSeq: plan.nextSeq, generation: plan.generation })
}

/** What was there before is not ours to announce, to write over, or to take back after a failure. */
async function requireNothingAt({ vfs }: RecoveryJob, path: string): Promise<void> {
  for (const one of [path, markPath(path)]) {
    if ((await withIo('Looking at', one, () => vfs.stat(one))) === null) continue
    const text = `${one} came to be since the store was scanned; nothing was changed.`
    throw new PapyraError('io_error', text, { details: { path: one } })
  }
}

/** The files of a segment that its new file stands for. */
function replacedBy(dir: string, { do: what, finding }: SegmentStep): readonly string[] {
  const { path, sealed, entry } = finding
  if (what !== 'rewrite' && what !== 'forget') return []
  const mark = sealed ? [] : [markPath(segmentPath(dir, entry))]
  return what === 'rewrite' ? [path, ...mark] : mark
}

/** After a failure: if the old manifest is certainly the one that counts, the new files go again. */
async function removeUnlessCommitted(job: RecoveryJob, made: readonly string[]): Promise<void> {
  const { vfs, scan, plan } = job
  const there = await readManifestFile(vfs, scan.dir).catch(() => null)
  if (there?.state !== 'ok' || there.manifest.generation >= plan.generation) return
  await removeBestEffort(vfs, [...made, ...made.map((path) => markPath(path))])
}
