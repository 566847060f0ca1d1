import {
  METRIC_DEFINITIONS,
  type HistoryEntry,
  type MetricKey,
  type MetricsSnapshot,
  type RecordedLoss,
  type RetentionPolicy,
  type StoredRecord,
} from '@papyra/contracts'

/** One line of the array: a record, or what damage made of it. */
export interface Line {
  readonly record: StoredRecord
  readonly state: 'sound' | 'corrupt' | 'torn'
}

export type Totals = { -readonly [K in MetricKey]: number }

/** What would be a file and its sidecar in a real backend. */
export interface ArrayStore {
  readonly logId: string
  readonly createdAt: number
  lines: Line[]
  nextSeq: number
  generation: number
  compactedThrough: number
  retention: RetentionPolicy | null
  history: HistoryEntry[]
  losses: RecordedLoss[]
  totals: Totals
  baseline: Totals
  resetAt: number | null
  verifiedAt: number | null
  /** The lines as they were when the last owner closed; `null` while one has begun. */
  closed: readonly Line[] | null
}

/** Where a store may be, and who owns it. Outlives every backend that is opened on it. */
export interface Place {
  store: ArrayStore | null
  owner: object | null
}

function noTotals(): Totals {
  return Object.fromEntries(METRIC_DEFINITIONS.map(({ key }) => [key, 0])) as Totals
}

export function newStore(now: number): ArrayStore {
  return {
    logId: crypto.randomUUID(),
    createdAt: now,
    lines: [],
    nextSeq: 1,
    generation: 1,
    compactedThrough: 0,
    retention: null,
    history: [],
    losses: [],
    totals: noTotals(),
    baseline: noTotals(),
    resetAt: null,
    verifiedAt: now,
    closed: [],
  }
}

/** What the lines are at a clean close: a later look tells by it whether they were touched. */
export function closedLines(store: ArrayStore): readonly Line[] {
  return [...store.lines]
}

/** True if the store was closed cleanly and is as it was then. */
export function isUntouched({ closed, lines }: ArrayStore): boolean {
  return closed?.length === lines.length && lines.every((line, index) => line === closed[index])
}

export function soundRecords(store: ArrayStore): StoredRecord[] {
  return store.lines.filter((line) => line.state === 'sound').map((line) => line.record)
}

export function bytesOfLines(lines: readonly Line[]): number {
  return lines.reduce((bytes, line) => bytes + line.record.bytes, 0)
}

/** Sets the gauges to what is stored now. */
export function measure(store: ArrayStore): void {
  store.totals.recordsStored = soundRecords(store).length
  store.totals.bytesStored = bytesOfLines(store.lines)
}

export function snapshot(store: ArrayStore): MetricsSnapshot {
  const sinceReset = { ...store.totals }
  for (const { key, type } of METRIC_DEFINITIONS) {
    if (type === 'counter') sinceReset[key] -= store.baseline[key]
  }
  const { createdAt, resetAt } = store
  return { totals: { ...store.totals }, sinceReset, createdAt, resetAt }
}
