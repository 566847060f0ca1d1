import {
  RECORD_KINDS,
  type DropReason,
  type ReadQuery,
  type RecordMeta,
  type RetentionLimits,
  type RetentionPolicy,
  type StoredRecord,
} from '@papyra/contracts'

const YEAR_2000 = 946_684_800_000
const AHEAD_MS = 60_000

/** True if an age limit may look at this time. */
export function isUsableTime(timestamp: number, now: number): boolean {
  return Number.isFinite(timestamp) && timestamp >= YEAR_2000 && timestamp <= now + AHEAD_MS
}

/** What `read` must give for a query, from an array in the order of the numbers. */
export function selectRecords<T extends RecordMeta>(
  records: readonly T[],
  query: ReadQuery = {},
): T[] {
  const { kinds, since, until, afterSeq, beforeSeq, order, limit } = query
  const selected = records.filter(
    (record) =>
      (kinds === undefined || kinds.includes(record.kind)) &&
      // A comparison with NaN is false, so that a record without a time matches no time limit.
      (since === undefined || record.timestamp >= since) &&
      (until === undefined || record.timestamp < until) &&
      (afterSeq === undefined || record.seq > afterSeq) &&
      (beforeSeq === undefined || record.seq < beforeSeq),
  )
  if (order === 'newest') selected.reverse()
  return limit === undefined ? selected : selected.slice(0, limit)
}

/** A record that a policy drops, and the limit that decided. */
export interface ModelDrop {
  readonly seq: number
  readonly kind: string
  readonly bytes: number
  readonly reason: DropReason
  readonly limit: string
}

/** What a policy makes of an array of records. */
export interface ModelPlan {
  /** Numbers of the records that stay, ascending. */
  readonly kept: readonly number[]
  /** In ascending order of the numbers. */
  readonly dropped: readonly ModelDrop[]
}

/** What a set of limits looks at, and which of it a size limit may take. */
interface Scope {
  /** What stands before the name of a limit. */
  readonly prefix: string
  readonly limits: RetentionLimits
  readonly has: (record: RecordMeta) => boolean
  readonly mayTake: (record: RecordMeta, limit: keyof RetentionLimits) => boolean
}

const KNOWN: ReadonlySet<string> = new Set(RECORD_KINDS)

/** The kinds with limits of their own first, then the whole log. */
function scopesOf(policy: RetentionPolicy): Scope[] {
  const own = new Map<string, RetentionLimits>(Object.entries(policy.perKind ?? {}))
  const kinds = [...own].map(
    ([kind, limits]): Scope => ({
      prefix: `perKind.${kind}.`,
      limits,
      has: (record) => record.kind === kind,
      mayTake: () => true,
    }),
  )
  const log: Scope = {
    prefix: '',
    limits: policy,
    has: () => true,
    mayTake: ({ kind }, limit) => KNOWN.has(kind) && own.get(kind)?.[limit] === undefined,
  }
  return [...kinds, log]
}

function tooOld(records: readonly RecordMeta[], maxAgeSeconds: number, now: number): RecordMeta[] {
  return records.filter(
    ({ kind, timestamp }) =>
      KNOWN.has(kind) && isUsableTime(timestamp, now) && now - timestamp > maxAgeSeconds * 1000,
  )
}

/** The oldest of those that may go, as many as must go until all the records are within `max`. */
function overBudget(
  records: readonly RecordMeta[],
  max: number,
  weight: (record: RecordMeta) => number,
  mayGo: (record: RecordMeta) => boolean,
): RecordMeta[] {
  let total = records.reduce((all, record) => all + weight(record), 0)
  const gone: RecordMeta[] = []
  for (const record of records) {
    if (total <= max) break
    if (!mayGo(record)) continue
    gone.push(record)
    total -= weight(record)
  }
  return gone
}

/** What the limits of one scope take from what is left, as `[limit, reason, records]`. */
function* takenBy(
  scope: Scope,
  left: () => readonly RecordMeta[],
  now: number,
): Generator<readonly [keyof RetentionLimits, DropReason, readonly RecordMeta[]]> {
  const { limits, mayTake } = scope
  const { maxAgeSeconds, maxRecords, maxTotalBytes } = limits
  if (maxAgeSeconds !== undefined) {
    yield ['maxAgeSeconds', 'age', tooOld(left(), maxAgeSeconds, now)]
  }
  if (maxRecords !== undefined) {
    const mayGo = (record: RecordMeta): boolean => mayTake(record, 'maxRecords')
    yield ['maxRecords', 'count', overBudget(left(), maxRecords, () => 1, mayGo)]
  }
  if (maxTotalBytes !== undefined) {
    const newest = left().at(-1)
    const mayGo = (record: RecordMeta): boolean =>
      record !== newest && mayTake(record, 'maxTotalBytes')
    yield ['maxTotalBytes', 'bytes', overBudget(left(), maxTotalBytes, (one) => one.bytes, mayGo)]
  }
}

/**
 * The retention rule, stated as plainly as it can be: age, then count, then bytes; the limits of a
 * kind come before those of the whole log. Limits of the whole log count everything that is left,
 * and take count and bytes only from known kinds without that limit of their own. A byte limit
 * never takes the newest record of what it looks at.
 */
export function planByModel(
  records: readonly RecordMeta[],
  policy: RetentionPolicy,
  now: number,
): ModelPlan {
  const dropped: ModelDrop[] = []
  let left = records
  for (const scope of scopesOf(policy)) {
    for (const [limit, reason, taken] of takenBy(scope, () => left.filter(scope.has), now)) {
      const gone = new Set(taken)
      left = left.filter((record) => !gone.has(record))
      for (const { seq, kind, bytes } of taken) {
        dropped.push({ seq, kind, bytes, reason, limit: `${scope.prefix}${limit}` })
      }
    }
  }
  dropped.sort((a, b) => a.seq - b.seq)
  return { kept: left.map((record) => record.seq), dropped }
}

/** A store as an array: the oracle of the model-based check. */
export class ArrayModel {
  nextSeq = 1
  records: readonly StoredRecord[] = []

  /** Takes over what the store gave back for records that were just appended. */
  append(stored: readonly StoredRecord[]): void {
    this.records = [...this.records, ...stored]
    this.nextSeq += stored.length
  }

  read(query: ReadQuery): StoredRecord[] {
    return selectRecords(this.records, query)
  }

  plan(policy: RetentionPolicy, now: number): ModelPlan {
    return planByModel(this.records, policy, now)
  }

  /** Keeps only what a plan keeps. Numbers go on growing. */
  compact(plan: ModelPlan): void {
    const kept = new Set(plan.kept)
    this.records = this.records.filter((record) => kept.has(record.seq))
  }
}
