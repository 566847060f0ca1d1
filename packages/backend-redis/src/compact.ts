import {
  PapyraError,
  throwIfAborted,
  type CompactionPlan,
  type CompactionReport,
  type CompactOptions,
  type DropSummary,
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
import { noticesOf } from './compact-notices.js'
import { belowOf, boundsOf, heldBack, type Bounds } from './held.js'
import { longerHistory, metricsOf, stored, withIdleRun, type Meta } from './meta.js'
import { readBatches } from './read.js'
import { NAME, scanStore, type ScanSettings } from './scan.js'
import type { Store } from './store.js'
import { Trim, type Gone } from './trim.js'

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
  /** What goes: of the plan what no group of consumers holds back. */
  readonly dropped: readonly DropSummary[]
  readonly bounds: Bounds
  readonly below: (kind: string) => number
}

/** Deletes what the policy hides, or just what a plan said before; see `Backend.compact`. */
export async function compact(
  store: Store,
  options: CompactOptions,
  settings: CompactSettings,
): Promise<CompactionReport> {
  const startedAt = store.clock.monotonic()
  const { dryRun = false } = options
  if (dryRun && options.approximate === true) {
    const text = 'What an approximate compaction takes cannot be told before: it is not planned.'
    throw new PapyraError('invalid_argument', text)
  }
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
      const how = { ...options, below: decision.below }
      const trim = new Trim(store, decision.plan, decision.meta, how)
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
  const bounds: Bounds = options.ignoreGroups === true ? new Map() : await boundsOf(store)
  const said: Readonly<Record<string, number>> = request.key?.below ?? {}
  const below = (kind: string): number =>
    Math.min(bounds.get(kind)?.below ?? Infinity, said[kind] ?? Infinity)
  const dropped = await heldBack(store, plan, below)
  return { plan, meta, bounds, below, dropped, drops: dropped.length > 0 }
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
  { meta }: Decision,
  options: CompactOptions,
  { trim, startedAt }: { readonly trim: Trim; readonly startedAt: number },
): Promise<Gone> {
  const gone = await trim.run()
  const done = longerHistory(meta, {
    ...{ what: 'compaction', at: store.clock.now(), generation: meta.generation + 1 },
    ...{ recordsRemoved: gone.records, bytesRemoved: gone.bytes, detail: '' },
    durationMs: store.clock.monotonic() - startedAt,
    ...{ trigger: options.trigger ?? 'request', dropped: gone.dropped },
  })
  await trim.finish(['set', 'history', done, 'add', 'm:compactions', 1])
  return gone
}

/** What a plan takes, before it is carried out. */
function planned({ dropped }: Decision): Gone {
  const sum = (of: (one: DropSummary) => number): number =>
    dropped.reduce((total, one) => total + of(one), 0)
  return {
    ...{ records: sum(({ records }) => records), bytes: sum(({ bytes }) => bytes), dropped },
    unhandled: new Map(),
  }
}

interface Outcome {
  readonly dryRun: boolean
  readonly gone: Gone
  readonly verified: boolean | null
}

function report(
  store: Store,
  decision: Decision,
  startedAt: number,
  { dryRun, gone, verified }: Outcome,
): CompactionReport {
  const { plan, meta, drops } = decision
  const before = stored(meta)
  const { generation } = meta
  return {
    ...{ backend: NAME, location: store.location, dryRun, changed: drops, policy: plan.policy },
    generation: { before: generation, after: drops ? generation + 1 : generation },
    records: { before: before.records, after: before.records - gone.records },
    bytes: { before: before.bytes, after: before.bytes - gone.bytes },
    ...{ dropped: gone.dropped, unmet: plan.unmet, notices: noticesOf(store, decision, gone) },
    plan: dryRun ? planOf(store, decision) : null,
    verified,
    durationMs: store.clock.monotonic() - startedAt,
  }
}

function planOf(store: Store, { plan, meta, dropped, bounds }: Decision): CompactionPlan {
  const { policy, now: at, newestSeq: through } = plan
  const { generation, maintenance } = stateOf(store, meta)
  const files = meta.kinds.flatMap((state): CompactionPlan['files'] => {
    const own = dropped.filter(({ kind }) => kind === state.kind)
    if (own.length === 0) return []
    const { records, bytes } = stored({ ...meta, kinds: [state] })
    const path = store.keys.stream(state.kind)
    return [{ path, action: 'rewrite', records, bytes, dropped: own }]
  })
  const key = { store: store.logId, policy, at, through, generation, maintenance }
  const id = encodePlanId({ ...key, below: belowOf(bounds) })
  return { id, at, through, files }
}
