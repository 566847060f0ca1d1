import type { Anomaly } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import { isHeadOf, type Look } from './folder.js'
import type { Manifest } from './manifest.js'
import { parseSegmentName } from './names.js'
import { anomalyOf, namedSegments, type FoundExtras, type SegmentsJob } from './scan-job.js'
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
}

/** What stands in the folder that the manifest does not name: traces of our own work, and the rest. */
export async function findExtras(
  { folder }: SegmentsJob,
  question: ExtrasQuestion,
): Promise<FoundExtras> {
  const { claimed, manifest, told } = question
  const extras: ExtraFile[] = []
  const anomalies: Anomaly[] = []
  const files = await folder.segmentFiles()
  for (const name of files) {
    if (claimed.has(name)) continue
    const look = await folder.look(name)
    if (look === null) continue
    const sound = await folder.soundSeq(name, seedOf(manifest.logId))
    const what = judge(name, look, sound, question)
    const path = folder.path(name)
    extras.push({ path, what })
    if (what === 'trace' || told.has(name)) continue
    const code = what === 'foreign' ? 'foreign_log' : 'orphan_segment'
    anomalies.push(anomalyOf(code, path, detailOf(what, look), { offset: 0, length: look.size }))
  }
  return {
    extras,
    anomalies,
    traces: tracesIn(folder.names, manifest, files).map(folder.path, folder),
  }
}

function judge(
  name: string,
  look: Look,
  sound: number | null,
  { manifest, allThere }: ExtrasQuestion,
): ExtraFile['what'] {
  const { head, size } = look
  if (manifest.obsolete.includes(name)) return 'trace'
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
