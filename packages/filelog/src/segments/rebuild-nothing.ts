import type { Anomaly } from '@papyra/contracts'
import { many } from '../scan/findings.js'
import { countOf, without } from '../scan/intervals.js'
import { namedLosses } from '../scan/losses.js'
import type { Loss } from '../scan-types.js'
import { assemble, refusedScan } from './assemble.js'
import { findExtras } from './extras.js'
import type { Manifest, ManifestResult } from './manifest.js'
import { manifestPath, segmentPath, type SegmentId } from './names.js'
import { blankManifest } from './rebuild-manifest.js'
import { anomalyOf, type FoundSegment, type SegmentsJob } from './scan-job.js'
import type { SegmentsScan } from './scan-types.js'

/** What the mark of a segment that is gone tells of the store. */
export interface LostMark {
  readonly segment: SegmentId
  readonly logId: string
  readonly acked: number
}

/** There is no segment at all, and nothing that tells which store it was: none can be made of that. */
export async function nothingLeft(
  job: SegmentsJob,
  result: ManifestResult,
  why: string,
): Promise<SegmentsScan> {
  const { folder, dir } = job
  const detail = `${why} No segment is there from which it could be rebuilt.`
  const anomalies = [anomalyOf('manifest_damaged', manifestPath(dir), detail)]
  for (const name of await folder.segmentFiles()) {
    const refusal = folder.refusal(name)
    if (refusal === null) continue
    anomalies.push(anomalyOf('unreadable', folder.path(name), refusal.message))
  }
  return refusedScan(job, result, anomalies)
}

/**
 * All segments are gone, but a mark tells which store it was and how far it went: with consent a
 * recovery makes it an empty one, which never gives those numbers again.
 */
export async function onlyMarkLeft(
  job: SegmentsJob,
  found: {
    readonly result: ManifestResult
    readonly why: string
    readonly mark: LostMark
    /** What an older manifest says. */
    readonly base: Manifest | null
  },
): Promise<SegmentsScan> {
  const { result, why, mark, base } = found
  const detail = `${why} No segment is there; a mark tells that there were records up to ${mark.acked}.`
  const more = { offset: result.state === 'missing' ? null : 0 }
  const manifest = emptied(base ?? blankManifest(mark.logId), mark, job)
  const extras = { manifest, claimed: new Set<string>(), allThere: false, told: new Set<string>() }
  return assemble(job, result, {
    manifest,
    segments: [goneWith(job, manifest, mark)],
    extras: await findExtras(job, extras),
    anomalies: [anomalyOf('manifest_damaged', manifestPath(job.dir), detail, more)],
    losses: [],
    rebuilt: true,
    foreign: false,
  })
}

function emptied(base: Manifest, { segment, acked }: LostMark, job: SegmentsJob): Manifest {
  const now = job.options.clock?.now() ?? Date.now()
  return {
    ...base,
    created: base.created === 0 ? now : base.created,
    generation: Math.max(base.generation, segment.generation),
    clean: false,
    closed: null,
    nextSeq: Math.max(base.nextSeq, acked + 1),
    segments: [],
    active: { ...segment, created: now },
    obsolete: [],
    suspect: [],
    verifiedAt: null,
  }
}

/** Everything that was ever acknowledged, as one segment that is missing. */
function goneWith({ dir }: SegmentsJob, manifest: Manifest, { acked }: LostMark): FoundSegment {
  const { active: entry, losses: recorded, skipped } = manifest
  const last = Math.max(acked, manifest.nextSeq - 1)
  let there = [{ first: 1, last }]
  for (const { first, last: end } of [...namedLosses(recorded), ...skipped]) {
    there = without(there, first, end)
  }
  const path = segmentPath(dir, entry)
  const anomalies: Anomaly[] = []
  const losses: Loss[] = []
  for (const seq of there) {
    const records = countOf([seq])
    const detail = `All segments are gone: ${many(records, 'record')} missing, unless compaction had dropped some.`
    anomalies.push(anomalyOf('missing_segment', path, detail, { seq, records, loss: true }))
    losses.push({ seq, records, code: 'missing_segment' })
  }
  const base = { entry, sealed: false, path, scan: null, records: 0, lastSeq: last }
  return { finding: { ...base, state: 'missing' }, anomalies, losses, file: null }
}
