import { Buffer } from 'node:buffer'
import { errnoOf, ioError } from '../write/io-error.js'
import type { VfsFile } from '../vfs.js'

/** Reading to an address that is not that of a page is several times faster on some processors. */
const LEAD = 64
/** After an error of the device, what can be read is found in steps of this many bytes. */
const SECTOR = 4096

/** Bytes that the device did not give; they read as zeros. */
export interface Unreadable {
  readonly offset: number
  readonly end: number
}

/**
 * A part of a file in memory: one buffer, moved along. Where the device refuses, zeros stand instead
 * and the place is noted, so that a bad sector costs no more than what is in it.
 */
export class FileWindow {
  readonly file: VfsFile
  readonly capacity: number
  readonly buffer: Buffer
  readonly unreadable: Unreadable[] = []
  /** Nothing at or beyond this offset is read; lowered if the file turns out to be shorter. */
  limit: number
  bytesRead = 0
  #base = 0
  #length = 0

  /** A window of at most `capacity` bytes; smaller if the file up to `limit` is. */
  constructor(file: VfsFile, limit: number, capacity: number) {
    this.file = file
    this.limit = limit
    this.capacity = Math.min(capacity, Math.max(SECTOR, limit))
    this.buffer = Buffer.allocUnsafeSlow(this.capacity + LEAD)
  }

  /** Where the byte at file offset `pos`, which was loaded, is in `buffer`. */
  index(pos: number): number {
    return pos - this.#base + LEAD
  }

  /** How many bytes from `pos` on are in memory. */
  loaded(pos: number): number {
    const rest = this.#base + this.#length - pos
    return pos < this.#base || rest < 0 ? 0 : rest
  }

  /**
   * Sees to it that `want` bytes from `pos` on are in memory, fewer at the limit, never more than
   * the capacity; reads in steps of at least `step`. Resolves with how many there are.
   */
  async load(pos: number, want: number, step: number = want): Promise<number> {
    const target = Math.min(want, this.capacity, this.limit - pos)
    const have = this.loaded(pos)
    if (have >= target) return have
    if (have === 0) this.#length = 0
    else if (pos !== this.#base) {
      const at = this.index(pos)
      this.buffer.copyWithin(LEAD, at, at + have)
      this.#length = have
    }
    this.#base = pos
    const goal = Math.max(target, Math.min(step, this.capacity, this.limit - pos))
    while (this.#length < goal) {
      const n = await this.#read(goal - this.#length)
      if (n === 0) this.limit = this.#base + this.#length
      if (n === 0) break
      this.#length += n
      this.bytesRead += n
    }
    return this.#length
  }

  async #read(length: number): Promise<number> {
    const at = LEAD + this.#length
    const position = this.#base + this.#length
    // Up to the next sector: what is beyond it may be readable.
    const sector = Math.min(length, SECTOR - (position % SECTOR))
    for (const n of [length, sector]) {
      try {
        return await this.file.read(this.buffer, at, n, position)
      } catch (error) {
        if (errnoOf(error) !== 'EIO') throw ioError(error, 'Reading', this.file.path, 'unreadable')
      }
    }
    this.buffer.fill(0, at, at + sector)
    this.#note(position, position + sector)
    return sector
  }

  #note(offset: number, end: number): void {
    const last = this.unreadable.at(-1)
    if (last !== undefined && last.end >= offset && last.offset <= offset) {
      this.unreadable[this.unreadable.length - 1] = {
        offset: last.offset,
        end: Math.max(last.end, end),
      }
    } else this.unreadable.push({ offset, end })
  }
}
