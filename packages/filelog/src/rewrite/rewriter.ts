import { Buffer } from 'node:buffer'
import { dirname } from 'node:path'
import { PapyraError } from '@papyra/contracts'
import { checksum, seedOf } from '../format/checksum.js'
import { FiguresMeter } from '../format/figures.js'
import { joinChecksums } from '../format/join-checksums.js'
import { type Head, encodeHead } from '../format/head.js'
import { tempPath } from '../format/names.js'
import type { ProvenBlock } from '../scan/backward-blocks.js'
import { paced } from '../scan/pacer.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { type FileLooks, takeLooks } from '../write/atomic-write.js'
import { type BlockTracker, trackFromHead } from '../write/block-tracker.js'
import { COPY_BYTES, discardFile, readExactly, withIo, writeAll } from './io.js'
import {
  headWidth,
  type Copied,
  type HeadPlan,
  type RewriteOptions,
  type Rewritten,
  type VerifiedLine,
} from './rewritten.js'
import { WriteBehind } from './write-behind.js'

/**
 * Writes a new generation of a log under a temporary name in the same folder: records are handed
 * over as verified lines, in the order of their numbers; block marks are made anew. The head takes
 * its final figures in `finish`, in place. Without a head plan the log is plain and has no marks.
 */
export class LogRewriter {
  readonly file: VfsFile
  readonly #vfs: Vfs
  readonly #plan: HeadPlan | null
  readonly #headBytes: number
  readonly #tracker: BlockTracker | null
  readonly #out: WriteBehind
  /** What its blocks hold of each kind; `null` if that is not known of one. */
  #figures: FiguresMeter | null = new FiguresMeter()
  #records = 0
  #lastSeq = 0
  /** The last number that a mark answers for. */
  #answered: number

  /** Makes the temporary file, with the mode and the owner of the original. */
  static async create(
    vfs: Vfs,
    log: string,
    like: FileLooks,
    plan: HeadPlan | null,
    options: RewriteOptions = {},
  ): Promise<LogRewriter> {
    return LogRewriter.createAt(vfs, tempPath(log, vfs.randomHex(6)), like, plan, options)
  }

  /** The same under a name of its own, which must be free: for a file that nothing refers to yet. */
  static async createAt(
    vfs: Vfs,
    path: string,
    like: FileLooks,
    plan: HeadPlan | null,
    options: RewriteOptions = {},
  ): Promise<LogRewriter> {
    const file = await withIo('Creating', path, () => vfs.open(path, 'create', 0o600))
    try {
      await withIo('Changing the mode of', path, () => takeLooks(file, like))
      const rewriter = new LogRewriter(vfs, file, plan, options)
      if (plan !== null) await rewriter.#writeHead({ nextSeq: 1, compactedThrough: 0, records: 0 })
      return rewriter
    } catch (error) {
      await discardFile(vfs, file)
      throw error
    }
  }

  private constructor(
    vfs: Vfs,
    file: VfsFile,
    plan: HeadPlan | null,
    { pacer, signal, sum = false }: RewriteOptions,
  ) {
    this.#vfs = vfs
    this.file = file
    this.#plan = plan
    this.#headBytes = plan === null ? 0 : headWidth(plan)
    this.#answered = (plan?.firstSeq ?? 1) - 1
    const tracker = plan === null ? null : trackFromHead(plan, this.#headBytes, seedOf(plan.logId))
    // The head gets its figures last: until then the sum is as if nothing stood before it.
    if (sum) tracker?.keepWhole(0)
    this.#tracker = tracker
    const out = pacer === undefined ? file : paced(file, pacer, signal)
    const sumRecords = (bytes: Buffer, start: number, end: number): void => {
      tracker?.sum(bytes, start, end)
    }
    this.#out = new WriteBehind(out, this.#headBytes, sumRecords)
  }

  get records(): number {
    return this.#records
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Bytes of the new log so far. */
  get size(): number {
    return this.#out.size
  }

  /**
   * Takes over the line `chunk[start, end)` (without its line end, which is added) of a record. If it
   * gives a promise, `chunk` must stay as it is until that resolves.
   */
  add(chunk: Buffer, start: number, end: number, record: Copied): Promise<void> | undefined {
    const putting = this.#out.putLine(chunk, start, end)
    const full = this.#count(record, end - start + 1)
    if (putting === undefined) return full ? this.#closeBlock() : undefined
    return full ? putting.then(() => this.#closeBlock()) : putting
  }

  /**
   * Takes over a block that its mark proves, as it is: what stands before it ends a block of its own.
   * `written` is settled when its bytes are; until then they must stay as they are, and its new mark is
   * put behind them, unless they are to be copied. What was wrong with the write, one of the next calls
   * tells too.
   */
  async addBlock(
    { bytes, start, end, mark }: ProvenBlock,
    copied: boolean,
  ): Promise<{ readonly written: Promise<void> }> {
    const tracker = this.#tracker
    if (tracker === null || mark.after < this.#lastSeq) {
      throw new PapyraError('internal', `a block behind ${mark.after} does not fit here`)
    }
    if (this.#lastSeq > this.#answered) await this.#closeBlock()
    tracker.take(mark)
    this.#records += mark.records
    this.#lastSeq = tracker.lastSeq
    const line = this.#markLine(tracker, mark.lastSeq)
    if (!copied && line.copy(bytes, end) === line.length) {
      return this.#out.putBlock(bytes, start, end + line.length)
    }
    await this.#out.putSummed(bytes, start, end)
    await this.#out.putUnsummed(line)
    return { written: Promise.resolve() }
  }

  /** Takes over a line as `forEachLine` hands it over, of any length. */
  addLine(source: VfsFile, line: VerifiedLine, record: Copied): Promise<void> | undefined {
    const { chunk, start, end, offset, size } = line
    if (end > start) return this.add(chunk, start, end, record)
    return this.addFrom(source, offset, offset + size, record)
  }

  /** Takes over a verified line of any length from a file, `[from, to)` without its line end. */
  async addFrom(source: VfsFile, from: number, to: number, record: Copied): Promise<void> {
    for (let at = from; at < to; at += COPY_BYTES) {
      const part = await readExactly(source, at, Math.min(COPY_BYTES, to - at))
      await this.#out.put(part, 0, part.length)
    }
    await this.#out.put(Buffer.from('\n'), 0, 1)
    if (this.#count(record, to - from + 1)) await this.#closeBlock()
  }

  /** Counts a record; true if its block is full, and a mark has to stand behind it. */
  #count({ seq, kind, timestamp }: Copied, bytes: number): boolean {
    if (this.#tracker !== null && seq <= this.#lastSeq) {
      throw new PapyraError('internal', `the record ${seq} was handed over behind ${this.#lastSeq}`)
    }
    this.#records++
    this.#lastSeq = seq
    this.#tracker?.record(seq, bytes, kind, timestamp)
    return this.#tracker?.due() === true
  }

  async #closeBlock(through?: number): Promise<void> {
    const tracker = this.#tracker
    if (tracker === null) return
    this.#out.sumUp()
    await this.#out.putUnsummed(this.#markLine(tracker, through ?? this.#lastSeq))
  }

  /** Ends the block, all of whose bytes are summed up. */
  #markLine(tracker: BlockTracker, through: number): Buffer {
    const { kinds } = tracker
    if (kinds === null) this.#figures = null
    else this.#figures?.addAll(kinds)
    this.#answered = through
    return Buffer.from(tracker.closeBlock(through))
  }

  /** Makes durable what was taken over so far, so that `finish` has little left to do. */
  async syncSoFar(): Promise<void> {
    await this.#out.sync()
  }

  async #writeHead(
    figures: Pick<Head, 'nextSeq' | 'compactedThrough' | 'records'>,
  ): Promise<{ readonly head: Head; readonly sum: number } | null> {
    if (this.#plan === null) return null
    const head = { ...this.#plan, ...figures }
    const bytes = Buffer.from(encodeHead(head, this.#headBytes))
    await writeAll(this.file, bytes, 0)
    return { head, sum: checksum(bytes, seedOf(head.logId)) }
  }

  /**
   * Ends the log with a mark that answers for all numbers up to `through`, gives the head its
   * figures, and makes the file durable. The log still has its temporary name.
   */
  async finish(through: number): Promise<Rewritten> {
    const last = Math.max(through, this.#lastSeq)
    if (last > this.#answered) await this.#closeBlock(last)
    await this.#out.finish()
    const records = this.#records
    const written = await this.#writeHead({ nextSeq: last + 1, compactedThrough: last, records })
    await withIo('Syncing', this.file.path, () => this.file.sync())
    const { file, size } = this
    const head = written?.head ?? null
    const rest = size - this.#headBytes
    const behind = this.#tracker?.whole ?? null
    const sum =
      written === null || behind === null ? null : joinChecksums(written.sum, behind, rest)
    const kinds = this.#figures?.kinds() ?? null
    return { file, size, head, records, tracker: this.#tracker, sum, kinds }
  }

  /** Removes the temporary file. For a rewrite that will not be committed. */
  async discard(): Promise<void> {
    await this.#out.settle()
    await discardFile(this.#vfs, this.file)
    await this.#vfs.syncDir(dirname(this.file.path)).catch(() => undefined)
  }
}
