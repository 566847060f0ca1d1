import { FORMAT } from '../format/head.js'
import { seedOf } from '../format/checksum.js'
import { markPath } from '../format/names.js'
import { newSidecar } from '../format/sidecar.js'
import type { LogScan } from '../scan-types.js'
import type { Given } from '../scan/open-log.js'
import { scanSegment } from '../scan/scan-log.js'
import { headFitsName, type Look } from './folder.js'
import { parseSegmentName, segmentName, segmentPath, type SegmentId } from './names.js'
import { lineOptions, type SegmentsJob } from './scan-job.js'

/** A file that may be a segment of the store. */
export interface Candidate extends SegmentId {
  readonly file: string
  readonly look: Look
  readonly scan: LogScan
  /** The last number that it answers for. */
  readonly lastSeq: number
}

/** All files that say that they are segments of the log, scanned line by line. */
export async function findCandidates(job: SegmentsJob, logId: string): Promise<Candidate[]> {
  const { folder } = job
  const out: Candidate[] = []
  for (const file of await folder.segmentFiles()) {
    const look = await folder.look(file)
    const id = look === null ? null : await idOf(job, file, look, logId)
    if (look === null || id === null) continue
    const scan = await scanCandidate(job, logId, { ...id, file, look })
    if (scan?.state !== 'checksummed' || scan.identity?.logId !== logId) continue
    const { lastSeq } = scan
    out.push({ ...id, file, look, scan, lastSeq: Math.max(lastSeq, id.firstSeq - 1) })
  }
  return out
}

/** Which segment a file is: its head tells, or where that is gone its name, if its records agree. */
async function idOf(
  { folder }: SegmentsJob,
  file: string,
  { head }: Look,
  logId: string,
): Promise<SegmentId | null> {
  const name = parseSegmentName(file)
  const seq = await folder.soundSeq(file, seedOf(logId))
  const byName = name !== null && seq !== null && seq >= name.firstSeq ? name : null
  if (head?.logId !== logId) return byName
  if (seq !== null && seq < head.firstSeq) return byName
  return { firstSeq: head.firstSeq, generation: head.generation }
}

async function scanCandidate(
  job: SegmentsJob,
  logId: string,
  candidate: Pick<Candidate, 'file' | 'look' | 'firstSeq' | 'generation'>,
): Promise<LogScan | null> {
  const { vfs, folder, dir } = job
  const marked = folder.names.includes(markPath(segmentName(candidate)))
  const given = givenOf(dir, logId, candidate, marked)
  const path = folder.path(candidate.file)
  return scanSegment(vfs, path, given, lineOptions(job, job.options.ownerAlive === true && marked))
}

/** Scans the segment that is to be the active one by what stands beside it: its mark, if it has one. */
export async function scanAsActive(
  job: SegmentsJob,
  logId: string,
  candidate: Candidate,
): Promise<LogScan> {
  const { vfs, folder, dir, options } = job
  if (folder.names.includes(markPath(segmentName(candidate)))) return candidate.scan
  const given = givenOf(dir, logId, candidate, true)
  const path = folder.path(candidate.file)
  const scan = await scanSegment(vfs, path, given, lineOptions(job, options.ownerAlive === true))
  return scan ?? candidate.scan
}

/**
 * Judges a segment that another one follows: all its numbers were acknowledged, so what is missing
 * among them is lost.
 */
export async function asSealed(
  job: SegmentsJob,
  logId: string,
  candidate: Candidate,
): Promise<Candidate> {
  if (candidate.scan.anomalies.length === 0) return candidate
  const { vfs, folder, dir } = job
  const given = givenOf(dir, logId, candidate, false)
  const { lastSeq } = candidate
  const acked = Math.max(lastSeq, given.mark?.acked ?? 0)
  const sidecar = { ...given.sidecar, nextSeq: acked + 1 }
  const mark = given.mark === null ? null : { ...given.mark, acked, synced: acked }
  const path = folder.path(candidate.file)
  const scan = await scanSegment(vfs, path, { ...given, sidecar, mark }, lineOptions(job, false))
  return scan === null ? candidate : { ...candidate, scan }
}

/** What is known of a segment without a manifest. */
function givenOf(
  dir: string,
  logId: string,
  { look, firstSeq, generation }: Pick<Candidate, 'look' | 'firstSeq' | 'generation'>,
  marked: boolean,
): Given {
  const { head, size } = look
  const own = head?.logId === logId && head.firstSeq === firstSeq ? head : null
  const acked = Math.max(firstSeq, own?.nextSeq ?? 0) - 1
  const base = newSidecar({ logId, generation, created: own?.created ?? 0, format: FORMAT })
  const compactedThrough = own?.compactedThrough ?? 0
  const region = { records: own?.records ?? 0, bytes: 0, lastSeq: compactedThrough }
  // Who had it open is not known: what was never marked is not proven.
  const opened = { at: 0, bootId: '', pid: 0, hostname: '' }
  const figures = { nextSeq: acked + 1, compactedThrough, region, opened, clean: !marked }
  return {
    sidecar: { ...base, ...figures },
    mark: marked ? null : { logId, generation, turn: 1, acked, synced: acked, offset: size },
    markOf: segmentPath(dir, { firstSeq, generation }),
    firstSeq,
    blockBytes: own?.blockBytes ?? 4 * 1024 * 1024,
  }
}

/**
 * Which candidates make up the store, in order. Of those that overlap the lower generation is taken
 * if it verifies whole, so that nothing is lost that a compaction may have been about to drop; else
 * one that does; else the higher. What ends before the copy that was made of it does is not whole:
 * it is an older state of the segment.
 */
export function choose(candidates: readonly Candidate[]): Candidate[] {
  const older = new Set(candidates.filter((one) => candidates.some((copy) => isBefore(one, copy))))
  const whole = (one: Candidate): boolean => one.scan.anomalies.length === 0 && !older.has(one)
  const fits = (one: Candidate): number => (headFitsName(one.file, one.look.head) ? 0 : 1)
  const order = [...candidates].sort((a, b) => {
    if (whole(a) !== whole(b)) return whole(a) ? -1 : 1
    const generations = a.generation - b.generation
    if (generations !== 0) return whole(a) ? generations : -generations
    return a.firstSeq - b.firstSeq || fits(a) - fits(b)
  })
  const chosen: Candidate[] = []
  const holds = ({ scan }: Candidate): boolean => (scan.records ?? 0) > 0 || scan.losses.length > 0
  for (const one of order.filter(holds)) {
    if (!chosen.some((other) => overlap(one, other))) chosen.push(one)
  }
  chosen.sort((a, b) => a.firstSeq - b.firstSeq)
  // An empty one counts only as the active segment: then it is the last.
  const end = chosen.at(-1)?.lastSeq ?? 0
  const empty = order.filter((one) => !holds(one) && one.firstSeq > end)
  const last = empty.sort((a, b) => a.firstSeq - b.firstSeq || fits(a) - fits(b))[0]
  return last === undefined ? chosen : [...chosen, last]
}

/** True if a rewritten copy of the same segment goes further. */
function isBefore(one: Candidate, copy: Candidate): boolean {
  if (copy.firstSeq !== one.firstSeq || copy.generation <= one.generation) return false
  return reachOf(copy) > one.lastSeq
}

/** The last number that a candidate, or what it was made of, held. */
function reachOf({ look: { head }, firstSeq, generation, scan, lastSeq }: Candidate): number {
  const fits =
    head !== null &&
    head.logId === scan.identity?.logId &&
    head.firstSeq === firstSeq &&
    head.generation === generation
  return fits ? Math.max(head.compactedThrough, head.nextSeq - 1, lastSeq) : lastSeq
}

function overlap(a: Candidate, b: Candidate): boolean {
  return a.firstSeq <= b.lastSeq && b.firstSeq <= a.lastSeq
}
