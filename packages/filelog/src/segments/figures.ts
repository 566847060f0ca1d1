import type { RecordMeta } from '@papyra/contracts'
import type { KindFigures } from './manifest.js'

/** 2000-01-01 in ms: times before it are clock readings of another sort, not times of records. */
const YEAR_2000 = 946_684_800_000

interface Sum {
  records: number
  bytes: number
  firstSeq: number
  lastSeq: number
  min: number
  max: number
  undated: number
}

/** What a segment holds of each kind, record by record, the oldest first. */
export class FiguresMeter {
  #sums: Map<string, Sum> = new Map()
  #records: number = 0
  /** Of the kind that came last: mostly the next one's too. */
  #kind: string = ''
  #sum: Sum | null = null

  get records(): number {
    return this.#records
  }

  /** Counts a record: its time in ms, its bytes with the line end. */
  add({ seq, kind, timestamp, bytes }: RecordMeta): void {
    this.count(seq, kind, timestamp, bytes)
  }

  /** The same, without an object for each record. */
  count(seq: number, kind: string, timestamp: number, bytes: number): void {
    this.#records++
    const sum = kind === this.#kind && this.#sum !== null ? this.#sum : this.#sumOf(kind, seq)
    sum.records++
    sum.bytes += bytes
    sum.lastSeq = seq
    if (!(timestamp >= YEAR_2000 && timestamp < Infinity)) sum.undated++
    else {
      if (timestamp < sum.min) sum.min = timestamp
      if (timestamp > sum.max) sum.max = timestamp
    }
  }

  #sumOf(kind: string, seq: number): Sum {
    let sum = this.#sums.get(kind)
    if (sum === undefined) {
      const none = { records: 0, bytes: 0, min: Infinity, max: -Infinity, undated: 0 }
      sum = { ...none, firstSeq: seq, lastSeq: seq }
      this.#sums.set(kind, sum)
    }
    this.#kind = kind
    this.#sum = sum
    return sum
  }

  /** A copy to go back to, for a batch that may have to be undone. */
  snapshot(): FiguresMeter {
    const copy = new FiguresMeter()
    copy.restore(this)
    return copy
  }

  restore(from: FiguresMeter): void {
    this.#records = from.#records
    this.#sums = new Map([...from.#sums].map(([kind, sum]) => [kind, { ...sum }]))
    this.#sum = null
  }

  /** Goes on from what a manifest says. */
  load(kinds: readonly KindFigures[]): void {
    this.reset()
    for (const { kind, minTimestamp, maxTimestamp, ...sum } of kinds) {
      this.#records += sum.records
      this.#sums.set(kind, {
        ...sum,
        min: minTimestamp ?? Infinity,
        max: maxTimestamp ?? -Infinity,
      })
    }
  }

  /** Forgets everything: the next segment begins. */
  reset(): void {
    this.#records = 0
    this.#sums = new Map()
    this.#sum = null
  }

  kinds(): readonly KindFigures[] {
    return [...this.#sums].map(([kind, { min, max, ...sum }]) => ({
      kind,
      ...sum,
      minTimestamp: min === Infinity ? null : min,
      maxTimestamp: max === -Infinity ? null : max,
    }))
  }
}
