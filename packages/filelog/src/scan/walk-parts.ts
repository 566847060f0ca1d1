import { type Buffer, isUtf8 } from 'node:buffer'
import { LF, verifies, type LineHeader } from '../format/frame.js'
import { decodeHead } from '../format/head.js'
import type { VfsFile } from '../vfs.js'
import { LARGEST_BLOCK } from './fast-block.js'
import { FileWindow } from './file-window.js'
import type { Line } from './lines.js'
import type { Numbers } from './numbers.js'
import { RunningSum } from './running-sum.js'
import type { StretchPlace, StretchResult } from './stretch.js'
import type { WalkOptions, WalkResult } from './walk-types.js'

export { LARGEST_BLOCK }

/** Behind a block its last record may go on, and its mark follows. */
const SLACK_BYTES = 1024 * 1024
/** What is read at once where lines are looked at. */
export const STEP: number = 1024 * 1024
const SMALLEST_WINDOW = 2 * 1024 * 1024

/** One buffer that holds a block and what follows it. */
export function windowFor(file: VfsFile, size: number, blockBytes: number): FileWindow {
  const block = blockBytes <= LARGEST_BLOCK ? blockBytes + SLACK_BYTES : SMALLEST_WINDOW
  return new FileWindow(file, size, Math.max(block, SMALLEST_WINDOW))
}

/** Lines that are verified together. */
const TOGETHER_BYTES = 64 * 1024

/** Verifies lines many at a time where they are sound, one by one where they are not. */
export class ProvenLines {
  /** True if all whole lines in the buffer are valid UTF-8; if not, each has to be looked at. */
  allUtf8 = true
  readonly #seed: number
  readonly #sum: RunningSum
  /** Lines that end before this index are proven. */
  #to = -1
  /** Up to here it was tried. */
  #tried = -1
  #limit = 0

  constructor(seed: number, sum: RunningSum) {
    this.#seed = seed
    this.#sum = sum
  }

  /** The buffer has other bytes now, `[from, limit)`. */
  restart(bytes: Buffer, from: number, limit: number): void {
    this.allUtf8 = linesAreUtf8(bytes, from, limit)
    this.#to = -1
    this.#tried = -1
    this.#limit = limit
  }

  proves({ bytes, start, stop, offset }: Line): boolean {
    if (stop < this.#to) return true
    if (start >= this.#tried) {
      const end = Math.min(start + TOGETHER_BYTES, this.#limit)
      this.#to = this.#sum.overLines(bytes, start, end, offset)
      this.#tried = this.#to < 0 ? end : this.#to
      if (stop < this.#to) return true
    }
    return verifies(bytes, start, stop, this.#seed)
  }
}

/** The block that a walk is in. */
export class BlockPlace {
  start: number
  /** Where a line began although a mark was due before it; -1 if none did. */
  dueAt = -1
  readonly sum: RunningSum
  readonly #blockBytes: number

  constructor(start: number, seed: number, blockBytes: number) {
    this.start = start
    this.sum = new RunningSum(seed, start)
    this.#blockBytes = blockBytes
  }

  restart(pos: number): void {
    this.start = pos
    this.dueAt = -1
    this.sum.restart(pos)
  }

  /** True if a mark is due at `offset`. */
  due(offset: number): boolean {
    return offset - this.start >= this.#blockBytes
  }
}

/** Lines that do not verify, one behind the other, while more of them may come. */
export class BadLines {
  from = -1
  #to = -1
  endsWithLine = true

  get open(): boolean {
    return this.from >= 0
  }

  add({ offset, length, ended }: Line): void {
    if (this.from < 0) this.from = offset
    this.#to = offset + length
    this.endsWithLine = ended
  }

  /** Ends the stretch; says where it was. */
  close(after: number, before: number, markDue: boolean): StretchPlace {
    const offset = this.from
    this.from = -1
    return { offset, end: this.#to, after, before, markDue, atHead: offset === 0 }
  }
}

/** The head of this log in a line that is not the first; `null` if it is none. */
export function movedHead(
  line: Line,
  { start, stop }: { start: number; stop: number },
  { logId }: WalkOptions,
): WalkResult['movedHead'] {
  const result = decodeHead(line.bytes, start, stop)
  if (result.state !== 'ok' || result.head.logId !== logId) return null
  return { head: result.head, offset: line.offset, end: line.offset + line.length }
}

/** The number of the first record that may stand behind damage, if this line does. */
export function numberBehind(header: LineHeader | null, cursor: number): number {
  if (header === null) return cursor + 1
  // A mark repeats the number of the record before it.
  return header.kind === '_block' ? header.seq + 1 : header.seq
}

function linesAreUtf8(bytes: Buffer, from: number, to: number): boolean {
  const last = bytes.subarray(from, to).lastIndexOf(LF)
  return last >= 0 && isUtf8(bytes.subarray(from, from + last))
}

/** Hands on what was found inside damage; gives where the last mark in it ends, -1 if there is none. */
export function placeFound(
  { stretch, found }: StretchResult,
  numbers: Numbers,
  block: BlockPlace,
): number {
  let soundEnd = -1
  numbers.stretch(stretch)
  for (const { offset, end, seq, mark, ended } of found) {
    if (mark === null) {
      numbers.run({ offset, end, firstSeq: seq, lastSeq: seq, records: 1, ended }, true)
      continue
    }
    const at = { offset, end, blockStart: block.start, sumMatches: false }
    numbers.mark(mark.mark, mark.crc, at)
    block.restart(end)
    numbers.stretch(stretch)
    soundEnd = end
  }
  return soundEnd
}
