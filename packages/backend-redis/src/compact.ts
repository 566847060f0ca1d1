import {
  PapyraError,
  throwIfAborted,
  type CompactionPlan,
  type CompactionReport,
  type CompactOptions,
  type Notice,
} from '@papyra/contracts'
import {
  assertSafe,
  encodePlanId,
  planRetention,
  readPlanRequest,
  requireFresh,
  type ClockReading,
  type PlanRequest,
  type RetentionPlan,
} from '@papyra/retention'
import { longerHistory, metricsOf, stored, withIdleRun, type Meta } from './meta.js'
import { readBatches } from './read.js'
import { NAME, scanStore, type ScanSettings } from './scan.js'
import type { Store } from './store.js'
import { Trim } from './trim.js'

/** How often a plan is made anew because another process compacted or recovered meanwhile. */
const MOST_TRIES = 5

export interface CompactSettings extends ScanSettings {
  /** The clocks when the store was opened. */
  readonly opened: ClockReading
  checkOpen(): void
}

/** What was found before anything is changed. */
interface Decision {
  readonly plan: RetentionPlan
  readonly meta: Meta
  readonly drops: boolean
}

interface Gone {
  readonly records: number
  readonly bytes: number
}

/** Deletes what the policy hides, or just what a plan said before; see `Backend.compact`. */
export async function compact(
  store: Store,
  options: CompactOptions,
  settings: CompactSettings,
): Promise<CompactionReport> {
  const startedAt = store.clock.monotonic()
  const { dryRun = false } = options
  const request = readPlanRequest(options)
  try {
    for (let tries = 1; ; tries += 1) {
      const decision = await decide(store, request, options, settings)
      if (dryRun || !decision.drops) {
        if (!dryRun) await recordIdleRun(store, decision, options, startedAt)
        return report(store, decision, startedAt, {
          dryRun,
          gone: planned(decision),
          verified: null,
        })
      }
      const trim = new Trim(store, decision.plan, decision.meta, options)
      try {
        const gone = await carryOut(store, decision, options, { trim, startedAt })
        const { report: after } = await scanStore(store, {}, settings)
        const { clean } = after
        if (clean) await store.maintain(null, [], ['set', 'verified_at', store.clock.now()])
        return report(store, decision, startedAt, { dryRun, gone, verified: clean })
      } catch (error) {
        if (trim.begun || !isStale(error) || request.key !== null || tries >= MOST_TRIES)
          throw error
      }
    }
  } catch (error) {
    if (!dryRun) await countError(store)
    throw error
  }
}

/**
 * A run that removed nothing is on record if nobody was there to see it, so that it shows when the
 * schedule last ran; the latest of a trigger is enough.
 */
async function recordIdleRun(
  store: Store,
  { meta }: Decision,
  { trigger = 'request' }: CompactOptions,
  startedAt: number,
): Promise<void> {
  if (trigger === 'request') return
  const history = withIdleRun(meta, {
    ...{ what: 'compaction', at: store.clock.now(), generation: meta.generation },
    ...{ recordsRemoved: 0, bytesRemoved: 0, detail: '', trigger, dropped: [] },
    durationMs: store.clock.monotonic() - startedAt,
  })
  // Another process may have written a history meanwhile: that one counts.
  await store.maintain(meta, [], ['set', 'history', history]).catch((error: unknown) => {
    if (!isStale(error)) throw error
  })
}

function isStale(error: unknown): boolean {
  return error instanceof PapyraError && error.code === 'stale_plan'
}

async function countError(store: Store): Promise<void> {
  await store.maintain(null, [], ['add', 'm:compactionErrors', 1]).catch(() => undefined)
}

async function decide(
  store: Store,
  request: PlanRequest,
  options: CompactOptions,
  settings: CompactSettings,
): Promise<Decision> {
  const { signal, force = false, bytesPerSecond } = options
  throwIfAborted(signal)
  const long = {
    ...(signal && { signal }),
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
  }
  const { report: found, meta } = await scanStore(store, long, settings)
  if (!found.clean) {
    const text = `The store at ${store.location} has ${found.anomaliesTotal} anomalies; it is not compacted.`
    const details = { location: store.location, anomalies: found.anomalyCounts }
    throw new PapyraError('anomalies_found', text, { details })
  }
  if (request.key !== null) requireFresh(request.key, stateOf(store, meta))
  const { clock } = store
  const [now, monotonicNow] = [clock.now(), clock.monotonic()]
  const newest = { order: 'newest', ...(signal && { signal }) } as const
  const plan = await planRetention(
    () => readBatches(store, newest, settings.checkOpen),
    request.policy,
    {
      now: request.key?.at ?? now,
      ...(request.key && { through: request.key.through }),
      ...(signal && { signal }),
    },
  )
  assertSafe(plan, { force, now, elapsed: { opened: settings.opened, monotonicNow } })
  return { plan, meta, drops: plan.kept.records < plan.total.records }
}

function stateOf(store: Store, meta: Meta): Parameters<typeof requireFresh>[1] {
  const { compactions, recoveries } = metricsOf(meta).totals
  return {
    location: store.location,
    store: store.logId,
    generation: meta.generation,
    maintenance: compactions + recoveries,
  }
}

async function carryOut(
  store: Store,
  { plan, meta }: Decision,
  options: CompactOptions,
  { trim, startedAt }: { readonly trim: Trim; readonly startedAt: number },
): Promise<Gone> {
  const gone = await trim.run()
  const done = longerHistory(meta, {
    ...{ what: 'compaction', at: store.clock.now(), generation: meta.generation + 1 },
    ...{ recordsRemoved: gone.records, bytesRemoved: gone.bytes, detail: '' },
    durationMs: store.clock.monotonic() - startedAt,
    ...{ trigger: options.trigger ?? 'request', dropped: plan.dropped },
  })
  await trim.finish(['set', 'history', done, 'add', 'm:compactions', 1])
  return gone
}

/** What a plan takes, before it is carried out. */
function planned({ plan }: Decision): Gone {
  const { total, kept } = plan
  return { records: total.records - kept.records, bytes: total.bytes - kept.bytes }
}

interface Outcome {
  readonly dryRun: boolean
  readonly gone: Gone
  readonly verified: boolean | null
}

function report(
  store: Store,
  { plan, meta, drops }: Decision,
  startedAt: number,
  { dryRun, gone, verified }: Outcome,
): CompactionReport {
  const before = stored(meta)
  const { generation } = meta
  return {
    ...{ backend: NAME, location: store.location, dryRun, changed: drops, policy: plan.policy },
    generation: { before: generation, after: drops ? generation + 1 : generation },
    records: { before: before.records, after: before.records - gone.records },
    bytes: { before: before.bytes, after: before.bytes - gone.bytes },
    ...{ dropped: plan.dropped, unmet: plan.unmet, notices: notices(store, plan) },
    plan: dryRun ? planOf(store, plan, meta) : null,
    verified,
    durationMs: store.clock.monotonic() - startedAt,
  }
}

function planOf(store: Store, plan: RetentionPlan, meta: Meta): CompactionPlan {
  const { policy, now: at, newestSeq: through, dropped } = plan
  const { generation, maintenance } = stateOf(store, meta)
  const files = meta.kinds.flatMap((state): CompactionPlan['files'] => {
    const own = dropped.filter(({ kind }) => kind === state.kind)
    if (own.length === 0) return []
    const { records, bytes } = stored({ ...meta, kinds: [state] })
    const path = store.keys.stream(state.kind)
    return [{ path, action: 'rewrite', records, bytes, dropped: own }]
  })
  const id = encodePlanId({ store: store.logId, policy, at, through, generation, maintenance })
  return { id, at, through, files }
}

function notices(store: Store, { undated }: RetentionPlan): Notice[] {
  if (undated.records === 0) return []
  const { records, seq } = undated
  return [
    {
      ...({ code: 'unusable_timestamp', path: store.keys.tag, offset: null, seq } as const),
      count: records,
      detail: `${records} records have no usable time; an age limit never removes them.`,
    },
  ]
}
