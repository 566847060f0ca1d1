import type { Buffer } from 'node:buffer'
import { checksum } from '../format/checksum.js'
import type { VfsFile } from '../vfs.js'
import { FileWindow } from './file-window.js'
import { verifyLines } from './verify-lines.js'

/** The checksum of a block, taken in large pieces while its lines go by one by one. */
export class RunningSum {
  readonly #seed: number
  #start = 0
  #pos = 0
  #state = 0
  #whole = true

  constructor(seed: number, start: number) {
    this.#seed = seed
    this.restart(start)
  }

  restart(pos: number): void {
    this.#start = pos
    this.#pos = pos
    this.#state = this.#seed
    this.#whole = true
  }

  /** Takes in the bytes up to `pos`, which is at `index` in the buffer. */
  upTo(bytes: Buffer, index: number, pos: number): void {
    const n = pos - this.#pos
    if (n <= 0 || !this.#whole) return
    // The bytes before were given up already.
    if (n > index) this.#whole = false
    if (n > index) return
    this.#state = checksum(bytes.subarray(index - n, index), this.#state)
    this.#pos = pos
  }

  /** Verifies lines together, from where the sum is on; see `verifyLines`. The sum moves along. */
  overLines(bytes: Buffer, from: number, to: number, pos: number): number {
    this.upTo(bytes, from, pos)
    const follows = this.#whole && this.#pos === pos
    const sum = { seed: this.#seed, state: follows ? this.#state : this.#seed }
    const end = verifyLines(bytes, from, to, sum)
    if (follows && end >= 0) {
      this.#state = sum.state
      this.#pos = pos + end - from
    }
    return end
  }

  /** Bytes went by that were never in memory as a whole: the sum has to be read again. */
  lose(): void {
    this.#whole = false
  }

  /** The sum of the bytes up to `pos`. */
  async at(pos: number, file: VfsFile): Promise<number> {
    if (this.#whole && this.#pos === pos) return this.#state
    const window = new FileWindow(file, pos, Math.min(1024 * 1024, Math.max(1, pos - this.#start)))
    let state = this.#seed
    for (let at = this.#start; at < pos; ) {
      const n = await window.load(at, window.capacity)
      if (n === 0) break
      const from = window.index(at)
      state = checksum(window.buffer.subarray(from, from + n), state)
      at += n
    }
    return state
  }
}
