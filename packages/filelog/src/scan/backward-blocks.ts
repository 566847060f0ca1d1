import { Buffer } from 'node:buffer'
import { decodeBlockMark, type BlockMark } from '../format/block-mark.js'
import { checksum, hex8 } from '../format/checksum.js'
import { LF, verifies } from '../format/frame.js'
import type { VfsFile } from '../vfs.js'
import { ioError } from '../write/io-error.js'
import { LARGEST_BLOCK } from './fast-block.js'

/** How much is read at first, and beyond the size of the block before, to find a mark. */
const FIRST_BYTES = 64 * 1024
const SLACK_BYTES = 8 * 1024
/** Reading to an address that is not that of a page is several times faster on some processors. */
const LEAD = 64

/** A block that one checksum proves. Its bytes are valid until the next one is asked for. */
export interface ProvenBlock {
  readonly bytes: Buffer
  /** Its records in `bytes`, line ends included; and where the first one is in the file. */
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly mark: BlockMark
}

interface Part {
  readonly buffer: Buffer
  readonly from: number
  readonly to: number
  /** Settled with the bytes that were read. */
  readonly got: Promise<number>
}

/** The blocks of a part of a log, the last one first, each found by the mark that stands behind it. */
export class BackwardBlocks {
  readonly #file: VfsFile
  readonly #from: number
  readonly #seed: number
  #guess: number = FIRST_BYTES
  #free: Buffer[] = []
  #ahead: Part | null = null
  #current: Buffer | null = null

  constructor(file: VfsFile, from: number, seed: number) {
    this.#file = file
    this.#from = from
    this.#seed = seed
  }

  /** The block whose mark ends at `end`; `null` if there is none, or if its mark does not prove it. */
  async endingAt(end: number): Promise<ProvenBlock | null> {
    const tail = await this.#take(end, this.#guess)
    const found = tail === null ? null : this.#markOf(tail)
    if (tail === null || found === null) return null
    const { mark, at } = found
    const { offset } = mark
    if (offset < this.#from || offset + mark.bytes !== tail.from + at) return null
    if (mark.bytes > LARGEST_BLOCK) return null
    this.#guess = end - offset + SLACK_BYTES
    // The byte before it, too: it must be a line's end.
    const from = Math.max(this.#from, offset - 1)
    const part = from >= tail.from ? tail : await this.#take(end, end - from)
    if (part === null) return null
    this.#readAhead(offset)
    const start = offset - part.from
    if (offset > from && part.buffer[start - 1] !== LF) return null
    const proven =
      hex8(checksum(part.buffer.subarray(start, start + mark.bytes), this.#seed)) === mark.sum
    return proven ? { bytes: part.buffer, start, end: start + mark.bytes, offset, mark } : null
  }

  /** Waits for what is still being read, so that the file can be closed. */
  async settle(): Promise<void> {
    await this.#ahead?.got.catch(() => 0)
    this.#ahead = null
  }

  #markOf({ buffer, from, to }: Part): { mark: BlockMark; at: number } | null {
    const stop = to - from - 1
    if (stop < 1 || buffer[stop] !== LF) return null
    const at = buffer.lastIndexOf(LF, stop - 1) + 1
    if (at === 0 && from > this.#from) return null
    const kind = buffer.toString('latin1', at, Math.min(stop, at + 48))
    if (!kind.includes('"kind":"_block"') || !verifies(buffer, at, stop, this.#seed)) return null
    const decoded = decodeBlockMark(buffer, at, stop)
    return decoded === null ? null : { mark: decoded.mark, at }
  }

  /** The last `size` bytes before `end`, fewer at the start; `null` if the file ends before. */
  async #take(end: number, size: number): Promise<Part | null> {
    let part = this.#ahead
    this.#ahead = null
    if (
      part !== null &&
      (part.to !== end || part.to - part.from < Math.min(size, end - this.#from))
    ) {
      await part.got.catch(() => 0)
      this.#release(part.buffer)
      part = null
    }
    if (this.#current !== null) this.#release(this.#current)
    part ??= this.#begin(end, size)
    this.#current = part.buffer
    return (await part.got) === part.to - part.from ? part : null
  }

  #readAhead(end: number): void {
    if (end <= this.#from) return
    this.#ahead = this.#begin(end, this.#guess)
    // Whoever takes it is told.
    this.#ahead.got.catch(() => undefined)
  }

  #begin(end: number, size: number): Part {
    const from = Math.max(this.#from, end - size)
    const length = end - from
    let buffer = this.#free.pop()
    if (buffer === undefined || buffer.length < LEAD + length) {
      buffer = Buffer.allocUnsafeSlow(LEAD + length + SLACK_BYTES)
    }
    const part = buffer.subarray(LEAD)
    return { buffer: part, from, to: end, got: this.#read(part, from, length) }
  }

  #release(buffer: Buffer): void {
    if (this.#free.length < 2) this.#free.push(Buffer.from(buffer.buffer))
  }

  async #read(buffer: Buffer, from: number, length: number): Promise<number> {
    let done = 0
    try {
      while (done < length) {
        const n = await this.#file.read(buffer, done, length - done, from + done)
        if (n === 0) break
        done += n
      }
    } catch (error) {
      throw ioError(error, 'Reading', this.#file.path, 'unreadable')
    }
    return done
  }
}
