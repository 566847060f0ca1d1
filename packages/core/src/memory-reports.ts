import type {
  CompactionReport,
  Notice,
  OwnerInfo,
  ScanReport,
  StoreDescription,
} from '@papyra/contracts'
import { verdict, type RetentionPlan } from '@papyra/retention'
import type { MemoryStore } from './memory-store.js'

/** The report on a store that was verified: it has no damage, as nothing can damage it. */
export function scanReport(store: MemoryStore, location: string, durationMs: number): ScanReport {
  return {
    backend: 'memory',
    location,
    logId: store.logId,
    generation: store.generation,
    coverage: 'full',
    unread: null,
    clean: true,
    anomalies: [],
    anomalyCounts: {},
    anomaliesTotal: 0,
    notices: [],
    records: store.records.length,
    bytes: store.totals.bytesStored,
    firstSeq: store.records[0]?.seq ?? null,
    lastSeq: store.records.at(-1)?.seq ?? null,
    unproven: null,
    losses: [],
    consent: { acceptLoss: false, force: false },
    durationMs,
  }
}

export function describeStore(
  store: MemoryStore,
  location: string,
  owner: OwnerInfo | null,
): StoreDescription {
  return {
    backend: 'memory',
    location,
    exists: true,
    format: 'memory',
    logId: store.logId,
    generation: store.generation,
    createdAt: store.createdAt,
    clean: owner === null,
    bytes: store.totals.bytesStored,
    lastSeq: store.lastSeq === 0 ? null : store.lastSeq,
    retention: store.retention,
    compactedThrough: store.compactedThrough,
    history: [...store.history],
    losses: [],
    metrics: store.metrics(),
    owner,
    verifiedAt: null,
    segments: null,
  }
}

/** What a compaction by this plan does, before it is done. */
export function compactionReport(
  store: MemoryStore,
  plan: RetentionPlan,
  { location, dryRun }: { readonly location: string; readonly dryRun: boolean },
): CompactionReport {
  const before = { records: store.records.length, bytes: store.totals.bytesStored }
  // Asked of the records as they are now: some may have gone since the plan was made.
  const leaving = store.records.filter((record) => verdict(plan, record) !== null)
  const gone = {
    records: leaving.length,
    bytes: leaving.reduce((sum, record) => sum + record.bytes, 0),
  }
  const changed = gone.records > 0
  const { generation } = store
  return {
    backend: 'memory',
    location,
    dryRun,
    changed,
    policy: plan.policy,
    generation: { before: generation, after: changed ? generation + 1 : generation },
    records: { before: before.records, after: before.records - gone.records },
    bytes: { before: before.bytes, after: before.bytes - gone.bytes },
    dropped: plan.dropped,
    unmet: plan.unmet,
    notices: undatedNotice(plan, location),
    plan: null,
    verified: changed && !dryRun ? true : null,
    durationMs: 0,
  }
}

function undatedNotice({ undated }: RetentionPlan, location: string): readonly Notice[] {
  if (undated.records === 0) return []
  return [
    {
      code: 'unusable_timestamp',
      path: location,
      offset: null,
      seq: undated.seq,
      count: undated.records,
      detail: `${undated.records} records have no usable time, so no age limit removes them.`,
    },
  ]
}
