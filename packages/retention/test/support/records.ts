import type { RecordMeta, RetentionPolicy } from '@papyra/contracts'
import { planRetention, verdict, type RetentionPlan } from '@papyra/retention'

/** 2024-01-01T00:00:00Z. */
export const NOW: number = 1_704_067_200_000

/** A record written `ageSeconds` before `NOW`; an event of 10 bytes unless said otherwise. */
export function record(
  seq: number,
  {
    kind = 'event',
    age = 0,
    bytes = 10,
    timestamp = NOW - age * 1000,
  }: {
    kind?: string
    age?: number
    bytes?: number
    timestamp?: number
  } = {},
): RecordMeta {
  return { seq, kind, timestamp, bytes }
}

/** Records 1 to `count` of one kind. */
export function series(
  first: number,
  count: number,
  options: { kind?: string; age?: number; bytes?: number } = {},
): RecordMeta[] {
  return Array.from({ length: count }, (_, index) => record(first + index, options))
}

/** A source that counts its passes. */
export class Source {
  passes = 0
  readonly records: RecordMeta[]

  constructor(records: readonly RecordMeta[]) {
    this.records = [...records].sort((a, b) => b.seq - a.seq)
  }

  readonly read = (): AsyncIterable<RecordMeta> => {
    this.passes += 1
    return stream(this.records)
  }
}

export async function* stream(records: Iterable<RecordMeta>): AsyncGenerator<RecordMeta> {
  yield* records
}

export async function planOf(
  records: readonly RecordMeta[],
  policy: RetentionPolicy,
  now: number = NOW,
): Promise<RetentionPlan> {
  return await planRetention(new Source(records).read, policy, { now })
}

export function keptSeqs(plan: RetentionPlan, records: readonly RecordMeta[]): number[] {
  return records
    .filter((meta) => verdict(plan, meta) === null)
    .map((meta) => meta.seq)
    .sort((a, b) => a - b)
}

/** The limit that drops a record, or `kept`. */
export function fate(plan: RetentionPlan, meta: RecordMeta): string {
  return verdict(plan, meta)?.limit ?? 'kept'
}
