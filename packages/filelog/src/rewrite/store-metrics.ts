import {
  PapyraError,
  type MetricKey,
  type MetricsSnapshot,
  type StoreDescription,
} from '@papyra/contracts'
import type { Head } from '../format/head.js'
import type { Sidecar } from '../format/sidecar.js'
import { writeSidecarFile } from '../write/sidecar-file.js'
import { type Beside, logIsLost, readBeside } from '../scan/beside.js'
import { type Reach, addCounts, countAppends, withEntry } from './ledger.js'
import { withIo } from './io.js'
import { COUNTERS, byCode, fullValues } from './metric-values.js'
import { readHead } from './read-head.js'
import type { KnownScan, StoreCore } from './store-core.js'
import { ownerOf } from './store-scan.js'

/** What can be told of a store from its head, its end and what stands beside it. */
interface Glance {
  readonly exists: boolean
  readonly plain: boolean
  readonly head: Head | null
  readonly size: number
  readonly beside: Beside
  readonly sidecar: Sidecar | null
  readonly reach: Reach
  /** Records in the log; 0 where that cannot be told without reading it through. */
  readonly records: number
}

async function glance(core: StoreCore): Promise<Glance> {
  const { vfs, log } = core.settings
  const beside = await readBeside(vfs, log)
  const opened = await vfs.open(log, 'read').catch(() => null)
  const head = opened === null ? null : ((await readHead(opened))?.head ?? null)
  const size = opened === null ? 0 : (await withIo('Looking at', log, () => opened.stat())).size
  await opened?.close()
  const live = core.live
  const sidecar = live?.sidecar ?? (beside.sidecar.state === 'ok' ? beside.sidecar.sidecar : null)
  const reach = reachOf(core, { head, size, beside, sidecar })
  const bare = beside.sidecar.state === 'missing' && beside.mark.state === 'missing'
  const records = recordsOf(core, { head, sidecar, reach })
  const plain = opened !== null && head === null && bare && core.known?.scan.state !== 'checksummed'
  return { exists: opened !== null, plain, head, size, beside, sidecar, reach, records }
}

type Seen = Pick<Glance, 'head' | 'size' | 'beside' | 'sidecar'>

function reachOf(core: StoreCore, { head, size, beside, sidecar }: Seen): Reach {
  if (core.live !== null) {
    const { acked, offset } = core.live.queue.state
    return { seq: acked, offset }
  }
  if (sidecar?.clean === true && sidecar.closed !== null) {
    return { seq: sidecar.closed.lastSeq, offset: sidecar.closed.bytes }
  }
  const { mark } = beside
  const known = [(head?.nextSeq ?? 1) - 1, sidecar?.totals.countedSeq ?? 0]
  if (mark.state === 'ok' && (head === null || mark.mark.generation === head.generation)) {
    return { seq: Math.max(mark.mark.acked, ...known), offset: mark.mark.offset }
  }
  return { seq: Math.max(...known), offset: size }
}

function recordsOf(
  core: StoreCore,
  { head, sidecar, reach }: Pick<Glance, 'head' | 'sidecar' | 'reach'>,
): number {
  const { live, known } = core
  if (live !== null) return live.records.count + reach.seq - live.records.at
  if (known !== null && known.scan.records !== null) return known.scan.records
  if (sidecar?.clean === true && sidecar.closed !== null) return sidecar.closed.records
  if (head === null) return 0
  // Above `compacted_through` a sound log has every number.
  return head.records + Math.max(0, reach.seq - head.compactedThrough)
}

function snapshotOf(core: StoreCore, seen: Glance): MetricsSnapshot {
  const { sidecar, reach, head } = seen
  const base = sidecar?.totals ?? { values: {}, countedSeq: 0, countedBytes: 0 }
  const sameFile = sidecar === null || head === null || sidecar.generation === head.generation
  const counted = seen.exists && sameFile ? countAppends(base, reach).values : base.values
  const bytesStored = core.live === null ? seen.size : reach.offset
  const gauges = { recordsStored: seen.records, bytesStored }
  const counts = addCounts(counted, core.counts)
  const totals = fullValues({ ...counts, ...gauges })
  const baseline = sidecar?.baseline?.values ?? {}
  const since: { [K in MetricKey]: number } = { ...totals }
  for (const key of COUNTERS) since[key] = totals[key] - (baseline[key] ?? 0)
  const createdAt = sidecar?.created ?? head?.created ?? null
  const resetAt = sidecar?.baseline?.at ?? null
  return { totals, sinceReset: since, createdAt, resetAt, byCode: byCode(counts) }
}

/** Describes the store; see `Backend.describe`. */
export async function describeStore(core: StoreCore): Promise<StoreDescription> {
  core.requireOpen()
  const { vfs, log, backend } = core.settings
  const seen = await glance(core)
  const { sidecar, head, beside } = seen
  const markId = beside.mark.state === 'ok' ? beside.mark.mark.logId : null
  const owner = core.lock === null ? await ownerOf(vfs, log) : ownSelf(core)
  const known = seen.reach.seq > 0 || head !== null || sidecar !== null
  return {
    backend,
    location: log,
    exists: seen.exists || logIsLost(beside),
    format: seen.plain ? 'plain' : 'checksummed',
    logId: head?.logId ?? sidecar?.logId ?? markId,
    generation: head?.generation ?? sidecar?.generation ?? null,
    createdAt: sidecar?.created ?? head?.created ?? null,
    clean: core.live !== null ? false : (sidecar?.clean ?? null),
    bytes: core.live === null ? seen.size : seen.reach.offset,
    lastSeq: known && !seen.plain ? seen.reach.seq : null,
    retention: sidecar?.retention ?? null,
    compactedThrough: head?.compactedThrough ?? sidecar?.compactedThrough ?? 0,
    history: sidecar?.history ?? [],
    losses: sidecar?.losses ?? [],
    metrics: snapshotOf(core, seen),
    owner,
    verifiedAt: sidecar?.verifiedAt ?? null,
    segments: null,
  }
}

function ownSelf(core: StoreCore): StoreDescription['owner'] {
  const { pid, hostname } = core.settings.vfs.host
  return { pid, host: hostname, since: core.opened.wall }
}

function withSidecar({ scan, stat }: KnownScan, sidecar: Sidecar): KnownScan {
  return { scan: { ...scan, sidecar: { state: 'ok', sidecar } }, stat }
}

/** Records the present totals as the baseline; see `Backend.resetMetrics`. */
export async function resetStoreMetrics(core: StoreCore): Promise<MetricsSnapshot> {
  core.requireOwner('resetMetrics')
  const { vfs, log, clock } = core.settings
  const seen = await glance(core)
  const { sidecar, head } = seen
  if (sidecar === null || head === null || sidecar.next !== null || sidecar.logId !== head.logId) {
    throw new PapyraError(
      'anomalies_found',
      `${log} has no sound sidecar that a reset could be kept in.`,
      {
        details: { path: log },
      },
    )
  }
  const at = clock.now()
  const { totals } = snapshotOf(core, seen)
  const values = Object.fromEntries(COUNTERS.map((key) => [key, totals[key]]))
  const counts = core.takeCounts()
  const counted = core.live === null ? sidecar.totals : countAppends(sidecar.totals, seen.reach)
  const entry = {
    what: 'reset',
    at,
    generation: head.generation,
    recordsRemoved: 0,
    bytesRemoved: 0,
    detail: '',
  } as const
  const after: Sidecar = {
    ...sidecar,
    baseline: { at, values },
    history: withEntry(sidecar.history, entry),
    totals: { ...counted, values: addCounts(counted.values, counts) },
  }
  try {
    await writeSidecarFile(vfs, log, after)
  } catch (error) {
    core.putCountsBack(counts)
    throw error
  }
  if (core.live !== null) core.live.sidecar = after
  // What `begin` goes on from is the scan: it must not bring back the sidecar from before.
  if (core.known !== null) core.known = withSidecar(core.known, after)
  return snapshotOf(core, { ...seen, sidecar: after })
}
