import { isPapyraError, type UnreadPart } from '@papyra/contracts'
import { scanSegment } from '../scan/scan-log.js'
import { MAX_VERIFIED_AGE_MS } from '../scan/scan-options.js'
import { findExtras } from './extras.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { segmentName, segmentPath } from './names.js'
import { lineOptions, type FoundSegment, type FoundStore, type SegmentsJob } from './scan-job.js'
import { verifySeal } from './scan-sealed.js'
import { givenOfActive } from './segment-beside.js'
import { stampOf } from './stamp.js'

export interface QuickFound {
  readonly found: FoundStore
  readonly unread: UnreadPart
}

/**
 * Looks only at what came since the last clean close: the active segment, and those sealed ones whose
 * files were touched since they were verified. `null` where that is not enough, or anything is not as
 * it should be; then everything has to be read. What it reads does not depend on how many sealed
 * segments there are that nobody touched.
 */
export async function quickSegments(
  job: SegmentsJob,
  manifest: Manifest,
): Promise<QuickFound | null> {
  try {
    return await lookQuickly(job, manifest)
  } catch (error) {
    // What may not be read is named by the scan that reads everything.
    if (isPapyraError(error, 'unreadable')) return null
    throw error
  }
}

async function lookQuickly(job: SegmentsJob, manifest: Manifest): Promise<QuickFound | null> {
  const verifiedAt = verifiedLately(job, manifest)
  if (verifiedAt === null) return null
  const { vfs, dir } = job
  const path = segmentPath(dir, manifest.active)
  if ((await vfs.stat(path))?.size !== manifest.closed?.bytes) return null
  const sealed: FoundSegment[] = []
  for (const entry of manifest.segments) {
    const stat = await vfs.stat(segmentPath(dir, entry))
    if (stat?.type !== 'file' || stat.size !== entry.bytes) return null
    const touched = entry.stamp !== stampOf(stat)
    const stamp = touched ? await stampIfSound(job, manifest, entry) : undefined
    if (touched && stamp === undefined) return null
    sealed.push(unreadSegment(dir, entry, stamp))
  }
  const scan = await scanSegment(vfs, path, givenOfActive(dir, manifest), lineOptions(job, false))
  const { closed } = manifest
  const asClosed =
    scan !== null &&
    scan.anomalies.length === 0 &&
    scan.lastSeq === closed?.lastSeq &&
    scan.records === closed.records
  if (!asClosed) return null
  const file = segmentName(manifest.active)
  const { records, lastSeq } = closed
  const finding = { entry: manifest.active, sealed: false, path, scan, records, lastSeq }
  const active: FoundSegment = {
    finding: { ...finding, state: 'sound' },
    anomalies: [],
    losses: [],
    file,
  }
  const segments = [...sealed, active]
  const claimed = new Set(segments.flatMap((one) => (one.file === null ? [] : [one.file])))
  const extras = await findExtras(job, { manifest, claimed, allThere: true, told: new Set() })
  if (extras.anomalies.length > 0) return null
  const unread = manifest.segments.filter((_, i) => sealed[i]?.finding.state === 'unread')
  const bytes = unread.reduce((sum, entry) => sum + entry.bytes, 0)
  const found = { manifest, segments, extras, anomalies: [], losses: [] }
  return {
    found: { ...found, rebuilt: false, foreign: false },
    unread: { files: unread.length, bytes, verifiedAt },
  }
}

/** When every byte was last verified, if that counts still; `null` otherwise. */
function verifiedLately({ options }: SegmentsJob, manifest: Manifest): number | null {
  const { clock, maxVerifiedAgeMs = MAX_VERIFIED_AGE_MS, ownerAlive } = options
  const { clean, closed, verifiedAt, suspect } = manifest
  if (!clean || closed === null || ownerAlive === true || clock === undefined) return null
  if (verifiedAt === null || suspect.length > 0) return null
  const age = clock.now() - verifiedAt
  // A time that lies ahead says that the clock was set back: how long ago it was nobody knows.
  return age >= 0 && age < maxVerifiedAgeMs ? verifiedAt : null
}

/** Reads a segment whose file was touched; what it looks like if its bytes are right all the same. */
async function stampIfSound(
  { vfs, dir, options }: SegmentsJob,
  { logId }: Manifest,
  entry: SealedSegment,
): Promise<string | undefined> {
  const { signal, pacer } = options
  const result = await verifySeal({ vfs, logId, signal, pacer }, segmentPath(dir, entry), entry)
  return result.state === 'sound' ? stampOf(result.stat) : undefined
}

/** A sealed segment that is as it was; with a stamp it was read. */
function unreadSegment(dir: string, entry: SealedSegment, stamp?: string): FoundSegment {
  const { records, lastSeq } = entry
  const path = segmentPath(dir, entry)
  const base = { entry, sealed: true, path, scan: null, records, lastSeq }
  return {
    finding:
      stamp === undefined ? { ...base, state: 'unread' } : { ...base, state: 'sound', stamp },
    anomalies: [],
    losses: [],
    file: segmentName(entry),
  }
}
