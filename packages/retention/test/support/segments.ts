import type { RecordMeta } from '@papyra/contracts'
import { OLDEST_USABLE_MS, type KindSummary, type Summary } from '@papyra/retention'

/** A group of records that counts how often and how far it is read. */
export class Segment implements Summary {
  readonly kinds: readonly KindSummary[]
  reads = 0
  recordsRead = 0
  readonly records: readonly RecordMeta[]
  readonly #batch: number

  /** The records oldest first; given in batches of so many. */
  constructor(records: readonly RecordMeta[], batch: number = 3) {
    this.records = records
    this.#batch = batch
    const kinds = [...new Set(records.map(({ kind }) => kind))]
    this.kinds = kinds.map((kind) => summaryOf(records.filter((meta) => meta.kind === kind)))
  }

  async *metas(): AsyncGenerator<readonly RecordMeta[]> {
    this.reads++
    const newestFirst = [...this.records].reverse()
    for (let at = 0; at < newestFirst.length; at += this.#batch) {
      const batch = newestFirst.slice(at, at + this.#batch)
      this.recordsRead += batch.length
      yield batch
    }
  }
}

function summaryOf(records: readonly RecordMeta[]): KindSummary {
  const seqs = records.map(({ seq }) => seq)
  const times = records.map(({ timestamp }) => timestamp)
  const dated = times.filter((time) => Number.isFinite(time) && time >= OLDEST_USABLE_MS)
  return {
    kind: records[0]?.kind ?? '',
    records: records.length,
    bytes: records.reduce((sum, { bytes }) => sum + bytes, 0),
    firstSeq: Math.min(...seqs),
    lastSeq: Math.max(...seqs),
    minTimestamp: dated.length === 0 ? null : Math.min(...dated),
    maxTimestamp: dated.length === 0 ? null : Math.max(...dated),
    undated: times.length - dated.length,
  }
}

/** Cuts records, oldest first, into segments; a size of 0 makes an empty one. */
export function cut(records: readonly RecordMeta[], sizes: readonly number[]): Segment[] {
  const segments: Segment[] = []
  let at = 0
  for (const size of sizes) {
    segments.push(new Segment(records.slice(at, at + size)))
    at += size
  }
  return [...segments, new Segment(records.slice(at))]
}

/** The segments as a source, the newest first. */
export async function* newestFirst(segments: readonly Segment[]): AsyncGenerator<Summary> {
  yield* [...segments].reverse()
}
