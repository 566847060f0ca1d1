import { Buffer } from 'node:buffer'
import { throwIfAborted } from '@papyra/contracts'
import { LF } from '../format/frame.js'
import { ioError } from '../write/io-error.js'
import type { VfsFile } from '../vfs.js'
import { FileWindow } from './file-window.js'
import { WHOLE_LINE_BYTES } from './for-each-line.js'
import type { Line } from './lines.js'
import { readLongLine } from './long-line.js'

const FIRST_STEP = 64 * 1024
const LARGEST_STEP = 1024 * 1024

/**
 * The lines of a part of a file, the last one first. Reads in steps, small at first, so that the last
 * few lines of a large file cost little.
 */
export class BackwardLines {
  bytesRead = 0
  readonly #file: VfsFile
  readonly #from: number
  readonly #seed: number | null
  readonly #signal: AbortSignal | undefined
  /** Before this offset nothing has been handed over. */
  #end: number
  #step: number = FIRST_STEP
  #buffer: Buffer = Buffer.allocUnsafe(FIRST_STEP)

  constructor(
    file: VfsFile,
    range: {
      readonly from: number
      readonly to: number
      readonly seed: number | null
      readonly signal?: AbortSignal | undefined
    },
  ) {
    this.#file = file
    this.#from = range.from
    this.#end = range.to
    this.#seed = range.seed
    this.#signal = range.signal
  }

  /** Some more lines, the last first; empty at the start of the range. Valid until the next call. */
  async next(): Promise<readonly Line[]> {
    let size = this.#step
    while (this.#end > this.#from) {
      throwIfAborted(this.#signal)
      const at = Math.max(this.#from, this.#end - size)
      const length = this.#end - at
      await this.#load(at, length)
      const first = at === this.#from ? 0 : this.#buffer.subarray(0, length - 1).indexOf(LF) + 1
      // The line that crosses the start of this part is read again with the next one.
      if (first > 0 || at === this.#from) return this.#split(at, first, length)
      if (size >= WHOLE_LINE_BYTES) return this.#longLine(at)
      size *= 2
    }
    return []
  }

  async #load(at: number, length: number): Promise<void> {
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafe(length)
    let done = 0
    while (done < length) {
      const n = await this.#read(done, length - done, at + done)
      if (n === 0) break
      done += n
    }
    this.bytesRead += done
    this.#buffer.fill(0, done, length)
  }

  async #read(offset: number, length: number, position: number): Promise<number> {
    try {
      return await this.#file.read(this.#buffer, offset, length, position)
    } catch (error) {
      throw ioError(error, 'Reading', this.#file.path, 'unreadable')
    }
  }

  #split(at: number, first: number, length: number): readonly Line[] {
    const bytes = this.#buffer
    const lines: Line[] = []
    for (let start = first; start < length; ) {
      const lf = bytes.indexOf(LF, start)
      const ended = lf >= 0 && lf < length
      const stop = ended ? lf : length
      const next = ended ? lf + 1 : length
      lines.push({
        bytes,
        start,
        stop,
        offset: at + start,
        length: next - start,
        ended,
        long: null,
      })
      start = next
    }
    this.#end = at + first
    this.#step = Math.min(this.#step * 2, LARGEST_STEP)
    if (bytes.length > 2 * LARGEST_STEP) this.#buffer = Buffer.allocUnsafe(this.#step)
    return lines.reverse()
  }

  /** A line that is longer than is handed over whole: looks for its start, then streams it. */
  async #longLine(before: number): Promise<readonly Line[]> {
    let at = before
    let start = this.#from
    while (at > this.#from) {
      throwIfAborted(this.#signal)
      const from = Math.max(this.#from, at - LARGEST_STEP)
      await this.#load(from, at - from)
      const lf = this.#buffer.subarray(0, at - from).lastIndexOf(LF)
      at = from
      if (lf < 0) continue
      start = from + lf + 1
      break
    }
    this.#buffer = Buffer.allocUnsafe(FIRST_STEP)
    this.#step = FIRST_STEP
    const window = new FileWindow(this.#file, this.#end, LARGEST_STEP)
    const long = await readLongLine(window, start, {
      to: this.#end,
      seed: this.#seed,
      signal: this.#signal,
    })
    const { first, length, ended } = long
    this.#end = start
    return [{ bytes: first, start: 0, stop: first.length, offset: start, length, ended, long }]
  }
}
