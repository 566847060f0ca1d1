import {
  PapyraError,
  type CompactionReport,
  type CompactOptions,
  type Notice,
  type RecordMeta,
  type StoreDescription,
} from '@papyra/contracts'
import type { CompactResult, Keep, LogStore } from '@papyra/filelog'
import {
  assertSafe,
  planRetention,
  validatePolicy,
  verdict,
  type RetentionPlan,
} from '@papyra/retention'

/** What was found before anything is changed. */
interface Decision {
  readonly plan: RetentionPlan
  readonly before: StoreDescription
  readonly drops: boolean
  /** Bytes of the log after the compaction, for a dry run; else `null`. */
  readonly bytesAfter: number | null
}

/** Deletes what the policy hides; see `Backend.compact`. A dry run needs no ownership. */
export async function compact(store: LogStore, options: CompactOptions): Promise<CompactionReport> {
  const startedAt = store.clock.monotonic()
  const { signal, onProgress, dryRun = false } = options
  const policy = validatePolicy(options.policy)
  let decision: Decision | null = null
  const decide = async (): Promise<Keep | null> => {
    const made = await decideOn(store, { ...options, policy })
    decision = made
    return made.drops && !dryRun ? keepBy(made.plan) : null
  }
  let done: CompactResult | null = null
  if (dryRun && !store.owned) await decide()
  else {
    const long = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
    done = await store.compact({ plan: decide, ...long })
  }
  if (decision === null) throw new PapyraError('internal', 'no plan was made')
  return report({ store, startedAt, dryRun, decision, done })
}

/** The plan knows the last number that it drops and the first one that it keeps. */
function keepBy(plan: RetentionPlan): Keep {
  const keep = (meta: RecordMeta): boolean => verdict(plan, meta) === null
  return Object.assign(keep, {
    noneThrough: plan.oldestKept === null ? plan.newestSeq : plan.oldestKept - 1,
    allAbove: Math.max(0, ...plan.dropped.map(({ seq }) => seq.last)),
  })
}

async function decideOn(store: LogStore, options: CompactOptions): Promise<Decision> {
  const plan = await makePlan(store, options)
  const before = await store.describe()
  const drops = plan.kept.records < plan.total.records
  const { signal, dryRun = false } = options
  const measured = { through: before.lastSeq ?? 0, ...(signal && { signal }) }
  const bytesAfter = dryRun && drops ? await store.measure(keepBy(plan), measured) : null
  return { plan, before, drops, bytesAfter }
}

async function makePlan(store: LogStore, options: CompactOptions): Promise<RetentionPlan> {
  const { signal, policy, force = false } = options
  const { clock, opened } = store
  const now = clock.now()
  const monotonicNow = clock.monotonic()
  const aborted = signal && { signal }
  const plan = await planRetention(() => store.readMetaBatches({ ...aborted }), policy, {
    now,
    ...aborted,
  })
  assertSafe(plan, { force, elapsed: { opened, monotonicNow } })
  return plan
}

interface Outcome {
  readonly store: LogStore
  readonly startedAt: number
  readonly dryRun: boolean
  readonly decision: Decision
  readonly done: CompactResult | null
}

function report({ store, startedAt, dryRun, decision, done }: Outcome): CompactionReport {
  const { plan, before, drops, bytesAfter } = decision
  const generation = before.generation ?? 0
  const rewrites = drops && before.format === 'checksummed'
  return {
    backend: 'json',
    location: store.path,
    dryRun,
    changed: drops,
    policy: plan.policy,
    generation:
      done === null
        ? { before: generation, after: rewrites ? generation + 1 : generation }
        : pair(done, 'generation'),
    records:
      done === null
        ? { before: plan.total.records, after: plan.kept.records }
        : pair(done, 'records'),
    bytes:
      done === null
        ? { before: before.bytes, after: bytesAfter ?? before.bytes }
        : pair(done, 'bytes'),
    dropped: plan.dropped,
    unmet: plan.unmet,
    notices: notices(store, plan),
    verified: done === null ? null : done.verified,
    durationMs: store.clock.monotonic() - startedAt,
  }
}

function pair(
  { before, after }: CompactResult,
  key: 'generation' | 'records' | 'bytes',
): { before: number; after: number } {
  return { before: before[key], after: after[key] }
}

function notices(store: LogStore, { undated }: RetentionPlan): Notice[] {
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
