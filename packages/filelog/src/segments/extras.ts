import type { Anomaly } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import { many } from '../scan/findings.js'
import type { Loss } from '../scan-types.js'
import { isHeadOf, type Look } from './folder.js'
import { markOfLog } from './lost-marks.js'
import type { Manifest } from './manifest.js'
import { parseSegmentName, segmentPath } from './names.js'
import { anomalyOf, namedSegments, type FoundExtras, type SegmentsJob } from './scan-job.js'
import { numbersThere } from './segment-anomalies.js'
import type { ExtraFile } from './scan-types.js'

/** A file that holds no more than a head is not longer. */
const HEAD_ONLY_BYTES = 64 * 1024
const TEMP = /^(?:manifest\.json|\d{20}-\d{8}\.ndjson(?:\.mark)?)\.[0-9a-f]{12}\.tmp$/
const MARK = /^(\d{20}-\d{8}\.ndjson)\.mark$/

export interface ExtrasQuestion {
  readonly manifest: Manifest
  /** Files that hold what the manifest names. */
  readonly claimed: ReadonlySet<string>
  /** True if all that the manifest names is there. */
  readonly allThere: boolean
  /** Files whose strangeness is told already. */
  readonly told: ReadonlySet<string>
  /** The last number that the active segment was found to answer for. */
  readonly reach?: number
}

/** What stands in the folder that the manifest does not name: traces of our own work, and the rest. */
export async function findExtras(job: SegmentsJob, question: ExtrasQuestion): Promise<FoundExtras> {
  const { folder, later } = job
  const { claimed, manifest, told } = question
  const extras: ExtraFile[] = []
  const anomalies: Anomaly[] = []
  const end = await endOfActive(job, question)
  let begun = 0
  const files = await folder.segmentFiles()
  for (const name of files) {
    if (claimed.has(name)) continue
    const look = await folder.look(name)
    const refusal = folder.refusal(name)
    if (refusal !== null) {
      // Nobody knows what it is: nothing may be done about it.
      extras.push({ path: folder.path(name), what: 'orphan' })
      anomalies.push(anomalyOf('unreadable', folder.path(name), refusal.message))
      continue
    }
    if (look === null) continue
    const sound = await folder.soundSeq(name, seedOf(manifest.logId))
    const judged = judge(name, look, sound, question)
    // A rotation begins just behind what was acknowledged: there were records in between.
    const first = judged === 'trace' && sound === null ? begunAt(name, look, manifest) : 0
    const proves = end !== null && numbersThere(manifest, end + 1, first - 1) > 0
    const what = proves ? 'orphan' : judged
    // What a living owner has made since the manifest was read, it names by now.
    if (what !== 'trace' && ((await later?.knows(name)) ?? false)) continue
    const path = folder.path(name)
    extras.push({ path, what })
    if (proves) begun = Math.max(begun, first)
    if (what === 'trace' || told.has(name)) continue
    const code = what === 'foreign' ? 'foreign_log' : 'orphan_segment'
    anomalies.push(anomalyOf(code, path, detailOf(what, look), { offset: 0, length: look.size }))
  }
  const gone = rolledBack(job, manifest, (end ?? begun) + 1, begun - 1)
  return {
    extras,
    anomalies: [...anomalies, ...gone.anomalies],
    losses: gone.losses,
    traces: tracesIn(folder.names, manifest, files).map(folder.path, folder),
  }
}

/** Up to where the active segment explains all numbers; `null` if its mark does not tell. */
async function endOfActive(
  { vfs, dir }: SegmentsJob,
  { manifest, reach = 0 }: ExtrasQuestion,
): Promise<number | null> {
  const { active, logId, nextSeq } = manifest
  const mark = await markOfLog(vfs, segmentPath(dir, active), logId)
  if (mark === null) return null
  return Math.max(mark.acked, nextSeq - 1, active.firstSeq - 1, reach)
}

/** Where a segment that a rotation began would begin; 0 if it is none. */
function begunAt(name: string, { head }: Look, manifest: Manifest): number {
  const id = parseSegmentName(name)
  if (id === null || head === null || !isHeadOf(head, manifest.logId, id)) return 0
  // What an unfinished recovery or compaction made begins where it liked.
  if (manifest.obsolete.includes(name) || id.generation > manifest.generation) return 0
  return id.firstSeq
}

/** The active segment is older than another that was begun behind it. */
function rolledBack(
  { dir }: SegmentsJob,
  manifest: Manifest,
  first: number,
  last: number,
): { readonly anomalies: readonly Anomaly[]; readonly losses: readonly Loss[] } {
  const records = numbersThere(manifest, first, last)
  if (records === 0) return { anomalies: [], losses: [] }
  const seq = { first, last }
  const detail = `A segment was begun at ${last + 1}, but this one ends at ${first - 1}. ${many(records, 'record')} missing.`
  const path = segmentPath(dir, manifest.active)
  return {
    anomalies: [anomalyOf('rolled_back', path, detail, { seq, records, loss: true })],
    losses: [{ seq, records, code: 'rolled_back' }],
  }
}

function judge(
  name: string,
  look: Look,
  sound: number | null,
  { manifest, allThere }: ExtrasQuestion,
): ExtraFile['what'] {
  const { head, size } = look
  const obsolete = manifest.obsolete.includes(name)
  // While anything is missing or damaged, what was replaced may be the last that is left of it.
  if (obsolete && (allThere || (sound === null && size <= HEAD_ONLY_BYTES))) return 'trace'
  const id = parseSegmentName(name)
  const named = namedSegments(manifest).some((one) => one.name === name)
  const fits = head === null || (id !== null && isHeadOf(head, manifest.logId, id))
  if (id !== null && !named && fits) {
    if (id.generation > manifest.generation && allThere) return 'trace'
    if (sound === null && size <= HEAD_ONLY_BYTES) return 'trace'
  }
  return head !== null && head.logId !== manifest.logId ? 'foreign' : 'orphan'
}

function detailOf(what: ExtraFile['what'], { head }: Look): string {
  if (head === null)
    return 'The manifest names no such file, and its head does not tell what it is.'
  const { logId, firstSeq, generation } = head
  if (what === 'foreign') return `A file of another log, ${logId}.`
  return `The manifest names no such file; its head says that it begins at ${firstSeq}, in generation ${generation}.`
}

/** Temporary files, marks of segments that are not the active one, and what is obsolete. */
function tracesIn(
  names: readonly string[],
  manifest: Manifest,
  segmentFiles: readonly string[],
): string[] {
  const active = namedSegments(manifest).at(-1)?.name
  return names.filter((name) => {
    if (TEMP.test(name)) return true
    const mark = MARK.exec(name)
    if (mark !== null) return mark[1] !== active
    return manifest.obsolete.includes(name) && !segmentFiles.includes(name)
  })
}
