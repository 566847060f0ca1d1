import { Buffer } from 'node:buffer'

/** Ways to damage bytes. Each gives a changed copy; places are byte offsets, ranges `[start, end)`. */

/** Bit 0 is the lowest bit of the first byte, bit 8 that of the second. */
export function flipBit(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >>> 3] = (copy[bit >>> 3] as number) ^ (1 << (bit & 7))
  return copy
}

export function zeroRange(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes).fill(0, start, end)
}

/** Keeps the first `size` bytes. */
export function cutAt(bytes: Uint8Array, size: number): Buffer {
  return Buffer.from(bytes.subarray(0, size))
}

export function deleteRange(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
}

export function insertAt(bytes: Uint8Array, at: number, what: Uint8Array | string): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(what as Uint8Array), bytes.subarray(at)])
}

/** The range stands there twice, one behind the other. */
export function duplicateRange(bytes: Uint8Array, start: number, end: number): Buffer {
  return insertAt(bytes, end, bytes.subarray(start, end))
}

/** Exchanges two ranges; the first must end before the second begins. */
export function swapRanges(
  bytes: Uint8Array,
  [a, b]: readonly [number, number],
  [c, d]: readonly [number, number],
): Buffer {
  if (!(a <= b && b <= c && c <= d)) throw new RangeError('the ranges are not in order')
  const part = (start: number, end?: number): Uint8Array => bytes.subarray(start, end)
  return Buffer.concat([part(0, a), part(c, d), part(b, c), part(a, b), part(d)])
}

/** The ranges of the lines, line ends included; what stands behind the last 0x0A is a line too. */
export function lineRanges(bytes: Uint8Array): [number, number][] {
  const ranges: [number, number][] = []
  for (let start = 0; start < bytes.length; ) {
    const lf = bytes.indexOf(0x0a, start)
    const end = lf < 0 ? bytes.length : lf + 1
    ranges.push([start, end])
    start = end
  }
  return ranges
}

function line(bytes: Uint8Array, n: number): [number, number] {
  const range = lineRanges(bytes)[n]
  if (range === undefined) throw new RangeError(`there is no line ${n}`)
  return range
}

/** Lines are counted from 0. */
export function deleteLine(bytes: Uint8Array, n: number): Buffer {
  return deleteRange(bytes, ...line(bytes, n))
}

export function duplicateLine(bytes: Uint8Array, n: number): Buffer {
  return duplicateRange(bytes, ...line(bytes, n))
}

/** Exchanges line `n` and the later line `m`. */
export function swapLines(bytes: Uint8Array, n: number, m: number): Buffer {
  return swapRanges(bytes, line(bytes, n), line(bytes, m))
}
