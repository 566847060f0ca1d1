import type { ScanOptions, ScanReport } from '@papyra/contracts'
import { join } from 'node:path'
import { pacerOf } from '../scan/pacer.js'
import type { Vfs } from '../vfs.js'
import { readManifestFile } from './manifest-file.js'
import type { Manifest, ManifestResult } from './manifest.js'
import { segmentName, segmentPath } from './names.js'
import { segmentsOwner } from './owner.js'
import { anomaliesInSegments } from './scan-facts.js'
import type { SegmentScanOptions, VerifiedFile } from './scan-job.js'
import { scanSegments } from './scan-segments.js'
import type { SegmentsScan } from './scan-types.js'
import type { KnownSegments, SegmentCore } from './segment-core.js'

/** How often a scan is taken again because a living owner went on meanwhile. */
const MOST_TRIES = 10

/** Scans; the owner counts the run and remembers what it saw. */
export async function scanSegmentStore(
  core: SegmentCore,
  options: ScanOptions = {},
): Promise<SegmentsScan> {
  core.requireOpen()
  const { lock, settings, live } = core
  try {
    const began = settings.clock.now()
    const fingerprint = lock !== null && live === null ? await fingerprintOf(settings) : ''
    const scan = await scanSettled(core, options)
    if (lock !== null) {
      core.countScan(scan.anomalyCounts)
      if (live === null) core.known = { scan, fingerprint, began }
      else if (core.live !== null) await noteVerified(core, scan, began)
    }
    return scan
  } catch (error) {
    if (lock !== null) core.countError('scanErrors', error)
    throw error
  }
}

/**
 * Scans, and once more where a living owner changed the manifest meanwhile and something looked
 * wrong, or went before it was verified; then only what was not verified is read. What still looks
 * wrong after several times is told as it was found.
 */
async function scanSettled(core: SegmentCore, options: ScanOptions): Promise<SegmentsScan> {
  const { vfs, dir, clock } = core.settings
  const { coverage = 'full', bytesPerSecond, maxVerifiedAgeMs, maxAnomalies = 1000 } = options
  const { signal, onProgress } = options
  const verified = new Map<string, VerifiedFile>()
  const base = { coverage, maxVerifiedAgeMs, maxAnomalies, signal, onProgress, clock, verified }
  const what: SegmentScanOptions = { ...base, pacer: pacerOf(bytesPerSecond) }
  for (let tries = 1; ; tries++) {
    const before = editOf(await readManifestFile(vfs, dir).catch(() => null))
    const ownerAlive = await isAlive(core)
    const scan = await scanSegments(vfs, dir, { ...what, ownerAlive })
    const atRest = core.lock !== null && core.live === null
    const missed = ownerAlive && scan.unread !== null
    if (atRest || tries >= MOST_TRIES || (anomaliesInSegments(scan) === 0 && !missed)) return scan
    const after = await readManifestFile(vfs, dir).catch(() => null)
    const same = before !== null && before === editOf(after)
    if (same && ownerAlive === (await isAlive(core))) return scan
    if (!missed && after?.state === 'ok' && stillNamed(scan, after.manifest)) return scan
  }
}

/** True if all that is wrong is about sealed segments that a later manifest names too: it stays wrong. */
function stillNamed({ anomalies, anomalyCounts, dir }: SegmentsScan, later: Manifest): boolean {
  const total = Object.values(anomalyCounts).reduce((sum, n) => sum + n, 0)
  const paths = new Set(later.segments.map((entry) => segmentPath(dir, entry)))
  return total === anomalies.length && anomalies.every(({ path }) => paths.has(path))
}

async function isAlive({ lock, live, settings }: SegmentCore): Promise<boolean> {
  if (lock !== null) return live !== null
  return (await segmentsOwner(settings.vfs, settings.dir)) !== null
}

/** Which manifest is in place; `null` if it cannot be told. */
function editOf(read: ManifestResult | null): string | null {
  if (read?.state !== 'ok') return read?.state ?? null
  const { logId, edit } = read.manifest
  return `${logId} ${edit}`
}

/** What the folder looks like: if it is the same, nothing was changed in between. */
export async function fingerprintOf({
  vfs,
  dir,
}: {
  readonly vfs: Vfs
  readonly dir: string
}): Promise<string> {
  const names = await vfs.readdir(dir).catch(() => [])
  const parts: string[] = []
  for (const name of names.sort()) {
    if (name === 'store.lock' || name === 'store.sock') continue
    const stat = await vfs.stat(join(dir, name))
    if (stat === null) continue
    const { type, inode, size, mtimeNs, ctimeNs } = stat
    parts.push(`${name} ${type} ${inode} ${size} ${mtimeNs} ${ctimeNs}`)
  }
  return parts.join('\n')
}

/** The scan made under the lock if nothing has changed since, else a new one. */
export async function currentSegmentsScan(
  core: SegmentCore,
  options: ScanOptions,
): Promise<SegmentsScan> {
  const { known, settings } = core
  const enough = known !== null && (options.coverage === 'auto' || known.scan.coverage === 'full')
  if (enough && (await isCurrent(known, settings))) return known.scan
  return scanSegmentStore(core, options)
}

async function isCurrent(
  { fingerprint }: KnownSegments,
  settings: SegmentCore['settings'],
): Promise<boolean> {
  return fingerprint === (await fingerprintOf(settings))
}

/** The owner records when every byte was sound, or which segments were not. */
async function noteVerified(core: SegmentCore, scan: SegmentsScan, began: number): Promise<void> {
  const { live } = core
  if (live === null || scan.coverage !== 'full') return
  const clean = anomaliesInSegments(scan) === 0
  const damaged = scan.segments.flatMap(({ sealed, state, entry }) =>
    sealed && state !== 'sound' ? [segmentName(entry)] : [],
  )
  const change = (now: Manifest): Manifest => {
    if (clean) return { ...now, verifiedAt: began, suspect: [] }
    const named = new Set<string>(now.segments.map((entry) => segmentName(entry)))
    const suspect = new Set([...now.suspect, ...damaged].filter((name) => named.has(name)))
    return { ...now, verifiedAt: null, suspect: [...suspect] }
  }
  const { suspect, verifiedAt } = live.manifest.current
  if (!clean && verifiedAt === null && damaged.every((name) => suspect.includes(name))) return
  // The report counts, whether or not it can be recorded; a manifest that cannot be told any more
  // stops the store at the next rotation.
  await live.manifest.commit(change).catch(() => undefined)
}

/** The report of a scan that took since `startedAt` (monotonic, ms). */
export function segmentsReport(
  core: SegmentCore,
  scan: SegmentsScan,
  startedAt: number,
): ScanReport {
  const { backend, clock } = core.settings
  const { store, anomalies, anomalyCounts, notices, lastSeq, losses, lines, foreign } = scan
  const anomaliesTotal = anomaliesInSegments(scan)
  return {
    backend,
    location: scan.dir,
    logId: store?.logId ?? null,
    generation: store?.generation ?? null,
    coverage: scan.coverage,
    unread: scan.unread,
    clean: anomaliesTotal === 0,
    anomalies,
    anomalyCounts: { ...anomalyCounts },
    anomaliesTotal,
    notices,
    records: scan.records,
    bytes: scan.bytes,
    firstSeq: scan.firstSeq,
    lastSeq: lastSeq === 0 ? null : lastSeq,
    unproven: scan.unproven,
    losses: store?.losses ?? [],
    consent: { acceptLoss: losses.length > 0, force: foreign || lines.bad * 2 > lines.total },
    durationMs: clock.monotonic() - startedAt,
  }
}
