import { isDeepStrictEqual } from 'node:util'
import { PapyraError, type RecordMeta } from '@papyra/contracts'
import { type BlockMark, lastPresent } from '../format/block-mark.js'
import { seedOf } from '../format/checksum.js'
import { FiguresMeter, figuresOf } from '../format/figures.js'
import { LF, parseHeader } from '../format/frame.js'
import type { Head } from '../format/head.js'
import type { ProvenBlock } from '../scan/backward-blocks.js'
import { forEachLine } from '../scan/for-each-line.js'
import { type Ranges, countOf, within } from '../scan/intervals.js'
import type { Line } from '../scan/lines.js'
import { type Judged, metaOf, plainHeader } from '../scan/log-source.js'
import { MetaReader, blockMetas } from '../scan/record-meta.js'
import { soundStart } from '../scan/stray.js'
import { walkForward } from '../scan/walk-forward.js'
import type { VfsFile } from '../vfs.js'
import { fateOf, type Keep } from './keep.js'
import type { LogRewriter } from './rewriter.js'
import type { VerifiedLine } from './rewritten.js'

export interface CopyFilter {
  readonly source: VfsFile
  readonly rewriter: LogRewriter
  /** `null` for a plain log, whose records are numbered by their place. */
  readonly head: Head | null
  readonly keep: Keep
  readonly signal?: AbortSignal | undefined
  /** Numbers that are known to be missing. */
  readonly missing?: Ranges | undefined
}

const NOTHING_WRITTEN = { written: Promise.resolve() } as const

interface CopiedBlock {
  /** Where it is, if not where its mark says. */
  readonly offset?: number
  readonly copied?: boolean
}

/**
 * Copies the records that are to be kept, a part of the log at a time, and meanwhile checks all of
 * them: each line, the order of the numbers, that none is missing above `compacted_through`, and
 * that below it there are as many as the head says. Rejects with `anomalies_found` where not.
 */
export class RecordCopier {
  readonly #filter: CopyFilter
  /** Records seen, and the last number among them. */
  #seen = 0
  #last: number
  #regionChecked: boolean
  #dropped = 0

  constructor(filter: CopyFilter) {
    this.#filter = filter
    this.#last = (filter.head?.firstSeq ?? 1) - 1
    this.#regionChecked = filter.head === null || filter.head.compactedThrough === 0
  }

  /** Records seen so far, kept or not. */
  get seen(): number {
    return this.#seen
  }

  get dropped(): number {
    return this.#dropped
  }

  get lastSeq(): number {
    return this.#last
  }

  /** Copies the part `[from, to)`, which must end with a whole line; tells where it is. */
  async copy(from: number, to: number, onPlace: (offset: number) => void): Promise<void> {
    const { source, head, signal } = this.#filter
    if (head === null) {
      await this.#copyPlain(from, to, onPlace)
      return
    }
    const { blockBytes, generation, logId } = head
    const range = { from, to, seed: seedOf(logId), generation, blockBytes, signal }
    await walkForward(source, range, {
      block: async (block) => {
        onPlace(block.offset)
        const { mark, offset } = block
        await this.block(mark, () => Promise.resolve(block), { offset, copied: true })
      },
      line: (judged, line) => {
        onPlace(line.offset)
        return this.#line(judged, line)
      },
    })
  }

  async #copyPlain(from: number, to: number, onPlace: (offset: number) => void): Promise<void> {
    const { source, signal, keep, rewriter } = this.#filter
    const range = { from, to, seed: null, ...(signal && { signal }) }
    await forEachLine(
      source,
      range,
      (chunk, start, end, offset, _header, _sound, _length, size) => {
        const header = plainHeader(chunk.toString('utf8', start, end))
        if (header === null) throw this.#anomaly(offset, 'a line is damaged')
        onPlace(offset)
        this.#seen++
        this.#last++
        const meta = { seq: this.#last, ...header, bytes: size + 1 }
        if (keep(meta)) return rewriter.addLine(source, { chunk, start, end, offset, size }, meta)
        this.#dropped++
        return undefined
      },
    )
  }

  /** True if nothing of a block that holds numbers up to `lastSeq` stays: it need not be read. */
  dropsAll(mark: BlockMark): boolean {
    return this.#fate(mark, lastPresent(mark)) === false
  }

  /**
   * A block whose mark is known to be right: at once where the policy says the same of all its
   * records. Its bytes are asked for only where they are needed. Resolves with the promise that is
   * settled when they may go; if they are to be `copied`, at once.
   */
  async block(
    mark: BlockMark,
    read: () => Promise<ProvenBlock>,
    { offset = mark.offset, copied = false }: CopiedBlock = {},
  ): Promise<{ readonly written: Promise<void> }> {
    const lastSeq = lastPresent(mark)
    const stays = this.#fate(mark, lastSeq)
    if (stays === false && this.#follows(mark, lastSeq, offset)) {
      this.#pass(mark, lastSeq)
      return NOTHING_WRITTEN
    }
    return this.#proven(this.#withFigures(await read()), lastSeq, copied)
  }

  #fate(mark: BlockMark, lastSeq: number): boolean | null {
    const { keep, head } = this.#filter
    return fateOf(keep, mark, { lastSeq, blockBytes: head?.blockBytes ?? 0 })
  }

  /** A block whose bytes and figures are known. */
  async #proven(
    block: ProvenBlock,
    lastSeq: number,
    copied: boolean,
  ): Promise<{ readonly written: Promise<void> }> {
    const { mark, offset } = block
    const stays = this.#fate(mark, lastSeq)
    if (stays === null || !this.#follows(mark, lastSeq, offset)) {
      await this.#blockLines(block)
      return NOTHING_WRITTEN
    }
    if (!stays) {
      this.#pass(mark, lastSeq)
      return NOTHING_WRITTEN
    }
    this.#seen += mark.records
    this.#last = lastSeq
    return this.#filter.rewriter.addBlock(block, copied)
  }

  /** None of its records stays. */
  #pass({ records }: BlockMark, lastSeq: number): void {
    this.#seen += records
    this.#dropped += records
    this.#last = lastSeq
  }

  /** The mark says what it may not have said yet. */
  #withFigures(block: ProvenBlock): ProvenBlock {
    const { bytes, mark, offset } = block
    if (mark.kinds !== null) return block
    const metas = blockMetas(bytes, block, mark)
    if (metas === null) throw this.#anomaly(offset, 'a block is not what its mark says')
    return { ...block, mark: { ...mark, kinds: figuresOf(metas) } }
  }

  /** True if the numbers are known to be in order without a look at each. */
  #follows({ firstSeq, records }: BlockMark, lastSeq: number, offset: number): boolean {
    const through = this.#filter.head?.compactedThrough ?? 0
    const gapless = lastSeq - firstSeq + 1 === records
    if (firstSeq <= this.#last) return false
    if (lastSeq <= through) return true
    if (!gapless || !this.#isNext(firstSeq)) return false
    this.#checkRegion(offset)
    return true
  }

  async #blockLines({ bytes, start, end, offset, mark }: ProvenBlock): Promise<void> {
    const reader = new MetaReader(bytes)
    const meter = new FiguresMeter()
    for (let at = start; at < end; ) {
      const lf = bytes.indexOf(LF, at)
      const place = offset + at - start
      const meta = reader.at(at, lf)
      if (meta === null) throw this.#anomaly(place, 'a line is damaged')
      meter.add(meta)
      const line = { chunk: bytes, start: at, end: lf, offset: place, size: lf - at }
      const waiting = this.#record(meta, line)
      if (waiting !== undefined) await waiting
      at = lf + 1
    }
    if (mark.kinds === null || isDeepStrictEqual(mark.kinds, meter.kinds())) return
    throw this.#anomaly(offset, 'a block is not what its mark says')
  }

  #line(judged: Judged, line: Line): Promise<void> | undefined {
    const { bytes, offset, long } = line
    if (judged === 'blank') return undefined
    if (judged === 'bad') throw this.#anomaly(offset, 'a line is damaged')
    if (judged === 'own') {
      this.#requireMark(line)
      return undefined
    }
    const { start, stop } = judged
    const meta = metaOf(judged, line)
    if (long === null) {
      const place = offset + start - line.start
      return this.#record(meta, {
        chunk: bytes,
        start,
        end: stop,
        offset: place,
        size: stop - start,
      })
    }
    const place = offset + long.strayBefore
    const size = long.length - (long.ended ? 1 : 0) - long.strayBefore - long.strayBehind
    return this.#record(meta, { chunk: bytes, start: 0, end: 0, offset: place, size })
  }

  #requireMark({ bytes, start, stop, offset, long }: Line): void {
    const from = soundStart(bytes, start + (long?.strayBefore ?? 0), stop)
    const kind = parseHeader(bytes, from, stop)?.kind
    if (kind !== '_block') throw this.#anomaly(offset, `a line of the kind ${kind}`)
  }

  #record(meta: RecordMeta, line: VerifiedLine): Promise<void> | undefined {
    const { keep, rewriter, source } = this.#filter
    this.#checkOrder(meta.seq, line.offset)
    this.#seen++
    this.#last = meta.seq
    if (keep(meta)) return rewriter.addLine(source, line, meta)
    this.#dropped++
    return undefined
  }

  #checkOrder(seq: number, offset: number): void {
    const through = this.#filter.head?.compactedThrough ?? 0
    if (seq <= this.#last) throw this.#anomaly(offset, `the number ${seq} follows ${this.#last}`)
    if (seq <= through) return
    this.#checkRegion(offset)
    if (!this.#isNext(seq)) {
      throw this.#anomaly(offset, `the number ${seq} follows ${this.#last}`)
    }
  }

  /** True if no number is missing before this one that is not known to be. */
  #isNext(seq: number): boolean {
    const { head, missing = [] } = this.#filter
    const expected = Math.max(this.#last, head?.compactedThrough ?? 0) + 1
    if (seq === expected) return true
    return countOf(within(missing, expected, seq - 1)) === seq - expected
  }

  #checkRegion(offset: number): void {
    if (this.#regionChecked) return
    this.#regionChecked = true
    const expected = this.#filter.head?.records ?? 0
    if (this.#seen === expected) return
    throw this.#anomaly(offset, `${this.#seen} of ${expected} records were found`)
  }

  /** Checks that all was seen that must be there, up to `lastSeq`. */
  finish(lastSeq: number, offset: number): void {
    this.#checkRegion(offset)
    const through = this.#filter.head?.compactedThrough ?? 0
    if (lastSeq > through && !this.#isNext(lastSeq + 1)) {
      throw this.#anomaly(offset, `the log ends with ${this.#last} instead of ${lastSeq}`)
    }
  }

  #anomaly(offset: number, what: string): PapyraError {
    const { path } = this.#filter.source
    return new PapyraError(
      'anomalies_found',
      `${path} was not compacted: ${what} at byte ${offset}.`,
      {
        details: { path, offset },
      },
    )
  }
}
