import { Buffer, isUtf8 } from 'node:buffer'
import { throwIfAborted } from '@papyra/contracts'
import { type BlockMark, chainStart, decodeBlockMark } from '../format/block-mark.js'
import { checksum, hex8 } from '../format/checksum.js'
import { LF, verifies } from '../format/frame.js'
import { readExactly, readInto } from './io.js'
import type { ProvenBlock } from '../scan/backward-blocks.js'
import { LARGEST_BLOCK } from '../scan/fast-block.js'
import type { VfsFile } from '../vfs.js'
import { damaged } from './not-compacted.js'

/** How much is read at first to find a mark, and at most. */
const FIRST_BYTES = 1024
const MOST_BYTES = 1024 * 1024
/** Blocks differ in size by about a line; and behind one its mark is put to be written with it. */
const SLACK_BYTES = 64 * 1024
/** Reading to an address that is not that of a page is several times faster on some processors. */
const LEAD = 64

/** A log or a segment that is open. */
export interface MarkedFile {
  readonly file: VfsFile
  readonly seed: number
  /** Where its first block begins. */
  readonly start: number
  /** What its head says. */
  readonly entry: { readonly generation: number; readonly firstSeq: number }
  readonly signal?: AbortSignal | undefined
}

/** A sealed segment that is open, with what the manifest says of it. */
export interface MarkedSegment extends MarkedFile {
  readonly entry: MarkedFile['entry'] & {
    readonly lastSeq: number
    readonly records: number
    readonly bytes: number
  }
}

/**
 * The blocks of a sealed segment as their marks tell them, oldest first; nothing but the marks is
 * read. They are chained from its head to its end, and hold as many records as the manifest says:
 * then each is right about the bytes that its checksum proves. `null` where the marks do not show
 * all that.
 */
export async function markedBlocks(segment: MarkedSegment): Promise<readonly BlockMark[] | null> {
  const { entry } = segment
  const marks = await chainedBlocks(segment, entry.bytes)
  if (marks === null) return null
  const { lastSeq, total } = marks.at(-1) ?? { lastSeq: entry.firstSeq - 1, total: 0 }
  return lastSeq === entry.lastSeq && total === entry.records ? marks : null
}

/** The same for the part of a file that ends at `to`, behind a mark or the head. */
export async function chainedBlocks(
  { file, seed, start, entry, signal }: MarkedFile,
  to: number,
): Promise<readonly BlockMark[] | null> {
  const marks: BlockMark[] = []
  const first = chainStart(entry.generation, seed)
  let expected: string | null = null
  for (let end = to; end > start; ) {
    throwIfAborted(signal)
    const found = await markEndingAt(file, { start, end, seed })
    if (found === null || (expected !== null && found.crc !== expected)) return null
    const { mark } = found
    if (mark.generation !== entry.generation || mark.bytes > LARGEST_BLOCK) return null
    marks.push(mark)
    expected = mark.prev
    end = mark.offset
  }
  marks.reverse()
  return (expected ?? first) === first && follow(marks, entry.firstSeq) ? marks : null
}

/** True if these blocks answer for all numbers from `firstSeq` on, and count right. */
function follow(marks: readonly BlockMark[], firstSeq: number): boolean {
  let [after, total] = [firstSeq - 1, 0]
  for (const mark of marks) {
    total += mark.records
    if (mark.after !== after || mark.total !== total) return false
    after = mark.lastSeq
  }
  return true
}

interface Place {
  readonly start: number
  readonly end: number
  readonly seed: number
}

/** The mark whose line ends at `end`, if its block stands right before it. */
async function markEndingAt(
  file: VfsFile,
  { start, end, seed }: Place,
): Promise<{ readonly mark: BlockMark; readonly crc: string } | null> {
  for (let size = FIRST_BYTES; ; size *= 4) {
    const from = Math.max(start, end - size)
    const bytes = await readExactly(file, from, end - from)
    const stop = bytes.length - 1
    if (stop < 1 || bytes[stop] !== LF) return null
    const lf = bytes.lastIndexOf(LF, stop - 1)
    if (lf < 0 && from > start) {
      if (size >= MOST_BYTES) return null
      continue
    }
    if (!verifies(bytes, lf + 1, stop, seed)) return null
    const decoded = decodeBlockMark(bytes, lf + 1, stop)
    if (decoded === null) return null
    const { mark } = decoded
    return mark.offset + mark.bytes === from + lf + 1 && mark.offset >= start ? decoded : null
  }
}

/** Reads blocks, one ahead of the other. */
export class BlockReader {
  readonly #file: VfsFile
  readonly #seed: number
  /** Buffers whose bytes nobody needs any more, at the latest when the promise is settled. */
  readonly #free: Promise<Buffer>[] = []
  readonly #used: Map<BlockMark, Buffer> = new Map()
  #ahead: { readonly mark: BlockMark; readonly block: Promise<ProvenBlock> } | null = null

  constructor({ file, seed }: Pick<MarkedFile, 'file' | 'seed'>) {
    this.#file = file
    this.#seed = seed
  }

  /** Begins to read the block that is asked for next. */
  begin(mark: BlockMark): void {
    const block = this.#read(mark)
    // Whoever asks for it is told.
    block.catch(() => undefined)
    this.#ahead = { mark, block }
  }

  /** The bytes of a block, proven by its mark. Rejects with `anomalies_found`. */
  read(mark: BlockMark): Promise<ProvenBlock> {
    const ahead = this.#ahead
    this.#ahead = null
    return ahead?.mark === mark ? ahead.block : this.#read(mark)
  }

  /** The bytes of a block are not needed any more as soon as the promise is settled. */
  release(mark: BlockMark, written: Promise<void> = Promise.resolve()): void {
    const buffer = this.#used.get(mark)
    if (buffer === undefined) return
    this.#used.delete(mark)
    const free = written.then(
      () => buffer,
      () => buffer,
    )
    this.#free.push(free)
  }

  /** Waits for what is still being read, so that the file can be closed. */
  async settle(): Promise<void> {
    await this.#ahead?.block.catch(() => undefined)
    this.#ahead = null
  }

  async #read(mark: BlockMark): Promise<ProvenBlock> {
    const { offset, bytes: size } = mark
    const buffer = await this.#take(size)
    this.#used.set(mark, buffer)
    const bytes = buffer.subarray(0, size)
    await readInto(this.#file, bytes, offset)
    if (hex8(checksum(bytes, this.#seed)) !== mark.sum || !isUtf8(bytes)) {
      throw damaged(this.#file.path, offset, 'a block is damaged')
    }
    return { bytes: buffer, start: 0, end: size, offset, mark }
  }

  async #take(size: number): Promise<Buffer> {
    const waiting = this.#free.length > 1 ? this.#free.shift() : undefined
    const buffer = await waiting
    if (buffer !== undefined && buffer.length >= size) return buffer
    return Buffer.allocUnsafeSlow(LEAD + size + SLACK_BYTES).subarray(LEAD)
  }
}
