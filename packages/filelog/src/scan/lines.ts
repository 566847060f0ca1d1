import { Buffer } from 'node:buffer'
import { throwIfAborted } from '@papyra/contracts'
import { LF } from '../format/frame.js'
import type { FileWindow } from './file-window.js'
import { readLongLine, type LongLine } from './long-line.js'

/** Bytes that one step reads. */
const STEP = 256 * 1024

/** One line. The same object is used again for the next one. */
export interface Line {
  bytes: Buffer
  /** The line in `bytes`, its 0x0A not counted. Of a line too long for memory: its first bytes. */
  start: number
  stop: number
  /** Place in the file, and length, the 0x0A counted. */
  offset: number
  length: number
  /** False if the file, or the part asked for, ends before a 0x0A. */
  ended: boolean
  /** Set if the line does not fit into memory; it was checked while it streamed by. */
  long: LongLine | null
}

/** What a visitor answers: `stop` ends the walk behind this line. */
export type Step = undefined | 'stop'
export type LineVisitor = (line: Line) => Step | Promise<Step>

export interface LineRange {
  readonly from: number
  /** Behind the last byte; the part before it may lack a line's end. */
  readonly to: number
  /** With which a line too long for memory is checked; `null` for a plain log. */
  readonly seed: number | null
  /** Lines up to this length are handed over whole. At least the window's capacity. */
  readonly wholeUpTo: number
  readonly signal?: AbortSignal | undefined
  /** How much is read at once. Default 256 KiB. */
  readonly step?: number
  /** Told of the bytes `[from, to)` of the buffer before the lines in them are visited. */
  readonly onBytes?: (bytes: Buffer, from: number, to: number) => void
  /** Told, before the buffer changes, that the walk is at `index` in it, which is `pos` in the file. */
  readonly onMove?: (bytes: Buffer, index: number, pos: number) => void
}

/** Walks over the lines of a range; 0x0A ends a line and nothing else does. Resolves with where it stopped. */
export async function eachLine(
  window: FileWindow,
  range: LineRange,
  visit: LineVisitor,
): Promise<number> {
  const { buffer } = window
  const line = emptyLine(buffer)
  let pos = range.from
  const { step: stepBytes = STEP } = range
  let want = stepBytes
  while (pos < range.to) {
    throwIfAborted(range.signal)
    const rangeLeft = range.to - pos
    const have = Math.min(await window.load(pos, Math.min(want, rangeLeft), stepBytes), rangeLeft)
    if (have === 0) break
    const first = window.index(pos)
    const view = buffer.subarray(0, first + have)
    let at = first
    range.onBytes?.(buffer, first, first + have)
    for (let lf = view.indexOf(LF, at); lf >= 0; lf = view.indexOf(LF, at)) {
      put(line, {
        bytes: buffer,
        start: at,
        stop: lf,
        offset: pos,
        length: lf + 1 - at,
        ended: true,
      })
      at = lf + 1
      pos += line.length
      const step = visit(line)
      if (step === undefined) continue
      if ((typeof step === 'string' ? step : await step) === 'stop') return pos
    }
    range.onMove?.(buffer, at, pos)
    const rest = first + have - at
    want = at > first ? stepBytes : Math.max(want, rest) * 2
    if (rest === 0 || (pos + rest < Math.min(range.to, window.limit) && rest < window.capacity))
      continue
    pos = await lastOrLong(window, range, line, { pos, at, rest }, visit)
    if (pos < 0) return -pos
    want = stepBytes
  }
  return pos
}

function emptyLine(bytes: Buffer): Line {
  return { bytes, start: 0, stop: 0, offset: 0, length: 0, ended: true, long: null }
}

function put(line: Line, next: Omit<Line, 'long'>): void {
  line.bytes = next.bytes
  line.start = next.start
  line.stop = next.stop
  line.offset = next.offset
  line.length = next.length
  line.ended = next.ended
  line.long = null
}

/** A line without end, or one that is longer than the window. Negative if the walk is to stop. */
async function lastOrLong(
  window: FileWindow,
  range: LineRange,
  line: Line,
  place: { pos: number; at: number; rest: number },
  visit: LineVisitor,
): Promise<number> {
  const { pos, at, rest } = place
  if (pos + rest >= Math.min(range.to, window.limit)) {
    put(line, {
      bytes: window.buffer,
      start: at,
      stop: at + rest,
      offset: pos,
      length: rest,
      ended: false,
    })
  } else {
    const long = await readLongLine(window, pos, range)
    const { length, ended } = long
    const whole = length <= range.wholeUpTo ? await readWhole(window, pos, length) : null
    const bytes = whole ?? long.first
    const stop = whole === null ? bytes.length : length - (ended ? 1 : 0)
    put(line, { bytes, start: 0, stop, offset: pos, length, ended })
    if (whole === null) line.long = long
  }
  const end = pos + line.length
  const step = await visit(line)
  return step === 'stop' ? -end : end
}

async function readWhole(window: FileWindow, pos: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const n = await window.load(pos + done, Math.min(window.capacity, length - done))
    if (n === 0) return bytes.subarray(0, done)
    const at = window.index(pos + done)
    const take = Math.min(n, length - done)
    window.buffer.copy(bytes, done, at, at + take)
    done += take
  }
  return bytes
}
