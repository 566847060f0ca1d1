import { Buffer } from 'node:buffer'
import { decodeBlockMark, type BlockMark } from '../format/block-mark.js'
import { checksum, parseHex8 } from '../format/checksum.js'
import { TAIL_BYTES, hasTail, parseHeader } from '../format/frame.js'

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
  /** True if its 0x0A follows; then that is counted in `end`. */
  readonly ended: boolean
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
export function salvage(bytes: Buffer, line: DamagedLine, seed: number, place: Place): Found[] {
  const { start, stop, offset, ended } = line
  const ends = positions(bytes, CRC, start, stop)
    .map((at) => at + TAIL_BYTES)
    .filter((end) => end <= stop && hasTail(bytes, start, end))
  const found: Found[] = []
  const search = new EndSearch(bytes, ends, seed, stop - start)
  let floor = start
  let after = place.after
  for (const at of ends.length === 0 ? [] : positions(bytes, START, start, stop)) {
    if (at < floor) continue
    const end = search.endOf(at)
    if (end < 0) continue
    const header = parseHeader(bytes, at, end)
    if (header === null || header.kind === '_log') continue
    const mark = header.kind === '_block' ? decodeBlockMark(bytes, at, end) : null
    if (header.kind.startsWith('_') && mark === null) continue
    const alone = at > floor && end < stop
    const missing = header.seq > after && header.seq < place.before
    if (alone && mark === null && !missing) continue
    const { seq, kind } = header
    const whole = ended && end === stop
    const to = offset + end - start + (whole ? 1 : 0)
    found.push({ offset: offset + at - start, end: to, seq, kind, mark, ended: whole })
    if (header.seq > after) after = header.seq
    floor = end
  }
  return found
}

/** Looks for the end of a line by its checksum. What finds nothing is effort, and that is limited. */
class EndSearch {
  readonly #bytes: Buffer
  readonly #ends: readonly number[]
  readonly #seed: number
  #tries = MOST_TRIES
  #left: number
  /** The first end that may belong to what comes next. */
  #next = 0

  constructor(bytes: Buffer, ends: readonly number[], seed: number, length: number) {
    this.#bytes = bytes
    this.#ends = ends
    this.#seed = seed
    this.#left = MOST_PASSES * length
  }

  /** Where the line that starts at `at` ends; -1 if no checksum says so. Starts come in order. */
  endOf(at: number): number {
    while ((this.#ends[this.#next] ?? Number.POSITIVE_INFINITY) - TAIL_BYTES <= at) this.#next++
    let state = this.#seed
    let done = at
    let tries = this.#tries
    let left = this.#left
    for (let i = this.#next; i < this.#ends.length && tries > 0 && left > 0; i++) {
      const end = this.#ends[i] as number
      const stop = end - TAIL_BYTES
      tries--
      left -= stop - done
      state = checksum(this.#bytes.subarray(done, stop), state)
      done = stop
      if (state === parseHex8(this.#bytes, end - 10)) return end
    }
    this.#tries = tries
    this.#left = left
    return -1
  }
}
