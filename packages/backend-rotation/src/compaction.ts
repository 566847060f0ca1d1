import {
  PapyraError,
  type CompactionReport,
  type CompactOptions,
  type RecordMeta,
  type StoreDescription,
} from '@papyra/contracts'
import type {
  Keep,
  KindFigures,
  SegmentsCompactResult,
  SegmentsPlan,
  SegmentStore,
  SegmentsView,
  SegmentVerdict,
} from '@papyra/filelog'
import {
  assertSafe,
  keepsKinds,
  planGroups,
  planRetention,
  readPlanRequest,
  requireFresh,
  verdict,
  type PlanRequest,
  type RetentionPlan,
  type Summary,
} from '@papyra/retention'
import { report, stateOf, type Decision, type Group } from './compaction-report.js'

/** How often a plan is made anew because another process compacted or recovered meanwhile. */
const MOST_TRIES = 5

/**
 * Deletes what the policy hides, or just what a plan said that was made of it before; see
 * `Backend.compact`. A dry run needs no ownership. Only segments that a limit cuts through are read.
 */
export async function compact(
  store: SegmentStore,
  options: CompactOptions,
): Promise<CompactionReport> {
  const startedAt = store.clock.monotonic()
  const { signal, onProgress, bytesPerSecond, trigger = 'request', dryRun = false } = options
  const request = readPlanRequest(options)
  let decision: Decision | null = null
  const decide = async (): Promise<SegmentsPlan | null> => {
    const made = await decideOn(store, request, options)
    decision = made
    return made.groups.length > 0 ? segmentsPlan(made) : null
  }
  let done: SegmentsCompactResult | null = null
  if (dryRun && !store.owned) await decide()
  else {
    done = await store.compact({
      plan: decide,
      dryRun,
      trigger,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    })
  }
  if (decision === null) throw new PapyraError('internal', 'no plan was made')
  return report({ store, startedAt, dryRun, decision, done })
}

async function decideOn(
  store: SegmentStore,
  request: PlanRequest,
  options: CompactOptions,
): Promise<Decision> {
  for (let tries = 1; ; tries++) {
    const before = await store.describe()
    const state = stateOf(store, before)
    if (request.key !== null) requireFresh(request.key, state)
    let made: Decision | null = null
    let failure: unknown = null
    try {
      made = await decideOnce(store, { request, options, before })
    } catch (error) {
      failure = error
    }
    const after = stateOf(store, await store.describe())
    const same = state.generation === after.generation && state.maintenance === after.maintenance
    if (same && made !== null) return made
    // What is wrong may be that another process took segments away while they were looked at.
    if (same || store.owned) throw failure
    if (tries < MOST_TRIES) continue
    const text = `${store.path} was compacted or recovered again and again while a plan was made.`
    throw new PapyraError('stale_plan', text, { details: { path: store.path } })
  }
}

interface Question {
  readonly request: PlanRequest
  readonly options: CompactOptions
  readonly before: StoreDescription
}

async function decideOnce(
  store: SegmentStore,
  { request, options, before }: Question,
): Promise<Decision> {
  const { signal, bytesPerSecond, dryRun = false } = options
  const aborted = signal && { signal }
  const slowly = { ...aborted, ...(bytesPerSecond !== undefined && { bytesPerSecond }) }
  const view = await store.view(slowly)
  const plan = await makePlan(store, view, request, options)
  const all = await planGroups(plan, [...view.segments].reverse(), { ...aborted })
  const groups = all.filter(({ action }) => action !== 'keep')
  const decided = { plan, before, groups }
  if (!dryRun || groups.length === 0) return { ...decided, bytesAfter: null }
  const bytesAfter = await store.measure(view, segmentsPlan(decided), slowly)
  return { ...decided, bytesAfter }
}

async function makePlan(
  store: SegmentStore,
  view: SegmentsView,
  { policy, key }: PlanRequest,
  { signal, force = false }: CompactOptions,
): Promise<RetentionPlan> {
  const { clock, opened } = store
  const now = clock.now()
  const monotonicNow = clock.monotonic()
  async function* newestFirst(): AsyncGenerator<Summary> {
    yield* view.segments
  }
  const plan = await planRetention(newestFirst, policy, {
    now: key?.at ?? now,
    ...(key && { through: key.through }),
    ...(signal && { signal }),
  })
  assertSafe(plan, { force, now, elapsed: { opened, monotonicNow } })
  return plan
}

function segmentsPlan({ plan, groups }: Pick<Decision, 'plan' | 'groups'>): SegmentsPlan {
  return { verdicts: groups.map((group) => verdictOf(plan, group)), dropped: plan.dropped }
}

function verdictOf(plan: RetentionPlan, { group, action, dropped, ...of }: Group): SegmentVerdict {
  const { firstSeq, generation, lastSeq } = group
  const segment = { firstSeq, generation }
  if (action === 'drop') return { segment, action, lastSeq, dropped }
  const keep: Keep = (meta: RecordMeta) => verdict(plan, meta) === null
  // Between the two it has to be asked; of one that takes appends what comes later stays.
  const noneThrough = of.keptSeq === null ? lastSeq : of.keptSeq.first - 1
  const allAbove = of.droppedSeq?.last ?? 0
  return {
    segment,
    action: 'rewrite',
    keep: Object.assign(keep, {
      noneThrough,
      allAbove,
      ofKinds: (kinds: readonly KindFigures[]) => keepsKinds(plan, kinds),
    }),
    dropped,
  }
}
