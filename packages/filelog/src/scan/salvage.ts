import { Buffer } from 'node:buffer'
import { decodeBlockMark, type BlockMark } from '../block-mark.js'
import { checksum, parseHex8 } from '../checksum.js'
import { TAIL_BYTES, hasTail, parseHeader } from '../frame.js'

/** Effort for one damaged line: so many checksums, over so many times the line's bytes. */
const MOST_TRIES = 2000
const MOST_PASSES = 64

const START = Buffer.from('{"seq":')
const CRC = Buffer.from(',"crc":"')

/** A whole record or block mark inside a damaged line; offsets in the file. */
export interface Found {
  readonly offset: number
  readonly end: number
  readonly seq: number
  readonly kind: string
  readonly mark: { readonly mark: BlockMark; readonly crc: string } | null
}

/** A line in memory, and where its first byte is in the file; its end counts to what ends there. */
export interface DamagedLine {
  readonly start: number
  readonly stop: number
  readonly offset: number
  readonly ended: boolean
}

/** Which records may be taken out of the middle of a line: those whose number is not there. */
export interface Place {
  readonly after: number
  readonly before: number
}

function positions(bytes: Buffer, what: Buffer, start: number, stop: number): number[] {
  const view = bytes.subarray(0, stop)
  const out: number[] = []
  for (let at = view.indexOf(what, start); at >= 0; at = view.indexOf(what, at + 1)) out.push(at)
  return out
}

/**
 * Looks for whole lines inside the damaged one `bytes[start, stop)`, whose first byte is at `offset`
 * of the file, by their checksum. The longest come first, so that a record that holds another one
 * as its payload is found as a whole. A record in the middle of other bytes counts only if its
 * number is missing here: it may be a payload.
 */
export function salvage(
  bytes: Buffer,
  line: DamagedLine,
  seed: number,
  place: Place,
): Found[] {
  const { start, stop, offset, ended } = line
  const ends = positions(bytes, CRC, start, stop)
    .map((at) => at + TAIL_BYTES)
    .filter((end) => end <= stop && hasTail(bytes, start, end))
  const found: Found[] = []
  if (ends.length === 0) return found
  const effort = { tries: MOST_TRIES, bytes: MOST_PASSES * (stop - start) }
  let floor = start
  let after = place.after
  for (const at of positions(bytes, START, start, stop)) {
    if (at < floor) continue
    const end = endOf(bytes, at, ends, seed, effort)
    if (end < 0) continue
    const header = parseHeader(bytes, at, end)
    if (header === null || header.kind === '_log') continue
    const mark = header.kind === '_block' ? decodeBlockMark(bytes, at, end) : null
    if (header.kind.startsWith('_') && mark === null) continue
    const alone = at > floor && end < stop
    const missing = header.seq > after && header.seq < place.before
    if (alone && mark === null && !missing) continue
    const { seq, kind } = header
    const lineEnd = ended && end === stop ? 1 : 0
    found.push({ offset: offset + at - start, end: offset + end + lineEnd - start, seq, kind, mark })
    if (header.seq > after) after = header.seq
    floor = end
  }
  return found
}

/** Where the line that starts at `at` ends, if its checksum says so; -1 if none does. */
function endOf(
  bytes: Buffer,
  at: number,
  ends: readonly number[],
  seed: number,
  effort: { tries: number; bytes: number },
): number {
  let state = seed
  let done = at
  for (const end of ends) {
    const stop = end - TAIL_BYTES
    if (stop <= at) continue
    if (effort.tries <= 0 || effort.bytes <= 0) return -1
    effort.tries--
    effort.bytes -= stop - done
    state = checksum(bytes.subarray(done, stop), state)
    done = stop
    if (state === parseHex8(bytes, end - 10)) return end
  }
  return -1
}
