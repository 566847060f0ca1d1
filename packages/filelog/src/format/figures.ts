import type { RecordMeta } from '@papyra/contracts'

/** What a part of a log holds of one kind: all that retention needs to judge it unread. */
export interface KindFigures {
  readonly kind: string
  readonly records: number
  /** Bytes of its lines, line ends counted. */
  readonly bytes: number
  readonly firstSeq: number
  readonly lastSeq: number
  /** Of the records whose time is a finite number from the year 2000 on, in ms; `null` if none is. */
  readonly minTimestamp: number | null
  readonly maxTimestamp: number | null
  /** Records with any other time. */
  readonly undated: number
}

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

/** The figures of at most so many kinds stand in a block's mark. */
const MOST_KINDS = 16

/** The figures of a block as its mark has them: a row a kind. `null` if they are too many for it. */
export function encodeFigures(kinds: readonly KindFigures[]): string | null {
  if (kinds.length === 0 || kinds.length > MOST_KINDS) return null
  if (!kinds.every(({ kind }) => /^[\x20-\x7e]+$/.test(kind))) return null
  const rows = kinds.map((one) => {
    const { kind, records, bytes, firstSeq, lastSeq } = one
    const { minTimestamp, maxTimestamp, undated } = one
    return [kind, records, bytes, firstSeq, lastSeq, minTimestamp, maxTimestamp, undated]
  })
  return JSON.stringify(rows)
}

/** Reads them; `undefined` if they are none, or contradict each other. */
export function decodeFigures(value: unknown): readonly KindFigures[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const kinds = value.map(decodeRow)
  const names = new Set(kinds.map((one) => one?.kind))
  if (names.size !== kinds.length) return undefined
  return kinds.every((one) => one !== null) ? kinds : undefined
}

function decodeRow(row: unknown): KindFigures | null {
  if (!Array.isArray(row) || row.length !== 8) return null
  const [kind, records, bytes, firstSeq, lastSeq, min, max, undated] = row as unknown[]
  if (typeof kind !== 'string' || !isCount(records) || !isCount(bytes)) return null
  if (!isCount(firstSeq) || !isCount(lastSeq) || !isTime(min) || !isTime(max)) return null
  if (undated !== 0 && !isCount(undated)) return null
  const dated = records - undated
  const fits = firstSeq > 0 && records > 0 && bytes >= records && dated >= 0
  if (!fits || lastSeq - firstSeq + 1 < records) return null
  if ((min === null) !== (dated === 0) || (max === null) !== (dated === 0)) return null
  if (min !== null && max !== null && min > max) return null
  return { kind, records, bytes, firstSeq, lastSeq, minTimestamp: min, maxTimestamp: max, undated }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isTime(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && value >= YEAR_2000 && value < Infinity)
}

/** What a part of a log holds of each kind, record by record, the oldest first. */
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
    this.addAll(kinds)
  }

  /** Counts records that were summed up, and that come behind all before. */
  addAll(kinds: readonly KindFigures[]): void {
    this.#sum = null
    for (const { kind, minTimestamp, maxTimestamp, ...more } of kinds) {
      const sum = this.#sumOf(kind, more.firstSeq)
      this.#records += more.records
      sum.records += more.records
      sum.bytes += more.bytes
      sum.lastSeq = more.lastSeq
      sum.min = Math.min(sum.min, minTimestamp ?? Infinity)
      sum.max = Math.max(sum.max, maxTimestamp ?? -Infinity)
      sum.undated += more.undated
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

/** The figures of these records, the oldest first. */
export function figuresOf(metas: Iterable<RecordMeta>): readonly KindFigures[] {
  const meter = new FiguresMeter()
  for (const meta of metas) meter.add(meta)
  return meter.kinds()
}
