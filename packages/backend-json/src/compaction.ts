import {
  PapyraError,
  type CompactionPlan,
  type CompactionReport,
  type CompactOptions,
  type Notice,
  type RecordMeta,
  type StoreDescription,
} from '@papyra/contracts'
import type { CompactResult, Keep, KindFigures, LogStore } from '@papyra/filelog'
import {
  assertSafe,
  encodePlanId,
  keepsKinds,
  planRetention,
  readPlanRequest,
  requireFresh,
  verdict,
  type PlanRequest,
  type RetentionPlan,
} from '@papyra/retention'

/** How often a plan is made anew because another process compacted or recovered meanwhile. */
const MOST_TRIES = 5

/** What was found before anything is changed. */
interface Decision {
  readonly plan: RetentionPlan
  readonly before: StoreDescription
  readonly drops: boolean
  /** Bytes of the log after the compaction, for a dry run; else `null`. */
  readonly bytesAfter: number | null
}

/**
 * Deletes what the policy hides, or just what a plan said that was made of it before; see
 * `Backend.compact`. A dry run needs no ownership.
 */
export async function compact(store: LogStore, options: CompactOptions): Promise<CompactionReport> {
  const startedAt = store.clock.monotonic()
  const { signal, onProgress, bytesPerSecond, trigger, dryRun = false } = options
  const request = readPlanRequest(options)
  let decision: Decision | null = null
  const decide = async (): Promise<Keep | null> => {
    const made = await decideOn(store, request, options)
    decision = made
    return made.drops ? keepBy(made.plan) : null
  }
  let done: CompactResult | null = null
  if (dryRun && !store.owned) await decide()
  else {
    done = await store.compact({
      plan: decide,
      dryRun,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(trigger && { trigger }),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    })
  }
  if (decision === null) throw new PapyraError('internal', 'no plan was made')
  return report({ store, startedAt, dryRun, decision, done })
}

/** The plan knows the last number that it drops and the first one that it keeps. */
function keepBy(plan: RetentionPlan): Keep {
  const keep = (meta: RecordMeta): boolean => verdict(plan, meta) === null
  return Object.assign(keep, {
    ofKinds: (kinds: readonly KindFigures[]) => keepsKinds(plan, kinds),
    noneThrough: plan.oldestKept === null ? plan.newestSeq : plan.oldestKept - 1,
    allAbove: Math.max(0, ...plan.dropped.map(({ seq }) => seq.last)),
    dropped: plan.dropped,
  })
}

async function decideOn(
  store: LogStore,
  request: PlanRequest,
  options: CompactOptions,
): Promise<Decision> {
  const { plan, before } = await planSettled(store, request, options)
  const drops = plan.kept.records < plan.total.records
  const { dryRun = false } = options
  const measured = { through: before.lastSeq ?? 0, ...slowly(options) }
  const bytesAfter = dryRun && drops ? await store.measure(keepBy(plan), measured) : null
  return { plan, before, drops, bytesAfter }
}

/** A plan of a store that was not compacted or recovered while it was made. */
async function planSettled(
  store: LogStore,
  request: PlanRequest,
  options: CompactOptions,
): Promise<Pick<Decision, 'plan' | 'before'>> {
  for (let tries = 1; ; tries++) {
    const found = await store.describe()
    if (request.key !== null) requireFresh(request.key, stateOf(store, found))
    const plan = await makePlan(store, request, options)
    const before = await store.describe()
    const [was, is] = [stateOf(store, found), stateOf(store, before)]
    if (was.generation === is.generation && was.maintenance === is.maintenance) {
      return { plan, before }
    }
    if (tries < MOST_TRIES) continue
    const text = `${store.path} was compacted or recovered again and again while a plan was made.`
    throw new PapyraError('stale_plan', text, { details: { path: store.path } })
  }
}

function stateOf(
  { path }: LogStore,
  described: StoreDescription,
): Parameters<typeof requireFresh>[1] {
  const { logId, generation, metrics } = described
  const { compactions, recoveries } = metrics.totals
  return {
    location: path,
    store: logId,
    generation: generation ?? 0,
    maintenance: compactions + recoveries,
  }
}

async function makePlan(
  store: LogStore,
  { policy, key }: PlanRequest,
  options: CompactOptions,
): Promise<RetentionPlan> {
  const { signal, force = false } = options
  const { clock, opened } = store
  const now = clock.now()
  const monotonicNow = clock.monotonic()
  const plan = await store.withParts(slowly(options), (parts) =>
    planRetention(parts, policy, {
      now: key?.at ?? now,
      ...(key && { through: key.through }),
      ...(signal && { signal }),
    }),
  )
  assertSafe(plan, { force, now, elapsed: { opened, monotonicNow } })
  return plan
}

/** What the reads of a plan need of the options. */
function slowly({
  signal,
  bytesPerSecond,
}: CompactOptions): Pick<CompactOptions, 'signal' | 'bytesPerSecond'> {
  return {
    ...(signal && { signal }),
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
  }
}

interface Outcome {
  readonly store: LogStore
  readonly startedAt: number
  readonly dryRun: boolean
  readonly decision: Decision
  readonly done: CompactResult | null
}

function report({ store, startedAt, dryRun, decision, done }: Outcome): CompactionReport {
  const { plan, before, drops } = decision
  return {
    backend: 'json',
    location: store.path,
    dryRun,
    changed: drops,
    policy: plan.policy,
    ...(done === null ? foretold(decision) : figures(done)),
    dropped: plan.dropped,
    unmet: plan.unmet,
    notices: notices(store, plan),
    plan: dryRun ? planOf(store, plan, before) : null,
    verified: done === null ? null : done.verified,
    durationMs: store.clock.monotonic() - startedAt,
  }
}

type Figures = Pick<CompactionReport, 'generation' | 'records' | 'bytes'>

function figures({ before, after }: CompactResult): Figures {
  return {
    generation: { before: before.generation, after: after.generation },
    records: { before: before.records, after: after.records },
    bytes: { before: before.bytes, after: after.bytes },
  }
}

function foretold({ plan, before, drops, bytesAfter }: Decision): Figures {
  const generation = before.generation ?? 0
  const rewrites = drops && before.format === 'checksummed'
  return {
    generation: { before: generation, after: rewrites ? generation + 1 : generation },
    records: { before: plan.total.records, after: plan.kept.records },
    bytes: { before: before.bytes, after: bytesAfter ?? before.bytes },
  }
}

/** A plain log has no id and no generation by which a plan could be told from a stale one. */
function planOf(
  store: LogStore,
  plan: RetentionPlan,
  before: StoreDescription,
): CompactionPlan | null {
  const state = stateOf(store, before)
  if (state.store === null || before.format !== 'checksummed') return null
  const { policy, now: at, newestSeq: through, total, dropped } = plan
  const { store: id, generation, maintenance } = state
  const file = {
    path: store.path,
    action: 'rewrite',
    records: total.records,
    bytes: before.bytes,
    dropped,
  } as const
  return {
    id: encodePlanId({ store: id, policy, at, through, generation, maintenance }),
    at,
    through,
    files: dropped.length === 0 ? [] : [file],
  }
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
