import { isPapyraError, type OwnerInfo, type ScanOptions, type ScanReport } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import { pacerOf } from '../scan/pacer.js'
import { toScanReport } from '../scan/report.js'
import { scanLog } from '../scan/scan-log.js'
import type { Vfs, VfsStat } from '../vfs.js'
import { probeOwner } from '../write/probe-owner.js'
import { readHead } from './read-head.js'
import type { StoreCore } from './store-core.js'
import { noteVerified } from './verified.js'

/** How often a scan begins again because the log was replaced meanwhile. */
const MOST_TRIES = 5

export function anomaliesIn(scan: LogScan): number {
  return Object.values(scan.anomalyCounts).reduce((sum, n) => sum + n, 0)
}

/** Scans; the owner counts the run and remembers what it saw. */
export async function scanStore(core: StoreCore, options: ScanOptions = {}): Promise<LogScan> {
  core.requireOpen()
  const { lock, settings } = core
  try {
    const stat = await settings.vfs.stat(settings.log)
    const began = settings.clock.now()
    const scan = await scanSettled(core, options)
    if (lock !== null) {
      core.countScan(scan.anomalyCounts)
      if (core.live === null) core.known = { scan, stat }
      if (scan.coverage === 'full') await noteVerified(core, anomaliesIn(scan) === 0 ? began : null)
    }
    return scan
  } catch (error) {
    if (lock !== null) core.countError('scanErrors', error)
    throw error
  }
}

/** Scans, and once more if somebody replaced the log meanwhile. */
async function scanSettled(core: StoreCore, options: ScanOptions): Promise<LogScan> {
  for (let tries = 1; ; tries++) {
    const scan = await scanOnce(core, options)
    if (core.lock !== null || tries >= MOST_TRIES) return scan
    const generation = await generationOf(core)
    if (generation === null || scan.head === null || generation === scan.head.generation)
      return scan
  }
}

async function scanOnce(core: StoreCore, options: ScanOptions): Promise<LogScan> {
  const { vfs, log, clock } = core.settings
  const owner = core.lock === null ? (await ownerOf(vfs, log)) !== null : core.live !== null
  const { coverage = 'full', maxVerifiedAgeMs, maxAnomalies = 1000, signal, onProgress } = options
  const pacer = pacerOf(options.bytesPerSecond)
  const what = { coverage, maxVerifiedAgeMs, maxAnomalies, ownerAlive: owner, pacer }
  return scanLog(vfs, log, { ...what, signal, onProgress, clock })
}

/** Who holds the store; `null` also where the system has no locks to look at: reading needs none. */
export async function ownerOf(vfs: Vfs, log: string): Promise<OwnerInfo | null> {
  try {
    return await probeOwner(vfs, log)
  } catch (error) {
    if (isPapyraError(error, 'lock_unavailable')) return null
    throw error
  }
}

async function generationOf(core: StoreCore): Promise<number | null> {
  const { vfs, log } = core.settings
  const file = await vfs.open(log, 'read').catch(() => null)
  if (file === null) return null
  try {
    return (await readHead(file))?.head.generation ?? null
  } finally {
    await file.close()
  }
}

/** The scan that was made under the lock if the log has not changed since, else a new one. */
export async function currentScan(
  core: StoreCore,
  options: ScanOptions & { readonly coverage: 'full' | 'auto' },
): Promise<LogScan> {
  const { known, settings } = core
  if (known !== null && (options.coverage === 'auto' || known.scan.coverage !== 'quick')) {
    if (unchanged(known.stat, await settings.vfs.stat(settings.log))) return known.scan
  }
  return scanStore(core, options)
}

function unchanged(a: VfsStat | null, b: VfsStat | null): boolean {
  if (a === null || b === null) return a === b
  return (
    a.inode === b.inode && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
  )
}

/** The report of a scan that took since `startedAt` (monotonic, ms). */
export function reportOf(core: StoreCore, scan: LogScan, startedAt: number): ScanReport {
  const { backend, clock } = core.settings
  return toScanReport(scan, { backend, durationMs: clock.monotonic() - startedAt })
}
