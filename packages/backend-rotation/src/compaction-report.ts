import type {
  CompactionPlan,
  CompactionReport,
  Notice,
  PlannedFile,
  StoreDescription,
} from '@papyra/contracts'
import type { SegmentsCompactResult, SegmentStore, SegmentView } from '@papyra/filelog'
import {
  encodePlanId,
  type GroupPlan,
  type RetentionPlan,
  type StoreState,
} from '@papyra/retention'

export type Group = GroupPlan<SegmentView>

/** What was found before anything is changed. */
export interface Decision {
  readonly plan: RetentionPlan
  readonly before: StoreDescription
  /** The segments that something goes out of, oldest first. */
  readonly groups: readonly Group[]
  /** Bytes of the store after the compaction, for a dry run; else `null`. */
  readonly bytesAfter: number | null
}

/** The store as a plan has to find it. */
export function stateOf({ path }: SegmentStore, described: StoreDescription): StoreState {
  const { logId, generation, metrics } = described
  const { compactions, recoveries } = metrics.totals
  return {
    location: path,
    store: logId,
    generation: generation ?? 0,
    maintenance: compactions + recoveries,
  }
}

export interface Outcome {
  readonly store: SegmentStore
  readonly startedAt: number
  readonly dryRun: boolean
  readonly decision: Decision
  readonly done: SegmentsCompactResult | null
}

/** What a compaction did, or would do. */
export function report({ store, startedAt, dryRun, decision, done }: Outcome): CompactionReport {
  const { plan, groups } = decision
  return {
    backend: 'rotation',
    location: store.path,
    dryRun,
    changed: groups.length > 0,
    policy: plan.policy,
    ...(done === null ? foretold(decision) : figures(done)),
    dropped: plan.dropped,
    unmet: plan.unmet,
    notices: notices(store, plan),
    plan: dryRun ? planOf(store, decision) : null,
    verified: done === null ? null : done.verified,
    durationMs: store.clock.monotonic() - startedAt,
  }
}

type Figures = Pick<CompactionReport, 'generation' | 'records' | 'bytes'>

function figures({ before, after }: SegmentsCompactResult): Figures {
  return {
    generation: { before: before.generation, after: after.generation },
    records: { before: before.records, after: after.records },
    bytes: { before: before.bytes, after: after.bytes },
  }
}

function foretold({ plan, before, groups, bytesAfter }: Decision): Figures {
  const generation = before.generation ?? 0
  return {
    generation: { before: generation, after: groups.length > 0 ? generation + 1 : generation },
    records: { before: plan.total.records, after: plan.kept.records },
    bytes: { before: before.bytes, after: bytesAfter ?? before.bytes },
  }
}

function planOf(store: SegmentStore, { plan, before, groups }: Decision): CompactionPlan | null {
  const { store: id, generation, maintenance } = stateOf(store, before)
  if (id === null) return null
  const { policy, now: at, newestSeq: through } = plan
  return {
    id: encodePlanId({ store: id, policy, at, through, generation, maintenance }),
    at,
    through,
    files: groups.flatMap(({ group, action, dropped }): PlannedFile[] => {
      if (action === 'keep') return []
      const { path, records, bytes } = group
      return [{ path, action, records, bytes, dropped }]
    }),
  }
}

function notices(store: SegmentStore, { undated }: RetentionPlan): Notice[] {
  if (undated.records === 0) return []
  return [
    {
      code: 'unusable_timestamp',
      path: store.path,
      offset: null,
      seq: undated.seq,
      count: undated.records,
      detail: `${undated.records} records have no usable time; an age limit never removes them.`,
    },
  ]
}
