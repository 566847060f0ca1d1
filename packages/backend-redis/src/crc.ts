// CRC-32 over a part of a buffer, eight bytes a step ("slicing-by-8", Kounavis and Berry 2005). For
// records of a few hundred bytes it is faster than a call of zlib's, which has to be handed a string or
// a view of each.
const STEPS = 8
const POLYNOMIAL = 0xed_b8_83_20

const [T0, T1, T2, T3, T4, T5, T6, T7] = tables()

/** The sum of each byte alone. */
export const CRC_TABLE: Uint32Array = T0

function tables(): readonly [T, T, T, T, T, T, T, T] {
  const all = Array.from({ length: STEPS }, () => new Uint32Array(256))
  const [first] = all as [T]
  for (let n = 0; n < 256; n++) {
    let sum = n
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? POLYNOMIAL ^ (sum >>> 1) : sum >>> 1
    first[n] = sum
  }
  for (let k = 1; k < STEPS; k++) {
    const [before, next] = [all[k - 1], all[k]] as [T, T]
    for (let n = 0; n < 256; n++) next[n] = (at(before, n) >>> 8) ^ at(first, at(before, n) & 255)
  }
  return all as [T, T, T, T, T, T, T, T]
}

type T = Uint32Array

/** The places asked for are always there. */
function at(values: Uint32Array | Uint8Array, place: number): number {
  return values[place] as number
}

/** The sum of `bytes[from..to)`, going on from the sum of what comes before. As `crc32` of `node:zlib`. */
export function crcOf(bytes: Uint8Array, from: number, to: number, before: number): number {
  let sum = ~before
  let i = from
  for (; i + STEPS <= to; i += STEPS) {
    const low =
      sum ^
      (at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24))
    sum =
      at(T7, low & 255) ^
      at(T6, (low >>> 8) & 255) ^
      at(T5, (low >>> 16) & 255) ^
      at(T4, low >>> 24) ^
      at(T3, at(bytes, i + 4)) ^
      at(T2, at(bytes, i + 5)) ^
      at(T1, at(bytes, i + 6)) ^
      at(T0, at(bytes, i + 7))
  }
  for (; i < to; i++) sum = (sum >>> 8) ^ at(T0, (sum ^ at(bytes, i)) & 255)
  return ~sum >>> 0
}

/** As `crcOf`, of text that is ASCII. */
export function crcOfAscii(text: string, before: number): number {
  let sum = ~before
  for (let i = 0; i < text.length; i++) {
    sum = (sum >>> 8) ^ at(T0, (sum ^ text.charCodeAt(i)) & 255)
  }
  return ~sum >>> 0
}
