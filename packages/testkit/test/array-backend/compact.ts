import {
  PapyraError,
  type CompactionReport,
  type CompactOptions,
  type RetentionPolicy,
} from '@papyra/contracts'
import type { ArrayBackend } from './array-backend.js'
import { checkPolicy, plan, type Plan } from './retain.js'
import { bytesOfLines, measure, soundRecords, type Line } from './store.js'

/** The parts of a compaction, so that a broken backend can replace one of them. */
export interface CompactParts {
  readonly check: (policy: RetentionPolicy) => void
  readonly plan: typeof plan
  readonly clockIsSuspect: (backend: ArrayBackend) => boolean
  /** What becomes of a line that stays. */
  readonly copy: (line: Line) => Line
  readonly writesOnDryRun: boolean
}

export const soundParts: CompactParts = {
  check: checkPolicy,
  plan,
  clockIsSuspect,
  copy: (line) => line,
  writesOnDryRun: false,
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

function refuse(backend: ArrayBackend, options: CompactOptions, parts: CompactParts): Plan {
  parts.check(options.policy)
  if (backend.damage().length > 0) throw new PapyraError('anomalies_found', 'Recover first.')
  const force = options.force === true
  if (!force && hasAge(options.policy) && parts.clockIsSuspect(backend)) {
    throw new PapyraError('clock_suspect', 'The clock is suspect.')
  }
  const records = soundRecords(backend.store)
  const result = parts.plan(records, options.policy, backend.handle.clock.now())
  if (!force && records.length > 0 && result.kept.size === 0) {
    throw new PapyraError('drop_all_refused', 'Everything would go.')
  }
  return result
}

export function compactStore(
  backend: ArrayBackend,
  options: CompactOptions,
  parts: CompactParts,
): Promise<CompactionReport> {
  const { store } = backend
  const { policy, dryRun = false } = options
  const { kept, dropped, unmet } = refuse(backend, options, parts)
  const lines = store.lines.filter((line) => kept.has(line.record)).map(parts.copy)
  const records = { before: store.lines.length, after: lines.length }
  const bytes = { before: bytesOfLines(store.lines), after: bytesOfLines(lines) }
  const changed = records.after < records.before
  const generation = { before: store.generation, after: store.generation + (changed ? 1 : 0) }
  if (!dryRun || parts.writesOnDryRun) {
    if (changed) replaceLines(backend, lines, { records, bytes })
    store.totals.compactions += 1
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
    verified: changed && !dryRun ? true : null,
    durationMs: 0,
  }
  return Promise.resolve(report)
}

function replaceLines(
  { store, handle }: ArrayBackend,
  lines: Line[],
  figures: Pick<CompactionReport, 'records' | 'bytes'>,
): void {
  const recordsRemoved = figures.records.before - figures.records.after
  const bytesRemoved = figures.bytes.before - figures.bytes.after
  store.generation += 1
  store.compactedThrough = store.nextSeq - 1
  store.lines = lines
  store.totals.recordsDropped += recordsRemoved
  store.totals.bytesReclaimed += bytesRemoved
  store.history.push({
    what: 'compaction',
    at: handle.clock.now(),
    generation: store.generation,
    recordsRemoved,
    bytesRemoved,
    detail: '',
  })
  measure(store)
}
