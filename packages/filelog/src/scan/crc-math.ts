import { Buffer } from 'node:buffer'
import { checksum } from '../format/checksum.js'

const POLYNOMIAL = 0xedb88320
const TABLE = new Uint32Array(256)
/** Which entry of `TABLE` has this top byte; each occurs once. */
const BY_TOP = new Uint8Array(256)
for (let i = 0; i < 256; i++) {
  let c = i
  for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1
  TABLE[i] = c
  BY_TOP[c >>> 24] = i
}

/** The difference that `length` bytes make out of a difference in the state before them, undone. */
function unshift(difference: number, length: number): number {
  let c = difference
  for (let i = 0; i < length; i++) {
    const index = BY_TOP[c >>> 24] as number
    c = (((c ^ (TABLE[index] as number)) << 8) | index) >>> 0
  }
  return c >>> 0
}

/** The state from which `checksum(bytes, state)` gives `result`: the register run backwards. */
export function seedBefore(bytes: Uint8Array, result: number): number {
  return unshift((result ^ checksum(bytes, 0)) >>> 0, bytes.length)
}

const PREFIX = 'recovered-'
const DIGITS = 12

/**
 * A log id whose seed is `seed`, for a log whose own id is gone while its lines still agree on
 * their seed: the lines then verify as they stand. The low three bits of twelve digits are free and
 * the checksum is linear in them, so the digits follow from 32 equations.
 */
export function idWithSeed(seed: number): string {
  const text = Buffer.from(PREFIX + '0'.repeat(DIGITS))
  const base = checksum(text, 0)
  const rows: { value: number; bits: bigint }[] = []
  for (let bit = 0; bit < DIGITS * 3; bit++) {
    const at = PREFIX.length + Math.floor(bit / 3)
    const flip = 1 << (bit % 3)
    text[at] = (text[at] as number) ^ flip
    rows.push({ value: (checksum(text, 0) ^ base) >>> 0, bits: 1n << BigInt(bit) })
    text[at] = (text[at] as number) ^ flip
  }
  const chosen = solve(rows, (seed ^ base) >>> 0)
  for (let bit = 0; bit < DIGITS * 3; bit++) {
    if (((chosen >> BigInt(bit)) & 1n) === 0n) continue
    const at = PREFIX.length + Math.floor(bit / 3)
    text[at] = (text[at] as number) ^ (1 << (bit % 3))
  }
  return text.toString()
}

/** Which rows add up (without carry) to `target`, by elimination. */
function solve(rows: readonly { value: number; bits: bigint }[], target: number): bigint {
  const pivots: ({ value: number; bits: bigint } | undefined)[] = []
  for (const row of rows) {
    let { value, bits } = row
    while (value !== 0) {
      const top = 31 - Math.clz32(value)
      const pivot = pivots[top]
      if (pivot === undefined) {
        pivots[top] = { value, bits }
        break
      }
      value = (value ^ pivot.value) >>> 0
      bits ^= pivot.bits
    }
  }
  let rest = target
  let chosen = 0n
  while (rest !== 0) {
    const pivot = pivots[31 - Math.clz32(rest)]
    if (pivot === undefined) throw new RangeError('the digits do not reach every checksum')
    rest = (rest ^ pivot.value) >>> 0
    chosen ^= pivot.bits
  }
  return chosen
}
