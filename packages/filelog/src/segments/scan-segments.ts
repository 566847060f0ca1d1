import { throwIfAborted, type UnreadPart } from '@papyra/contracts'
import type { Vfs } from '../vfs.js'
import { assemble, newerFormat, refusedScan } from './assemble.js'
import { findExtras } from './extras.js'
import { SegmentFinder } from './find-segments.js'
import { listFolder } from './folder.js'
import { LaterManifest } from './later-manifest.js'
import { readManifestFile } from './manifest-file.js'
import { manifestFault } from './manifest-fault.js'
import type { Manifest } from './manifest.js'
import { segmentName, segmentPath } from './names.js'
import { quickSegments } from './quick-segments.js'
import { scanWithoutManifest } from './rebuild.js'
import {
  SegmentProgress,
  type FoundStore,
  type SegmentScanOptions,
  type SegmentsJob,
} from './scan-job.js'
import type { SegmentsScan } from './scan-types.js'

/**
 * Scans a store of segments: verifies manifest and segments, names what is wrong and where, and finds
 * out what a recovery would keep and lose. Changes nothing and takes no lock. Rejects with
 * `store_not_found` if nothing in the folder says that there was a store, `not_a_log` if it is no
 * folder, `unreadable` if the system refuses, `aborted`.
 */
export async function scanSegments(
  vfs: Vfs,
  dir: string,
  options: SegmentScanOptions = {},
): Promise<SegmentsScan> {
  throwIfAborted(options.signal)
  // The manifest first: what is named there and not found was there, or was taken out since.
  const stat = await vfs.stat(dir)
  const result = stat?.type === 'directory' ? await readManifestFile(vfs, dir) : null
  const folder = await listFolder(vfs, dir)
  const living = options.ownerAlive === true && result?.state === 'ok'
  const later = living ? new LaterManifest(vfs, dir, result.manifest) : null
  const job = { vfs, dir, folder, options, later }
  if (result?.state === 'newer') {
    return refusedScan(job, result, [newerFormat(dir, result.format)])
  }
  if (result?.state !== 'ok') {
    return scanWithoutManifest(job, result ?? { state: 'missing' }, null)
  }
  const { manifest } = result
  const fault = await manifestFault(job, manifest)
  if (fault !== null) return scanWithoutManifest(job, result, fault)
  const quick = options.coverage === 'auto' ? await quickSegments(job, manifest) : null
  if (quick !== null) return assemble(job, result, quick.found, quick.unread)
  const found = await scanNamed(job, manifest)
  return assemble(job, result, found, unreadOf(found))
}

/** What went before it could be looked at was not verified, nor was what has taken its place. */
function unreadOf({ vanished, manifest }: FoundStore): UnreadPart | null {
  if (vanished === undefined || vanished.files === 0) return null
  return { ...vanished, verifiedAt: manifest.verifiedAt ?? manifest.created }
}

/** Every byte of what the manifest names, and the rest of the folder. */
async function scanNamed(job: SegmentsJob, manifest: Manifest): Promise<FoundStore> {
  const { vfs, dir, options } = job
  const active = await vfs.stat(segmentPath(dir, manifest.active))
  const total = manifest.segments.reduce((sum, { bytes }) => sum + bytes, active?.size ?? 0)
  const progress = new SegmentProgress(total, options)
  const finder = new SegmentFinder(job, manifest, progress)
  const segments = await finder.all()
  const claimed = new Set(segments.flatMap(({ file }) => (file === null ? [] : [file])))
  const missing = segments.filter(({ finding }) => finding.state === 'missing')
  // A file of another log in the place of ours is told of with what is missing there.
  const told = missing
    .filter(({ anomalies }) => anomalies.some(({ code }) => code === 'foreign_log'))
    .map(({ finding }) => segmentName(finding.entry))
  // While anything is not as it should be, what a compaction has left may be the only good copy.
  const allThere = segments.every(
    ({ finding: { state, sealed } }) =>
      state !== 'missing' && state !== 'unreadable' && !(sealed && state === 'damaged'),
  )
  const reach = segments.at(-1)?.finding.lastSeq ?? 0
  const question = { manifest, claimed, allThere, told: new Set(told), reach }
  const extras = await findExtras(job, question)
  const nothing = { anomalies: [], losses: [], rebuilt: false, foreign: false }
  return { manifest, segments, extras, ...nothing, vanished: finder.vanished }
}
