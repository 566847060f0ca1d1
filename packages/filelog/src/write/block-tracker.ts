import { chainStart, encodeBlockMark, lastPresent, type BlockMark } from '../format/block-mark.js'
import { checksum, hex8 } from '../format/checksum.js'
import { shiftChecksum } from '../format/crc-shift.js'
import { FiguresMeter, type KindFigures } from '../format/figures.js'
import type { OpenBlock } from '../scan-types.js'

export interface BlockTrackerStart {
  readonly seed: number
  /** Of the log; every mark repeats it. */
  readonly generation: number
  /** Byte offset of the next record. */
  readonly offset: number
  /** The last number that earlier marks answer for; the first block answers from the next one on. */
  readonly after: number
  /** Records of the log so far. */
  readonly total: number
  /** The checksum of the mark before, as hex; for a log's first block `chainStart`. */
  readonly prev: string
  /** A block is due as soon as it has so many bytes. */
  readonly blockBytes: number
  /** A block that was begun already; then `offset`, `after`, `total` and `prev` are its. */
  readonly open?: OpenBlock
}

/**
 * How the checksum of the whole file differs from that of the open block, when the block had `bytes`
 * bytes. What it is later follows from that: nothing is summed twice.
 */
interface Whole {
  readonly difference: number
  readonly bytes: number
}

/** Everything that a tracker knows; opaque, for `restore`. */
export interface BlockSnapshot {
  readonly block: OpenBlock
  readonly lastSeq: number
  readonly runs: readonly number[]
  readonly whole: Whole | null
  readonly figures: FiguresMeter | null
}

/**
 * Follows the records that are written and makes the marks that stand behind each block. For each
 * record call `record`, for its bytes `sum` (for many at once, if no mark is between them).
 */
export class BlockTracker {
  readonly #seed: number
  readonly #generation: number
  readonly #blockBytes: number
  #offset: number
  #bytes: number
  #records: number
  #after: number
  #firstSeq: number
  #lastSeq: number
  #total: number
  #prev: string
  #sum: number
  /** Counts of missing and present numbers, in turn, from `after + 1` on; always of even length. */
  #runs: number[]
  #whole: Whole | null = null
  /** What the open block holds of each kind; `null` if that is not known of a part of it. */
  #figures: FiguresMeter | null

  constructor(start: BlockTrackerStart) {
    this.#seed = start.seed
    this.#generation = start.generation
    this.#blockBytes = start.blockBytes
    const { open } = start
    this.#offset = open?.offset ?? start.offset
    this.#bytes = open?.bytes ?? 0
    this.#records = open?.records ?? 0
    this.#after = open?.after ?? start.after
    this.#firstSeq = open?.firstSeq ?? 0
    this.#total = open?.total ?? start.total
    this.#prev = open?.prev ?? start.prev
    this.#sum = open?.sum ?? start.seed
    const missing = this.#records === 0 ? 0 : this.#firstSeq - this.#after - 1
    this.#runs = this.#records === 0 ? [] : [missing, this.#records]
    this.#lastSeq = this.#after + missing + this.#records
    this.#figures = this.#records === 0 ? new FiguresMeter() : null
  }

  /** The last number that was recorded or that a mark answers for. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Byte offset behind the last record or mark. */
  get end(): number {
    return this.#offset + this.#bytes
  }

  /** What the open block holds of each kind; `null` if that is not known. */
  get kinds(): readonly KindFigures[] | null {
    return this.#figures?.kinds() ?? null
  }

  /** The checksum of all bytes of the file, seeded like a line's; `null` unless it is kept. */
  get whole(): number | null {
    if (this.#whole === null) return null
    const { difference, bytes } = this.#whole
    return (this.#sum ^ shiftChecksum(difference, this.#bytes - bytes)) >>> 0
  }

  /** Keeps the checksum of the whole file from here on, where it is `sum`. */
  keepWhole(sum: number): void {
    this.#whole = { difference: (sum ^ this.#sum) >>> 0, bytes: this.#bytes }
  }

  /**
   * One more record, its line's end counted, its time in ms as a reader gets it back; its number must
   * be above all before. Without its kind the figures of the block are not known.
   */
  record(seq: number, bytes: number, kind?: string, timestamp: number = Number.NaN): void {
    const gap = seq - this.#lastSeq - 1
    const runs = this.#runs
    if (gap < 0) throw new RangeError(`${seq} does not follow ${this.#lastSeq}`)
    if (gap === 0 && runs.length > 0) (runs[runs.length - 1] as number)++
    else runs.push(gap, 1)
    if (this.#records === 0) this.#firstSeq = seq
    this.#lastSeq = seq
    this.#bytes += bytes
    this.#records++
    this.#total++
    if (kind === undefined) this.#figures = null
    else this.#figures?.count(seq, kind, timestamp, bytes)
  }

  /** Takes over a whole block of another log, while none is open here. It has to be closed then. */
  take(mark: BlockMark): void {
    const { after, records, bytes, firstSeq, total, kinds } = { ...mark, total: this.#total }
    const gap = after - this.#lastSeq
    if (gap < 0 || this.#records > 0)
      throw new RangeError(`a block behind ${after} does not follow`)
    const runs = mark.runs === null ? [0, records] : [...mark.runs]
    // What it answers for beyond its last record is said when it is closed.
    if (runs.length % 2 === 1) runs.pop()
    runs[0] = (runs[0] ?? 0) + gap
    this.#runs = runs
    this.#firstSeq = firstSeq
    this.#lastSeq = lastPresent(mark)
    this.#bytes = bytes
    this.#records = records
    this.#total = total + records
    this.#sum = Number.parseInt(mark.sum, 16)
    this.#figures?.addAll(kinds ?? [])
    if (kinds === null) this.#figures = null
  }

  /** The bytes of records, in their order; marks are not among them. */
  sum(buffer: Uint8Array, start: number, end: number): void {
    this.#sum = checksum(buffer.subarray(start, end), this.#sum)
  }

  /** True if a mark has to stand behind the last record. */
  due(): boolean {
    return this.#bytes >= this.#blockBytes
  }

  /**
   * Ends the block: gives the line of its mark, end included, which has to be written right behind
   * the last record. The next block begins behind it. With `through` the mark also answers for the
   * numbers up to there: they are missing.
   */
  closeBlock(through: number = this.#lastSeq): string {
    if (through < this.#lastSeq) throw new RangeError(`${through} is before ${this.#lastSeq}`)
    const beyond = through - this.#lastSeq
    const whole = this.#records === through - this.#after
    const mark = {
      generation: this.#generation,
      offset: this.#offset,
      bytes: this.#bytes,
      records: this.#records,
      after: this.#after,
      firstSeq: this.#firstSeq,
      lastSeq: through,
      total: this.#total,
      prev: this.#prev,
      sum: hex8(this.#sum),
      runs: whole ? null : beyond > 0 ? [...this.#runs, beyond] : this.#runs,
      kinds: this.kinds,
    }
    const { line, crc } = encodeBlockMark(mark, this.#seed)
    const ofFile = this.whole
    this.#offset += this.#bytes + line.length
    this.#bytes = 0
    this.#records = 0
    this.#after = through
    this.#firstSeq = 0
    this.#lastSeq = through
    this.#prev = crc
    this.#sum = this.#seed
    this.#runs = []
    if (this.#figures === null) this.#figures = new FiguresMeter()
    else this.#figures.reset()
    if (ofFile !== null) this.keepWhole(checksum(line, ofFile))
    return line
  }

  /** The block that is open now, with which another tracker can go on. */
  openBlock(): OpenBlock {
    return {
      offset: this.#offset,
      bytes: this.#bytes,
      records: this.#records,
      after: this.#after,
      firstSeq: this.#firstSeq,
      total: this.#total,
      prev: this.#prev,
      sum: this.#sum,
    }
  }

  snapshot(): BlockSnapshot {
    const whole = this.#whole
    const figures = this.#figures?.snapshot() ?? null
    const block = this.openBlock()
    return { block, lastSeq: this.#lastSeq, runs: [...this.#runs], whole, figures }
  }

  /** Goes back to a snapshot of this tracker, as if nothing had come after it. */
  restore({ block, lastSeq, runs, whole, figures }: BlockSnapshot): void {
    this.#offset = block.offset
    this.#bytes = block.bytes
    this.#records = block.records
    this.#after = block.after
    this.#firstSeq = block.firstSeq
    this.#total = block.total
    this.#prev = block.prev
    this.#sum = block.sum
    this.#lastSeq = lastSeq
    this.#runs = [...runs]
    this.#whole = whole
    this.#figures = figures?.snapshot() ?? null
  }
}

/** A tracker for a log whose head, `headBytes` long, was just written. */
export function trackFromHead(
  head: { readonly generation: number; readonly firstSeq: number; readonly blockBytes: number },
  headBytes: number,
  seed: number,
): BlockTracker {
  return new BlockTracker({
    seed,
    generation: head.generation,
    offset: headBytes,
    after: head.firstSeq - 1,
    total: 0,
    prev: chainStart(head.generation, seed),
    blockBytes: head.blockBytes,
  })
}
