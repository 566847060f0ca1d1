import type {
  CodeKey,
  CompactionTrigger,
  HistoryEntry,
  MetricKey,
  RecordedLoss,
} from '@papyra/contracts'
import { type ClosedFigures, HISTORY_LIMIT, type Sidecar, type Totals } from '../format/sidecar.js'
import type { VfsStat } from '../vfs.js'

/** Under which keys a store counts. */
export type CountKey = MetricKey | CodeKey

/** Counters by key; what is absent is 0. */
export type Counts = { readonly [K in CountKey]?: number }

export function addCounts(a: Counts, b: Counts): Counts {
  const sum: { [K in CountKey]?: number } = { ...a }
  for (const [key, value] of Object.entries(b) as [CountKey, number][]) {
    if (value !== 0) sum[key] = (sum[key] ?? 0) + value
  }
  return sum
}

/** How far a log reaches: the last acknowledged number and the offset just behind it. */
export interface Reach {
  readonly seq: number
  readonly offset: number
}

/** Counts what was appended since the totals were last brought up to date. */
export function countAppends(totals: Totals, reach: Reach): Totals {
  const countedSeq = Math.max(totals.countedSeq, reach.seq)
  const values = addCounts(totals.values, {
    recordsWritten: countedSeq - totals.countedSeq,
    bytesWritten: Math.max(0, reach.offset - totals.countedBytes),
  })
  return { values, countedSeq, countedBytes: reach.offset }
}

export function withEntry(
  history: readonly HistoryEntry[],
  entry: HistoryEntry,
): readonly HistoryEntry[] {
  return [...history, entry].slice(-HISTORY_LIMIT)
}

/** Runs that nobody stood by are recorded even if they removed nothing. */
export function recordsIdle(trigger: CompactionTrigger): boolean {
  return trigger !== 'request'
}

/**
 * The history with a compaction that removed nothing. As long as nothing else happens in between,
 * such runs of one asker have one entry, that of the last: they must not push out what did happen.
 */
export function withIdleRun(
  history: readonly HistoryEntry[],
  run: Required<Pick<HistoryEntry, 'at' | 'generation' | 'trigger' | 'durationMs'>>,
): readonly HistoryEntry[] {
  const before = history.findLastIndex((entry) => !isIdle(entry))
  const others = history.filter(({ trigger }, i) => i <= before || trigger !== run.trigger)
  const nothing = { recordsRemoved: 0, bytesRemoved: 0, detail: '', dropped: [] }
  return withEntry(others, { what: 'compaction', ...run, ...nothing })
}

function isIdle({ what, recordsRemoved, bytesRemoved, detail }: HistoryEntry): boolean {
  return what === 'compaction' && recordsRemoved === 0 && bytesRemoved === 0 && detail === ''
}

/** Adds losses; one that is on record already is not recorded twice. */
export function withLosses(
  known: readonly RecordedLoss[],
  more: readonly RecordedLoss[],
): readonly RecordedLoss[] {
  const key = (loss: RecordedLoss): string =>
    `${loss.code} ${loss.seq?.first} ${loss.seq?.last} ${loss.records} ${loss.at}`
  const seen = new Set(known.map(key))
  return [...known, ...more.filter((loss) => !seen.has(key(loss)))]
}

/** What a file looks like now that nobody will write to it any more. */
export function closedFigures(
  stat: VfsStat,
  figures: { readonly at: number; readonly lastSeq: number; readonly records: number },
): ClosedFigures {
  const fingerprint = {
    inode: String(stat.inode),
    size: stat.size,
    mtimeNs: String(stat.mtimeNs),
    ctimeNs: String(stat.ctimeNs),
  }
  return { ...figures, bytes: stat.size, fingerprint }
}

/** The sidecar once the rewrite that it announces is in place. */
export function settled(sidecar: Sidecar): Sidecar {
  const { next, pending } = sidecar
  if (next === null) return sidecar
  const base = {
    ...sidecar,
    generation: next,
    next: null,
    pending: null,
    clean: false,
    closed: null,
    // Nobody has read the new file yet.
    verifiedAt: null,
  }
  if (pending === undefined || pending === null) return base
  const { entry, losses, ...figures } = pending
  return {
    ...base,
    ...figures,
    history: withEntry(sidecar.history, entry),
    losses: withLosses(sidecar.losses, losses),
  }
}
