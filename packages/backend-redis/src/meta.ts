import {
  METRIC_DEFINITIONS,
  codeCounts,
  PapyraError,
  type HistoryEntry,
  type MetricKey,
  type MetricsSnapshot,
  type MetricValues,
  type RecordedLoss,
  type RetentionPolicy,
  type SeqRange,
} from '@papyra/contracts'
import type { Argument, Reply } from './connection.js'
import { list, text } from './entry.js'
import { bytesOfHoles, parseHoles, sizeOfHoles, type Holes } from './holes.js'
import { KINDS } from './keys.js'

const FORMAT = '1'
/** How many partitions a store has; one of several is for a later version. */
const PARTITIONS = '1'
const HISTORY_LENGTH = 100

/** What is known of the records of one kind. */
export interface KindState {
  readonly kind: string
  /** Records and bytes that were ever added. */
  readonly added: number
  readonly addedBytes: number
  /** What is known to be gone: compacted, lost, or trimmed from outside. */
  readonly holes: Holes
  /** How many of these were trimmed from outside. */
  readonly trimmed: number
}

/** A loss that a writer noticed and that no recovery has recorded yet. */
export interface Suspicion {
  readonly seq: SeqRange
  readonly at: number
}

/** A group of consumers as the store remembers it. */
export interface KnownGroup {
  readonly kind: string
  readonly group: string
  readonly done: number
}

/** The key `:meta`, read. */
export interface Meta {
  readonly logId: string
  readonly rev: string
  readonly epoch: number
  readonly generation: number
  readonly createdAt: number
  readonly seq: number
  readonly kinds: readonly KindState[]
  readonly suspect: Suspicion | null
  /** What checksums start from, of a store whose `:meta` was rebuilt; else it follows from the id. */
  readonly seed: number | null
  /** True if it is not there: this is what the streams tell. */
  readonly rebuilt: boolean
  readonly retention: RetentionPolicy | null
  readonly history: readonly HistoryEntry[]
  readonly losses: readonly RecordedLoss[]
  readonly verifiedAt: number | null
  readonly compactedThrough: number
  /** Groups of consumers that were made and not removed, and up to which number they handled all. */
  readonly groups: readonly KnownGroup[]
  readonly counts: (field: string) => number
  readonly baseline: MetricValues | null
  readonly resetAt: number | null
}

/** The fields of a new store. */
export function newMeta(logId: string, now: number): Argument[] {
  const created: HistoryEntry = {
    what: 'created',
    at: now,
    generation: 1,
    recordsRemoved: 0,
    bytesRemoved: 0,
    detail: '',
  }
  const fields: Record<string, string> = {
    format: FORMAT,
    partitions: PARTITIONS,
    log_id: logId,
    rev: '0',
    epoch: '1',
    generation: '1',
    created: String(now),
    seq: '0',
    kinds: KINDS.join(','),
    history: JSON.stringify([created]),
    losses: '[]',
  }
  for (const kind of KINDS) {
    for (const field of ['added', 'bytes', 'gone']) fields[`${field}:${kind}`] = '0'
    fields[`holes:${kind}`] = ''
  }
  return Object.entries(fields).flat()
}

/** Reads the answer of HGETALL; `null` if there is no such key. Throws `newer_format`, `not_a_log`. */
export function readMeta(reply: Reply, location: string): Meta | null {
  const flat = list(reply)
  if (flat.length === 0) return null
  const fields = new Map<string, string>()
  for (let at = 0; at < flat.length; at += 2) fields.set(text(flat[at]), text(flat[at + 1]))
  const format = fields.get('format')
  const logId = fields.get('log_id')
  if (format === undefined || logId === undefined) throw refuse('not_a_log', location)
  const partitions = fields.get('partitions') ?? PARTITIONS
  if (format !== FORMAT || partitions !== PARTITIONS) throw refuse('newer_format', location)
  try {
    return parse(logId, fields)
  } catch {
    throw refuse('not_a_log', location)
  }
}

function parse(logId: string, fields: ReadonlyMap<string, string>): Meta {
  const count = (field: string): number => Number(fields.get(field) ?? 0)
  const json = <T>(field: string, none: T): T => {
    const value = fields.get(field)
    return value === undefined ? none : (JSON.parse(value) as T)
  }
  const time = (field: string): number | null => (fields.has(field) ? count(field) : null)
  return {
    logId,
    rev: fields.get('rev') ?? '0',
    epoch: count('epoch'),
    generation: count('generation'),
    createdAt: count('created'),
    seq: count('seq'),
    kinds: (fields.get('kinds') ?? KINDS.join(',')).split(',').map((kind) => ({
      kind,
      added: count(`added:${kind}`),
      addedBytes: count(`bytes:${kind}`),
      holes: parseHoles(fields.get(`holes:${kind}`) ?? ''),
      trimmed: count(`trimmed:${kind}`),
    })),
    suspect: json<Suspicion | null>('suspect', null),
    seed: time('seed'),
    rebuilt: false,
    retention: json<RetentionPolicy | null>('retention', null),
    history: json<HistoryEntry[]>('history', []),
    losses: json<RecordedLoss[]>('losses', []),
    verifiedAt: time('verified_at'),
    compactedThrough: count('compacted_through'),
    groups: groupsIn(fields),
    counts: count,
    baseline: json<MetricValues | null>('baseline', null),
    resetAt: time('reset_at'),
  }
}

function groupsIn(fields: ReadonlyMap<string, string>): KnownGroup[] {
  return [...fields].flatMap(([field, value]) => {
    const [, kind, group] = /^group:([^:]+):([^:]+):done$/.exec(field) ?? []
    return kind === undefined || group === undefined ? [] : [{ kind, group, done: Number(value) }]
  })
}

function refuse(code: 'not_a_log' | 'newer_format', location: string): PapyraError {
  const why = code === 'not_a_log' ? 'is no Papyra store' : 'was written by a later version'
  return new PapyraError(code, `What is at ${location} ${why}.`, { details: { location } })
}

/** Records and bytes in the store now, as far as nobody took any from outside. */
export function stored(meta: Meta): { readonly records: number; readonly bytes: number } {
  let [records, bytes] = [0, 0]
  for (const kind of meta.kinds) {
    records += kind.added - sizeOfHoles(kind.holes)
    bytes += kind.addedBytes - bytesOfHoles(kind.holes)
  }
  return { records, bytes }
}

export function metricsOf(meta: Meta): MetricsSnapshot {
  const { records, bytes } = stored(meta)
  const sum = (pick: (kind: KindState) => number): number =>
    meta.kinds.reduce((total, kind) => total + pick(kind), 0)
  const own: Partial<Record<MetricKey, number>> = {
    recordsWritten: sum((kind) => kind.added),
    bytesWritten: sum((kind) => kind.addedBytes),
    recordsStored: records,
    bytesStored: bytes,
  }
  const values = (value: (key: MetricKey, counter: boolean) => number): MetricValues =>
    Object.fromEntries(
      METRIC_DEFINITIONS.map(({ key, type }) => [key, value(key, type === 'counter')]),
    ) as MetricValues
  const total = (key: MetricKey): number => own[key] ?? meta.counts(`m:${key}`)
  const { baseline, createdAt, resetAt } = meta
  const sinceReset = values((key, counter) => total(key) - (counter ? (baseline?.[key] ?? 0) : 0))
  const byCode = codeCounts((key) => meta.counts(`m:${key}`))
  return { totals: values(total), sinceReset, createdAt, resetAt, byCode }
}

/** The history with one run more, as text; the oldest runs go. */
export function longerHistory(meta: Meta, entry: HistoryEntry): string {
  return JSON.stringify([...meta.history, entry].slice(-HISTORY_LENGTH))
}

/** The history with a run that removed nothing, as text; it takes the place of the last such run. */
export function withIdleRun(meta: Meta, entry: HistoryEntry): string {
  const last = meta.history.findLastIndex((one) => !isIdle(one))
  const others = meta.history.filter((one, i) => i <= last || one.trigger !== entry.trigger)
  return longerHistory({ ...meta, history: others }, entry)
}

function isIdle({ what, recordsRemoved, bytesRemoved, detail }: HistoryEntry): boolean {
  return what === 'compaction' && recordsRemoved + bytesRemoved === 0 && detail === ''
}
