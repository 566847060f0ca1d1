import { seedOf } from '../format/checksum.js'
import { isHeadOf } from './folder.js'
import { markOfLog } from './lost-marks.js'
import type { Manifest } from './manifest.js'
import { parseSegmentName, segmentName } from './names.js'
import { namedSegments, type SegmentsJob } from './scan-job.js'

export interface ManifestFault {
  readonly detail: string
  /** True if the manifest is of another log than all segments. */
  readonly foreign: boolean
}

/** Why a manifest that verifies is not the truth about the folder; `null` if it may be. */
export async function manifestFault(
  job: SegmentsJob,
  manifest: Manifest,
): Promise<ManifestFault | null> {
  const odd = contradiction(manifest)
  if (odd !== null) return { detail: `It contradicts itself: ${odd}.`, foreign: false }
  const other = await otherLog(job, manifest)
  if (other !== null) {
    const detail = `It is of the log ${manifest.logId}; all segments are of ${other}.`
    return { detail, foreign: true }
  }
  const newer = await laterThan(job, manifest)
  if (newer === null) return null
  return { detail: `It is older than the segments: it does not know ${newer}.`, foreign: false }
}

function contradiction(manifest: Manifest): string | null {
  let last = 0
  for (const { firstSeq, lastSeq, generation, records } of manifest.segments) {
    if (firstSeq <= last) return `the segment that begins at ${firstSeq} overlaps the one before`
    if (lastSeq < firstSeq - 1 || records > lastSeq - firstSeq + 1)
      return `the segment that begins at ${firstSeq} holds more than its numbers`
    if (generation > manifest.generation)
      return `the segment that begins at ${firstSeq} is of a later generation`
    last = Math.max(last, lastSeq)
  }
  const { active, nextSeq, clean, closed } = manifest
  if (active.firstSeq <= last) return 'the active segment begins before the sealed ones end'
  if (nextSeq < active.firstSeq) return 'the next number is below the active segment'
  return clean && closed === null ? 'it was closed, but says nothing of that' : null
}

/** The id of another log, if every segment is of that one and none of the manifest's. */
async function otherLog(job: SegmentsJob, manifest: Manifest): Promise<string | null> {
  const { folder } = job
  const ids = new Set<string>()
  // The active one first: it is read anyway, and one of ours is enough.
  for (const { name } of [...namedSegments(manifest)].reverse()) {
    if (!folder.names.includes(name)) continue
    const head = (await folder.stat(name))?.type === 'file' ? await folder.look(name) : null
    if (head?.head === null || head === null) continue
    ids.add(head.head.logId)
    if (head.head.logId === manifest.logId) return null
  }
  if (ids.size === 0) {
    for (const name of await folder.segmentFiles()) {
      const head = (await folder.look(name))?.head ?? null
      if (head !== null && parseSegmentName(name) !== null) ids.add(head.logId)
    }
  }
  const [only] = ids
  const whole = ids.size === 1 && only !== manifest.logId && (await agrees(job, only ?? ''))
  return whole ? (only ?? null) : null
}

/** True if more than one file is of that log, or one and the mark beside it is, too. */
async function agrees({ vfs, folder }: SegmentsJob, logId: string): Promise<boolean> {
  let files = 0
  for (const name of await folder.segmentFiles()) {
    const head = (await folder.look(name))?.head ?? null
    if (head?.logId !== logId) continue
    files += (await markOfLog(vfs, folder.path(name), logId)) === null ? 1 : 2
  }
  return files > 1
}

/** The name of a segment with records that came after the manifest was written; `null` if none did. */
async function laterThan(
  { folder, later }: SegmentsJob,
  manifest: Manifest,
): Promise<string | null> {
  const { active, logId, generation } = manifest
  const seed = seedOf(logId)
  const named = new Map(namedSegments(manifest).map(({ name, entry }) => [name, entry]))
  const missing = new Set(
    [...named].flatMap(([name, { firstSeq }]) => (folder.names.includes(name) ? [] : [firstSeq])),
  )
  for (const name of await folder.segmentFiles()) {
    const id = parseSegmentName(name)
    if (id === null || named.has(name) || manifest.obsolete.includes(name)) continue
    const behind = id.firstSeq > active.firstSeq
    const instead = id.generation > generation && missing.has(id.firstSeq)
    if (!behind && !instead) continue
    const head = (await folder.look(name))?.head ?? null
    if (head !== null && !isHeadOf(head, logId, id)) continue
    const seq = await folder.soundSeq(name, seed)
    if (seq === null || seq < id.firstSeq) continue
    // What a living owner has sealed or begun since the manifest was read.
    if (!((await later?.knows(name)) ?? false)) return segmentName(id)
  }
  return null
}
