import {
  RECORD_KINDS,
  isRecordKind,
  type DropSummary,
  type RecordKind,
  type RecordMeta,
  type SeqRange,
} from '@papyra/contracts'
import type { Judge } from './judge.js'
import type { Amount, RetentionPlan } from './plan-types.js'
import type { DroppingStep } from './steps.js'
import type { KindSummary } from './summary.js'
import { isPlausibleTimestamp, isUsableTimestamp } from './timestamps.js'

type Counted = Pick<
  RetentionPlan,
  'newestSeq' | 'total' | 'kept' | 'oldestKept' | 'dropped' | 'undated' | 'newestUsable'
>

/** What one pass counts: a fixed set of sums. */
export interface Tallies {
  add(meta: RecordMeta, step: DroppingStep | null): void
  /**
   * The same for all records of a kind in a group. Of `unusable` records no age limit can judge the
   * time; where they are is not known if they are some of the group only: see `sawUnusable`.
   */
  addKind(summary: KindSummary, step: DroppingStep | null, unusable: number): void
  /** Takes the time of the newest record that has a plausible one, unless it is known already. */
  sawTime(timestamp: number): void
  /** The place of a record that was counted as one without a usable time already. */
  sawUnusable(seq: number): void
  /** True once the time of the newest record that has a plausible one is known. */
  readonly hasTime: boolean
  /** True once there is a record whose time no age limit can judge. */
  readonly hasUnusable: boolean
  /** Bytes kept of one kind. */
  keptBytes(kind: RecordKind): number
  result(judge: Judge): Counted
}

export function createTallies(now: number): Tallies {
  const sums = { total: none(), kept: none(), undated: none() }
  const keptByKind = { event: none(), audit: none(), dead_letter: none() }
  const taken = nothingTaken()
  let newestUsable: number | null = null

  return {
    get hasTime() {
      return newestUsable !== null
    },
    get hasUnusable() {
      return sums.undated.records > 0
    },
    sawTime(timestamp) {
      if (newestUsable === null && isPlausibleTimestamp(timestamp)) newestUsable = timestamp
    },
    sawUnusable(seq) {
      reach(sums.undated, seq, seq)
    },
    add({ seq, kind, bytes, timestamp }, step) {
      add(sums.total, 1, bytes, seq, seq)
      if (!isUsableTimestamp(timestamp, now)) add(sums.undated, 1, bytes, seq, seq)
      if (newestUsable === null && isPlausibleTimestamp(timestamp)) newestUsable = timestamp
      if (step === null) add(sums.kept, 1, bytes, seq, seq)
      if (!isRecordKind(kind)) return
      if (step === null) add(keptByKind[kind], 1, bytes, seq, seq)
      else add(sumOf(taken[kind], step), 1, bytes, seq, seq)
    },
    addKind({ kind, records, bytes, firstSeq, lastSeq }, step, unusable) {
      add(sums.total, records, bytes, firstSeq, lastSeq)
      sums.undated.records += unusable
      if (unusable === records) reach(sums.undated, firstSeq, lastSeq)
      if (step === null) add(sums.kept, records, bytes, firstSeq, lastSeq)
      if (!isRecordKind(kind)) return
      if (step === null) add(keptByKind[kind], records, bytes, firstSeq, lastSeq)
      else add(sumOf(taken[kind], step), records, bytes, firstSeq, lastSeq)
    },
    keptBytes: (kind) => keptByKind[kind].bytes,
    result: (judge) => ({
      newestSeq: sums.total.last,
      total: amount(sums.total),
      kept: amount(sums.kept),
      oldestKept: sums.kept.records === 0 ? null : sums.kept.first,
      dropped: RECORD_KINDS.flatMap((kind) => summaries(kind, taken[kind], judge)),
      undated: { records: sums.undated.records, seq: range(sums.undated) },
      newestUsable,
    }),
  }
}

type Taken = { readonly [K in RecordKind]: Map<DroppingStep, Sum> }

function nothingTaken(): Taken {
  return { event: new Map(), audit: new Map(), dead_letter: new Map() }
}

interface Sum {
  records: number
  bytes: number
  first: number
  last: number
}

function none(): Sum {
  return { records: 0, bytes: 0, first: Number.POSITIVE_INFINITY, last: 0 }
}

function add(sum: Sum, records: number, bytes: number, first: number, last: number): void {
  reach(sum, first, last)
  sum.records += records
  sum.bytes += bytes
}

function reach(sum: Sum, first: number, last: number): void {
  if (first < sum.first) sum.first = first
  if (last > sum.last) sum.last = last
}

function sumOf(sums: Map<DroppingStep, Sum>, step: DroppingStep): Sum {
  const known = sums.get(step)
  if (known !== undefined) return known
  const sum = none()
  sums.set(step, sum)
  return sum
}

function amount(sum: Sum): Amount {
  return { records: sum.records, bytes: sum.bytes }
}

function range(sum: Sum): SeqRange | null {
  return sum.records === 0 ? null : { first: sum.first, last: sum.last }
}

function summaries(kind: RecordKind, taken: Map<DroppingStep, Sum>, judge: Judge): DropSummary[] {
  return judge.steps(kind).flatMap((step) => {
    const sum = taken.get(step)
    if (sum === undefined) return []
    const seq = { first: sum.first, last: sum.last }
    return [{ kind, reason: step.reason, limit: step.limit, ...amount(sum), seq }]
  })
}
