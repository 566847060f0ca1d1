import {
  PapyraError,
  type MetricKey,
  type MetricsSnapshot,
  type StoreDescription,
} from '@papyra/contracts'
import { addCounts, countAppends, withEntry } from '../rewrite/ledger.js'
import { COUNTERS, byCode, fullValues } from '../rewrite/metric-values.js'
import { describedSegments, describedByName } from './described-segments.js'
import { type Glance, glance } from './glance.js'
import { logIdIn } from './log-id.js'
import { ManifestKeeper } from './manifest-file.js'
import type { Manifest } from './manifest.js'
import { segmentsOwner } from './owner.js'
import type { SegmentCore } from './segment-core.js'

/** Describes the store; see `Backend.describe`. */
export async function describeSegments(core: SegmentCore): Promise<StoreDescription> {
  core.requireOpen()
  const { vfs, dir, backend } = core.settings
  const seen = await glance(core)
  const { manifest } = seen
  const segments =
    manifest === null
      ? await describedByName(vfs, dir)
      : describedSegments(dir, manifest, { ...seen.reach, bytes: seen.activeBytes })
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  return {
    backend,
    location: dir,
    exists: segments.length > 0 || manifest !== null,
    format: 'checksummed',
    logId: manifest?.logId ?? (await logIdIn(vfs, dir)),
    generation: manifest?.generation ?? null,
    createdAt: manifest?.created ?? null,
    clean: core.live !== null ? false : (manifest?.clean ?? null),
    bytes,
    lastSeq: manifest === null ? null : seen.reach.seq,
    retention: manifest?.retention ?? null,
    compactedThrough: manifest === null ? 0 : compactedThroughOf(manifest),
    history: manifest?.history ?? [],
    losses: manifest?.losses ?? [],
    metrics: snapshotOf(core, seen),
    owner: core.lock === null ? await segmentsOwner(vfs, dir) : ownSelf(core),
    verifiedAt: manifest?.verifiedAt ?? null,
    segments,
  }
}

function ownSelf(core: SegmentCore): StoreDescription['owner'] {
  const { pid, hostname } = core.settings.vfs.host
  return { pid, host: hostname, since: core.opened.wall }
}

/** Up to here numbers may be missing because compaction took them. */
function compactedThroughOf({ segments, active }: Manifest): number {
  const first = (segments[0] ?? active).firstSeq - 1
  return Math.max(first, ...segments.map(({ compactedThrough }) => compactedThrough))
}

function snapshotOf(core: SegmentCore, { manifest, reach, activeBytes }: Glance): MetricsSnapshot {
  const sealed = manifest?.segments ?? []
  const gauges = {
    recordsStored: sealed.reduce((sum, { records }) => sum + records, reach.records),
    bytesStored: sealed.reduce((sum, { bytes }) => sum + bytes, activeBytes),
  }
  const counted = manifest === null ? {} : countAppends(manifest.totals, reach).values
  const counts = addCounts(counted, core.counts)
  const totals = fullValues({ ...counts, ...gauges })
  const baseline = manifest?.baseline?.values ?? {}
  const since: { [K in MetricKey]: number } = { ...totals }
  for (const key of COUNTERS) since[key] = totals[key] - (baseline[key] ?? 0)
  const resetAt = manifest?.baseline?.at ?? null
  const createdAt = manifest?.created ?? null
  return { totals, sinceReset: since, createdAt, resetAt, byCode: byCode(counts) }
}

/** Records the present totals as the baseline; see `Backend.resetMetrics`. */
export async function resetSegmentsMetrics(core: SegmentCore): Promise<MetricsSnapshot> {
  core.requireOwner('resetMetrics')
  const { vfs, dir, clock } = core.settings
  const seen = await glance(core)
  if (seen.manifest === null) {
    throw new PapyraError('anomalies_found', `${dir} has no sound manifest to keep a reset in.`, {
      details: { path: dir },
    })
  }
  const keeper = core.live?.manifest ?? new ManifestKeeper(vfs, dir, seen.manifest)
  const at = clock.now()
  const counts = core.takeCounts()
  try {
    await keeper.commit((now) => {
      // Appends and rotations go on: what is reset is what the manifest says by now.
      const reach = core.live?.rotator.reach(now) ?? seen.reach
      const counted = countAppends(now.totals, reach)
      const totals = { ...counted, values: addCounts(counted.values, counts) }
      const values = Object.fromEntries(COUNTERS.map((key) => [key, totals.values[key] ?? 0]))
      const entry = { what: 'reset', at, recordsRemoved: 0, bytesRemoved: 0, detail: '' } as const
      return {
        ...now,
        totals,
        baseline: { at, values },
        history: withEntry(now.history, { ...entry, generation: now.generation }),
      }
    })
  } catch (error) {
    core.putCountsBack(counts)
    throw error
  }
  core.known = null
  return snapshotOf(core, await glance(core))
}
