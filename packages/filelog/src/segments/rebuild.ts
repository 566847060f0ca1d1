import type { Anomaly } from '@papyra/contracts'
import { many } from '../scan/findings.js'
import { countOf, without } from '../scan/intervals.js'
import { namedLosses } from '../scan/losses.js'
import type { LogScan, Loss } from '../scan-types.js'
import { assemble } from './assemble.js'
import { findExtras } from './extras.js'
import { noStore } from './folder.js'
import type { ManifestFault } from './manifest-fault.js'
import { marksIn, provesStore, type SegmentMark } from './lost-marks.js'
import type { Manifest, ManifestResult } from './manifest.js'
import { manifestPath, parseSegmentName, segmentName, segmentPath } from './names.js'
import {
  asSealed,
  choose,
  findCandidates,
  scanAsActive,
  type Candidate,
} from './rebuild-candidates.js'
import { votedLogId } from './rebuild-log-id.js'
import { manifestOf } from './rebuild-manifest.js'
import { nothingLeft, onlyMarkLeft, type LostMark } from './rebuild-nothing.js'
import { anomalyOf, namedSegments, type FoundSegment, type SegmentsJob } from './scan-job.js'
import { misplacedAnomaly } from './segment-anomalies.js'
import type { SegmentsScan } from './scan-types.js'

/**
 * Scans a store whose manifest is gone or wrong: every file that is a segment is scanned, and a
 * manifest is made from what they say, in memory. Rejects with `store_not_found` if nothing tells
 * that there was a store.
 */
export async function scanWithoutManifest(
  job: SegmentsJob,
  result: ManifestResult,
  fault: ManifestFault | null,
): Promise<SegmentsScan> {
  const base = result.state === 'ok' && fault?.foreign !== true ? result.manifest : null
  const logId = base?.logId ?? (await votedLogId(job))
  const candidates = logId === null ? [] : await findCandidates(job, logId)
  const marks = await marksIn(job.vfs, job.folder)
  const lostMark = logId === null ? null : markBeyond(marks, logId, candidates)
  if (result.state === 'missing' && (await wasNeverMade(candidates, job, marks)))
    throw noStore(job.dir)
  const chosen = logId === null ? [] : await allButLastSealed(job, logId, choose(candidates))
  const why = fault?.detail ?? WHY[result.state]
  if (logId === null || chosen.length === 0) {
    if (lostMark === null) return nothingLeft(job, result, why)
    return onlyMarkLeft(job, { result, why, mark: lostMark, base })
  }
  const active = await scanAsActive(job, logId, chosen.at(-1) as Candidate)
  const generation = Math.max(...candidates.map((one) => one.generation))
  const scans = [active, ...chosen.map(({ scan }) => scan)]
  const ends = scans.map((scan) => Math.max(scan.knownEnd, scan.lastSeq))
  const knownEnd = Math.max(lostMark?.acked ?? 0, ...ends)
  const manifest = await manifestOf(job, base, { logId, chosen, generation, knownEnd })
  const gaps = gapsBetween(job, manifest, chosen, lostMark)
  const claimed = new Set(chosen.map(({ file }) => file))
  const told = new Set<string>()
  const question = { manifest, claimed, allThere: false, told, reach: active.lastSeq }
  const more = { offset: result.state === 'missing' ? null : 0 }
  const detail = `${why} The segments tell what was in it.${remarks(chosen, candidates)}`
  const damaged = anomalyOf('manifest_damaged', manifestPath(job.dir), detail, more)
  return assemble(job, result, {
    manifest,
    segments: foundSegments(job, manifest, chosen, active),
    extras: await findExtras(job, question),
    anomalies: [damaged, ...gaps.anomalies],
    losses: gaps.losses,
    rebuilt: true,
    foreign: fault?.foreign === true,
  })
}

/** What a person should know of the segments that were taken. */
function remarks(chosen: readonly Candidate[], candidates: readonly Candidate[]): string {
  const { firstSeq } = chosen[0] as Candidate
  const left = candidates.filter((one) => !chosen.some(({ file }) => file === one.file))
  const names = left.filter(({ scan }) => (scan.records ?? 0) > 0).map(({ file }) => file)
  const below = ` Numbers below ${firstSeq} are not there: compaction has dropped them, or nobody knows.`
  const others = ` Of segments that overlap, ${names.join(', ')} was not taken.`
  return (firstSeq > 1 ? below : '') + (names.length > 0 ? others : '')
}

async function allButLastSealed(
  job: SegmentsJob,
  logId: string,
  chosen: readonly Candidate[],
): Promise<Candidate[]> {
  const out: Candidate[] = []
  for (const one of chosen.slice(0, -1)) out.push(await asSealed(job, logId, one))
  return [...out, ...chosen.slice(-1)]
}

const WHY: Readonly<Record<ManifestResult['state'], string>> = {
  missing: 'There is no manifest.',
  damaged: 'It does not match its checksum.',
  ok: 'It does not fit to the segments.',
  newer: 'It is of a later format.',
}

/** A creation that was killed half-way leaves no store. */
async function wasNeverMade(
  candidates: readonly Candidate[],
  { folder }: SegmentsJob,
  marks: readonly SegmentMark[],
): Promise<boolean> {
  if (marks.some(provesStore)) return false
  if (candidates.some(({ firstSeq, scan }) => firstSeq > 1 || scan.lastSeq > 0)) return false
  for (const name of await folder.segmentFiles()) {
    const id = parseSegmentName(name)
    if (folder.refusal(name) !== null) return false
    // An empty one is what a creation leaves that a power cut ended.
    if (id === null || (id.firstSeq === 1 && ((await folder.stat(name))?.size ?? 0) <= 4096))
      continue
    return false
  }
  return true
}

/** The mark of a segment that is not there, if it tells of records; the furthest one. */
function markBeyond(
  marks: readonly SegmentMark[],
  logId: string,
  candidates: readonly Candidate[],
): LostMark | null {
  const there = new Set<string>(candidates.map((one) => segmentName(one)))
  let out: LostMark | null = null
  for (const { segment, name, result } of marks) {
    if (there.has(name) || result.state !== 'ok' || result.mark.logId !== logId) continue
    const acked = Math.max(result.mark.acked, segment.firstSeq - 1)
    if (acked > (out?.acked ?? 0)) out = { segment, logId, acked }
  }
  return out
}

function foundSegments(
  { dir, folder }: SegmentsJob,
  manifest: Manifest,
  chosen: readonly Candidate[],
  active: LogScan,
): FoundSegment[] {
  return namedSegments(manifest).map(({ entry, name }, i) => {
    const { file, firstSeq, lastSeq, scan: own } = chosen[i] as Candidate
    const sealed = i < chosen.length - 1
    const scan = sealed ? own : active
    const path = file === name ? segmentPath(dir, entry) : folder.path(file)
    const records = scan.records ?? 0
    const seq = records === 0 ? null : { first: firstSeq, last: lastSeq }
    const moved = file === name ? [] : [misplacedAnomaly(path, entry, seq, records)]
    const whole = scan.anomalies.length === 0
    const state = !whole ? 'damaged' : file === name ? 'sound' : 'misplaced'
    return {
      finding: { entry, sealed, path, state, scan, records, lastSeq },
      anomalies: [...moved, ...scan.anomalies],
      losses: scan.losses,
      file,
    }
  })
}

/** Numbers between segments, and behind the last, that were there: nothing tells that they were dropped. */
function gapsBetween(
  { dir }: SegmentsJob,
  { losses: recorded, skipped }: Manifest,
  chosen: readonly Candidate[],
  lostMark: LostMark | null,
): { anomalies: Anomaly[]; losses: Loss[] } {
  const anomalies: Anomaly[] = []
  const losses: Loss[] = []
  const ends = chosen.slice(1).map(({ firstSeq }) => firstSeq - 1)
  ends.push(Math.max(lostMark?.acked ?? 0, chosen.at(-1)?.lastSeq ?? 0))
  for (const [i, last] of ends.entries()) {
    const first = (chosen[i]?.lastSeq ?? 0) + 1
    if (first > last) continue
    let there = [{ first, last }]
    for (const known of [...namedLosses(recorded), ...skipped])
      there = without(there, known.first, known.last)
    for (const seq of there) {
      const records = countOf([seq])
      const detail = `${many(records, 'record')} between the segments missing, unless compaction had dropped them.`
      anomalies.push(anomalyOf('missing_segment', dir, detail, { seq, records, loss: true }))
      losses.push({ seq, records, code: 'missing_segment' })
    }
  }
  return { anomalies, losses }
}
