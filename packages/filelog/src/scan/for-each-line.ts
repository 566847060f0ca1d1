import type { Buffer } from 'node:buffer'
import { parseHeader, verifies, type LineHeader } from '../format/frame.js'
import type { VfsFile } from '../vfs.js'
import { FileWindow } from './file-window.js'
import { eachLine, type Line } from './lines.js'
import { soundStart, soundStop } from './stray.js'

/** Lines up to this length are handed over whole. */
export const WHOLE_LINE_BYTES: number = 64 * 1024 * 1024
const WINDOW_BYTES = 1024 * 1024

export interface EachLineOptions {
  readonly from: number
  /** Behind the last byte. A line that has no end before it is handed over all the same. */
  readonly to: number
  /** `null` for a plain log, whose lines carry no checksum. */
  readonly seed: number | null
  readonly signal?: AbortSignal
}

/**
 * Told of one line. `chunk[start, end)` is the line without its 0x0A and without stray bytes (byte
 * order mark, carriage returns, blanks) around it; `offset` is where that starts in the file.
 * `header` is `null` if the line does not start like a record (always on a plain log), `sound` is
 * true if the checksum is right (on a plain log: always). Blank lines are left out. `length` is the
 * length of the whole line in the file, its end counted: if `end - start` is 0 the line is longer
 * than 64 MiB and has to be read from the file by its place; `header` and `sound` are right even so,
 * and its bytes without stray ones are `[offset, offset + size)`.
 * A promise is waited for; until then `chunk` stays as it is.
 */
export type LineVisit = (
  chunk: Buffer,
  start: number,
  end: number,
  offset: number,
  header: LineHeader | null,
  sound: boolean,
  length: number,
  size: number,
) => void | Promise<void>

/** Streams the lines of a part of a log, verified, in bounded memory. */
export async function forEachLine(
  file: VfsFile,
  options: EachLineOptions,
  visit: LineVisit,
): Promise<void> {
  const { from, to, seed, signal } = options
  const window = new FileWindow(file, to, Math.min(WINDOW_BYTES, Math.max(4096, to - from)))
  const range = { from, to, seed, wholeUpTo: WHOLE_LINE_BYTES, signal }
  await eachLine(window, range, (line) => {
    const waiting =
      line.long === null ? handOver(line, seed, visit) : handOverLong(line, seed, visit)
    return waiting instanceof Promise ? waiting.then(() => undefined) : undefined
  })
}

function handOver(line: Line, seed: number | null, visit: LineVisit): void | Promise<void> {
  const { bytes } = line
  const start = soundStart(bytes, line.start, line.stop)
  const end = soundStop(bytes, start, line.stop)
  if (start === end) return undefined
  const offset = line.offset + start - line.start
  const header = seed === null ? null : parseHeader(bytes, start, end)
  const sound = seed === null || verifies(bytes, start, end, seed)
  return visit(bytes, start, end, offset, header, sound, line.length, end - start)
}

function handOverLong(line: Line, seed: number | null, visit: LineVisit): void | Promise<void> {
  const { long, bytes } = line
  if (long === null) return undefined
  const header = seed === null ? null : parseHeader(bytes, long.strayBefore, bytes.length)
  const offset = line.offset + long.strayBefore
  const size = long.length - (long.ended ? 1 : 0) - long.strayBefore - long.strayBehind
  return visit(bytes, 0, 0, offset, header, long.sound, long.length, size)
}
