import { crc32 } from 'node:zlib'

const TABLE: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1)
    value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value >>> 0
})

/** The places of the table by their highest byte, which are all different. */
const BY_TOP: readonly number[] = TABLE.reduce<number[]>((places, value, at) => {
  places[value >>> 24] = at
  return places
}, [])

/** What the checksum of these bytes was started from, if it came to `sum`. */
export function unseed(bytes: Buffer, sum: number): number {
  let state = ~sum >>> 0
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    const place = BY_TOP[state >>> 24] ?? 0
    state = ((((state ^ (TABLE[place] ?? 0)) << 8) >>> 0) | (place ^ (bytes[at] ?? 0))) >>> 0
  }
  const seed = ~state >>> 0
  return crc32(bytes, seed) === sum ? seed : Number.NaN
}
