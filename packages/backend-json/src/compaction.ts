import {
  PapyraError,
  type CompactionReport,
  type CompactOptions,
  type Notice,
  type StoreDescription,
} from '@papyra/contracts'
import type { CompactResult, Keep, LogStore } from '@papyra/filelog'
import { assertSafe, planRetention, validatePolicy, verdict, type RetentionPlan } from '@papyra/retention'

/** Deletes what the policy hides; see `Backend.compact`. A dry run needs no ownership. */
export async function compact(store: LogStore, options: CompactOptions): Promise<CompactionReport> {
  const startedAt = store.clock.monotonic()
  const { signal, onProgress, dryRun = false } = options
  const policy = validatePolicy(options.policy)
  let plan: RetentionPlan | null = null
  let before: StoreDescription | null = null
  const decide = async (): Promise<Keep | null> => {
    const made = await makePlan(store, { ...options, policy })
    plan = made
    before = await store.describe()
    const drops = made.kept.records < made.total.records
    return drops && !dryRun ? (meta) => verdict(made, meta) === null : null
  }
  let done: CompactResult | null = null
  if (dryRun && !store.owned) await decide()
  else {
    const long = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
    done = await store.compact({ plan: decide, ...long })
  }
  if (plan === null || before === null) throw new PapyraError('internal', 'no plan was made')
  return report({ store, plan, before, startedAt }, { dryRun, done })
}

async function makePlan(store: LogStore, options: CompactOptions): Promise<RetentionPlan> {
  const { signal, policy, force = false } = options
  const { clock, opened } = store
  const now = clock.now()
  const monotonicNow = clock.monotonic()
  const aborted = signal && { signal }
  const plan = await planRetention(() => store.readMeta({ ...aborted }), policy, { now, ...aborted })
  assertSafe(plan, { force, elapsed: { opened, monotonicNow } })
  return plan
}

interface Base {
  readonly store: LogStore
  readonly plan: RetentionPlan
  readonly before: StoreDescription
  readonly startedAt: number
}

function report(
  { store, plan, before, startedAt }: Base,
  { dryRun, done }: { readonly dryRun: boolean; readonly done: CompactResult | null },
): CompactionReport {
  const generation = before.generation ?? 0
  const droppedBytes = plan.total.bytes - plan.kept.bytes
  const { bytes } = before
  return {
    backend: 'json',
    location: store.path,
    dryRun,
    changed: done !== null,
    policy: plan.policy,
    generation: done === null ? both(generation) : pair(done, 'generation'),
    records: done === null ? amounts(plan, 'records') : pair(done, 'records'),
    // Before the log is written anew, the size that it would have is known but for block marks.
    bytes: done === null ? { before: bytes, after: bytes - (dryRun ? droppedBytes : 0) } : pair(done, 'bytes'),
    dropped: plan.dropped,
    unmet: plan.unmet,
    notices: notices(store, plan),
    verified: done === null ? null : done.verified,
    durationMs: store.clock.monotonic() - startedAt,
  }
}

function both(n: number): { before: number; after: number } {
  return { before: n, after: n }
}

function pair(done: CompactResult, key: 'generation' | 'records' | 'bytes') {
  return { before: done.before[key], after: done.after[key] }
}

function amounts(plan: RetentionPlan, key: 'records') {
  return { before: plan.total[key], after: plan.kept[key] }
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
