import {
  RECORD_KINDS,
  isRecordKind,
  type DropSummary,
  type RecordKind,
  type RecordMeta,
  type SeqRange,
} from '@papyra/contracts'
import type { DroppingStep, Judge } from './judge.js'
import type { Amount, RetentionPlan } from './plan-types.js'
import { isPlausibleTimestamp, isUsableTimestamp } from './timestamps.js'

type Counted = Pick<
  RetentionPlan,
  'newestSeq' | 'total' | 'kept' | 'oldestKept' | 'dropped' | 'undated' | 'newestUsable'
>

/** What one pass counts: a fixed set of sums. */
export interface Tallies {
  add(meta: RecordMeta, step: DroppingStep | null): void
  /** Bytes kept of one kind. */
  keptBytes(kind: RecordKind): number
  result(judge: Judge): Counted
}

export function createTallies(now: number): Tallies {
  const sums = { total: none(), kept: none(), undated: none() }
  const keptByKind = { event: none(), audit: none(), dead_letter: none() }
  const taken: { readonly [K in RecordKind]: Map<DroppingStep, Sum> } = {
    event: new Map(),
    audit: new Map(),
    dead_letter: new Map(),
  }
  let newestUsable: number | null = null

  return {
    add(meta, step) {
      add(sums.total, meta)
      if (!isUsableTimestamp(meta.timestamp, now)) add(sums.undated, meta)
      if (newestUsable === null && isPlausibleTimestamp(meta.timestamp))
        newestUsable = meta.timestamp
      if (step === null) add(sums.kept, meta)
      if (!isRecordKind(meta.kind)) return
      if (step === null) add(keptByKind[meta.kind], meta)
      else add(sumOf(taken[meta.kind], step), meta)
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

interface Sum {
  records: number
  bytes: number
  first: number
  last: number
}

function none(): Sum {
  return { records: 0, bytes: 0, first: 0, last: 0 }
}

/** Records come newest first, so the first one added has the greatest number. */
function add(sum: Sum, meta: RecordMeta): void {
  if (sum.records === 0) sum.last = meta.seq
  sum.first = meta.seq
  sum.records += 1
  sum.bytes += meta.bytes
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
