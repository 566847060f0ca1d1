import type { Buffer } from 'node:buffer'
import { checksum, checksumRange, parseHex8 } from '../format/checksum.js'
import { LF, TAIL_BYTES } from '../format/frame.js'

/** Powers of two up to the longest stretch of bytes that a checksum is moved over. */
const POWERS = 24

type Shift = (state: number, length: number) => number

/**
 * Tables that move a difference in the state of a checksum over 2^n bytes: the move is linear, so
 * each is put together from the moves of its four bytes.
 */
function makeShift(): Shift {
  const tables = Array.from({ length: POWERS }, () => new Int32Array(4 * 256))
  const apply = (t: Int32Array, c: number): number =>
    (t[c & 255] as number) ^
    (t[256 + ((c >>> 8) & 255)] as number) ^
    (t[512 + ((c >>> 16) & 255)] as number) ^
    (t[768 + (c >>> 24)] as number)
  const one = tables[0] as Int32Array
  for (let i = 0; i < 1024; i++) {
    let c = (i & 255) << (8 * (i >> 8))
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    one[i] = c
  }
  for (let n = 1; n < POWERS; n++) {
    const half = tables[n - 1] as Int32Array
    for (let i = 0; i < 1024; i++) (tables[n] as Int32Array)[i] = apply(half, half[i] as number)
  }
  return (state, length) => {
    let c = state
    for (let n = 0, rest = length; rest > 0; n++, rest >>>= 1) {
      if (rest & 1) c = apply(tables[n] as Int32Array, c)
    }
    return c
  }
}

const shift: Shift = makeShift()

/** What a line that ends before `end` says its checksum is; -1 if it does not end like one. */
function ownChecksum(bytes: Buffer, end: number): number {
  const at = end - TAIL_BYTES
  const closes =
    bytes[end - 1] === 0x7d &&
    bytes[end - 2] === 0x22 &&
    bytes[at] === 0x2c &&
    bytes[at + 1] === 0x22 &&
    bytes[at + 2] === 0x63 &&
    bytes[at + 3] === 0x72 &&
    bytes[at + 4] === 0x63 &&
    bytes[at + 5] === 0x22 &&
    bytes[at + 6] === 0x3a &&
    bytes[at + 7] === 0x22
  return closes ? parseHex8(bytes, at + 8) : -1
}

/** A checksum that runs over lines: their log's seed, and how far it is. */
export interface LinesSum {
  readonly seed: number
  state: number
}

/**
 * Verifies the whole lines in `bytes[from, to)`, up to a block mark, with one checksum over all of
 * them: what it has to be follows from what each line says is its own. Gives where the last of them
 * ends, and moves `sum` on to there; or -1 if they do not all verify: then each has to be looked at.
 * Two to three times as fast as line by line.
 */
export function verifyLines(bytes: Buffer, from: number, to: number, sum: LinesSum): number {
  const { seed } = sum
  const view = bytes.subarray(0, to)
  let state = sum.state
  let at = from
  for (let lf = view.indexOf(LF, at); lf >= 0; lf = view.indexOf(LF, at)) {
    if (isOwnKind(bytes, at)) break
    const content = lf - TAIL_BYTES - at
    const own = content > 0 && content < 1 << POWERS ? ownChecksum(bytes, lf) : -1
    if (own < 0) return -1
    // The same bytes behind another state: the difference of the states moves along.
    state = shift(state ^ seed, content) ^ own
    state = checksumRange(bytes, lf - TAIL_BYTES, lf + 1, state)
    at = lf + 1
  }
  if (at === from) return -1
  state >>>= 0
  if (checksum(bytes.subarray(from, at), sum.state) !== state) return -1
  sum.state = state
  return at
}

/** True if the kind of the line at `at` begins with `_`. */
function isOwnKind(bytes: Buffer, at: number): boolean {
  let digit = at + 7
  for (let c = bytes[digit]; c !== undefined && c >= 48 && c <= 57; c = bytes[++digit]);
  return bytes[digit + 9] === 0x5f
}
