import { basename } from 'node:path'
import { isPapyraError, type HistoryEntry } from '@papyra/contracts'
import { addCounts, countAppends, withEntry, withLosses } from '../rewrite/ledger.js'
import type { ManifestKeeper } from './manifest-file.js'
import type { ActiveSegment, ClosedSegments, Manifest, SealedSegment } from './manifest.js'
import { segmentName } from './names.js'
import type { RecoveryJob } from './recover-job.js'

/** What the store is made of once the recovery is committed. */
export interface Recovered {
  readonly segments: readonly SealedSegment[]
  readonly active: ActiveSegment
  readonly closed: ClosedSegments
  /** Paths of files that the store no longer needs. */
  readonly obsolete: readonly string[]
}

/**
 * Says in the manifest which files are about to be made: whoever finds them after an interruption
 * knows them for traces. What the store is made of stays as it was. A manifest that was rebuilt is
 * written with this, and must not hide what is still to be done: it takes damaged segments for no
 * more than they are, and what is missing between segments is on record from now on.
 */
export async function announce(
  keeper: ManifestKeeper,
  { plan }: RecoveryJob,
  paths: readonly string[],
): Promise<void> {
  const names = paths.map((path) => basename(path))
  const damaged = new Set(
    plan.steps.flatMap(({ do: what, finding }) =>
      what === 'rewrite' && finding.state === 'damaged' ? [segmentName(finding.entry)] : [],
    ),
  )
  const bad = plan.manifestBad
  await commit(keeper, (now) => ({
    ...now,
    obsolete: [...new Set([...now.obsolete, ...names])],
    segments: bad ? now.segments.map((entry) => unsealed(entry, damaged)) : now.segments,
    losses: bad ? withLosses(now.losses, plan.lossesBetween) : now.losses,
  }))
}

/** A rebuilt entry of a damaged segment: no checksum may vouch for the damage. */
function unsealed(entry: SealedSegment, damaged: ReadonlySet<string>): SealedSegment {
  return damaged.has(segmentName(entry)) ? { ...entry, checksum: '' } : entry
}

/** The commit that switches the store over to what was recovered. */
export async function switchOver(
  keeper: ManifestKeeper,
  job: RecoveryJob,
  recovered: Recovered,
): Promise<Manifest> {
  const { plan, now: at } = job
  const entry = historyEntry(job)
  const { segments, active, closed, obsolete } = recovered
  return commit(keeper, (now) => ({
    ...now,
    generation: plan.generation,
    segments,
    active,
    clean: true,
    closed,
    nextSeq: plan.nextSeq,
    obsolete: obsolete.map((path) => basename(path)),
    suspect: [],
    history: withEntry(now.history, entry),
    losses: withLosses(now.losses, plan.losses),
    totals: totalsAfter(job, now, closed),
    // Every byte was read: what stays by the scan, what is new when it was read back.
    verifiedAt: at,
  }))
}

/** Takes back that the store was verified, for one that was not found clean afterwards. */
export async function withdrawVerified(
  keeper: ManifestKeeper,
  verifiedAt: number | null,
): Promise<void> {
  await commit(keeper, (now) => ({ ...now, verifiedAt }))
}

/** Nobody appends meanwhile, so a commit of which nothing is known is an error like any other. */
async function commit(
  keeper: ManifestKeeper,
  change: (now: Manifest) => Manifest,
): Promise<Manifest> {
  try {
    return await keeper.commit(change)
  } catch (error) {
    throw isPapyraError(error, 'writer_latched') && isPapyraError(error.cause) ? error.cause : error
  }
}

function historyEntry({ scan, plan, now, elapsed }: RecoveryJob): HistoryEntry {
  const found = Object.entries(scan.anomalyCounts).map(([code, n]) => `${code}: ${n}`)
  const open = scan.unproven === null ? [] : [`unproven after ${scan.unproven.after}`]
  return {
    what: 'recovery',
    at: now,
    generation: plan.generation,
    recordsRemoved: recordsLost(plan),
    bytesRemoved: plan.bytesSetAside,
    detail: [...found, ...open].join(', '),
    durationMs: elapsed(),
  }
}

function recordsLost({ losses }: RecoveryJob['plan']): number {
  return losses.reduce((sum, { records }) => sum + records, 0)
}

function totalsAfter(job: RecoveryJob, now: Manifest, closed: ClosedSegments): Manifest['totals'] {
  const { scan, plan, counts } = job
  const found = scan.segments.find(({ sealed }) => !sealed)?.scan
  const offset = found?.soundEnd ?? now.totals.countedBytes
  const before = countAppends(now.totals, { seq: scan.lastSeq, offset })
  const outcomes = { recoveries: 1, recordsLost: recordsLost(plan) }
  return {
    values: addCounts(addCounts(before.values, counts), outcomes),
    countedSeq: Math.max(before.countedSeq, plan.nextSeq - 1),
    countedBytes: closed.bytes,
  }
}
