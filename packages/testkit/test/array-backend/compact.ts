import {
  PapyraError,
  type CompactionPlan,
  type CompactionReport,
  type CompactionTrigger,
  type CompactOptions,
  type HistoryEntry,
  type RetentionPolicy,
} from '@papyra/contracts'
import type { ArrayBackend } from './array-backend.js'
import { planIdOf, requestOf, soundPlanChecks, type PlanChecks, type PlanKey } from './plan-id.js'
import { checkPolicy, plan, type Plan } from './retain.js'
import {
  bytesOfLines,
  closedLines,
  measure,
  soundRecords,
  type ArrayStore,
  type Line,
} from './store.js'

/** The parts of a compaction, so that a broken backend can replace one of them. */
export interface CompactParts {
  readonly check: (policy: RetentionPolicy) => void
  readonly plan: typeof plan
  readonly clockIsSuspect: (backend: ArrayBackend) => boolean
  /** What becomes of a line that stays. */
  readonly copy: (line: Line) => Line
  readonly writesOnDryRun: boolean
  readonly planChecks: PlanChecks
  /** A plan that is carried out judges anew what there is by then. */
  readonly replans: boolean
  /** What becomes of a run that removed nothing. */
  readonly idle: (store: ArrayStore, run: HistoryEntry) => void
}

export const soundParts: CompactParts = {
  check: checkPolicy,
  plan,
  clockIsSuspect,
  copy: (line) => line,
  writesOnDryRun: false,
  planChecks: soundPlanChecks,
  replans: false,
  idle: rememberIdle,
}

/** Of runs by one asker that removed nothing the last one is remembered, until something happens. */
function rememberIdle(store: ArrayStore, run: HistoryEntry): void {
  if (run.trigger === 'request') return
  const isIdle = ({ what, bytesRemoved }: HistoryEntry): boolean =>
    what === 'compaction' && bytesRemoved === 0
  const busy = store.history.findLastIndex((entry) => !isIdle(entry))
  const same = store.history.findIndex(({ trigger }, i) => i > busy && trigger === run.trigger)
  if (same >= 0) store.history.splice(same, 1)
  store.history.push(run)
}

function clockIsSuspect({ store, openedAt, handle: { clock } }: ArrayBackend): boolean {
  const now = clock.now()
  const times = soundRecords(store).map((record) => record.timestamp)
  const newest = Math.max(...times.filter((time) => time >= Date.UTC(2000, 0)))
  const ahead = now - openedAt.wall - (clock.monotonic() - openedAt.monotonic)
  return newest - now > 60_000 || ahead > 60_000
}

const hasAge = (policy: RetentionPolicy): boolean =>
  [policy, ...Object.values(policy.perKind ?? {})].some((one) => one.maxAgeSeconds !== undefined)

interface Request {
  readonly policy: RetentionPolicy
  readonly key: PlanKey | null
  readonly force: boolean
}

function decide(backend: ArrayBackend, request: Request, parts: CompactParts): Plan {
  const { policy, key, force } = request
  parts.check(policy)
  if (backend.damage().length > 0) throw new PapyraError('anomalies_found', 'Recover first.')
  if (!force && hasAge(policy) && parts.clockIsSuspect(backend)) {
    throw new PapyraError('clock_suspect', 'The clock is suspect.')
  }
  const all = soundRecords(backend.store)
  const now = backend.handle.clock.now()
  const { through, at } =
    key === null || parts.replans ? { through: Number.POSITIVE_INFINITY, at: now } : key
  const judged = parts.plan(
    all.filter(({ seq }) => seq <= through),
    policy,
    at,
  )
  const later = all.filter(({ seq }) => seq > through)
  const kept = new Set([...judged.kept, ...later])
  if (!force && all.length > 0 && kept.size === 0) {
    throw new PapyraError('drop_all_refused', 'Everything would go.')
  }
  return { ...judged, kept }
}

/** What the files of a plan are here: the array is one file, which is written anew. */
function planFor(
  backend: ArrayBackend,
  policy: RetentionPolicy,
  { dropped }: Plan,
): CompactionPlan {
  const { store, handle } = backend
  const at = handle.clock.now()
  const file = {
    path: handle.location,
    action: 'rewrite',
    records: store.lines.length,
    bytes: bytesOfLines(store.lines),
    dropped,
  } as const
  return {
    id: planIdOf(store, policy, at),
    at,
    through: store.nextSeq - 1,
    files: dropped.length === 0 ? [] : [file],
  }
}

export function compactStore(
  backend: ArrayBackend,
  options: CompactOptions,
  parts: CompactParts,
): Promise<CompactionReport> {
  const { store } = backend
  const { dryRun = false, force = false } = options
  const { policy, key } = requestOf(options, store, parts.planChecks)
  const decided = decide(backend, { policy, key, force }, parts)
  const { kept, dropped, unmet } = decided
  const plans = dryRun && backend.capabilities.plans
  const made = plans ? planFor(backend, policy, decided) : null
  const lines = store.lines.filter((line) => kept.has(line.record)).map(parts.copy)
  const records = { before: store.lines.length, after: lines.length }
  const bytes = { before: bytesOfLines(store.lines), after: bytesOfLines(lines) }
  const changed = records.after < records.before
  const generation = { before: store.generation, after: store.generation + (changed ? 1 : 0) }
  if (!dryRun || parts.writesOnDryRun) {
    const { trigger = 'request' } = options
    if (changed) replaceLines(backend, lines, { records, bytes, dropped }, trigger)
    else parts.idle(store, entryOf(backend, { records, bytes, dropped }, trigger))
  }
  const report: CompactionReport = {
    backend: backend.name,
    location: backend.handle.location,
    dryRun,
    changed,
    policy,
    generation,
    records,
    bytes,
    dropped,
    unmet,
    notices: [],
    plan: made,
    verified: changed && !dryRun ? true : null,
    durationMs: 0,
  }
  return Promise.resolve(report)
}

type Figures = Pick<CompactionReport, 'records' | 'bytes' | 'dropped'>

function entryOf(
  { store, handle }: ArrayBackend,
  { records, bytes, dropped }: Figures,
  trigger: CompactionTrigger,
): HistoryEntry {
  return {
    what: 'compaction',
    at: handle.clock.now(),
    generation: store.generation,
    recordsRemoved: records.before - records.after,
    bytesRemoved: bytes.before - bytes.after,
    detail: '',
    durationMs: 0,
    trigger,
    dropped,
  }
}

function replaceLines(
  backend: ArrayBackend,
  lines: Line[],
  figures: Figures,
  trigger: CompactionTrigger,
): void {
  const { store, handle } = backend
  store.generation += 1
  const entry = entryOf(backend, figures, trigger)
  store.compactedThrough = store.nextSeq - 1
  store.lines = lines
  if (!backend.begun) store.closed = closedLines(store)
  store.verifiedAt = handle.clock.now()
  store.totals.compactions += 1
  store.totals.recordsDropped += entry.recordsRemoved
  store.totals.bytesReclaimed += entry.bytesRemoved
  store.history.push(entry)
  measure(store)
}
