import { crc32 } from 'node:zlib'
import { CRC_TABLE } from './crc.js'

/** The places of the table by their highest byte, which are all different. */
const BY_TOP: readonly number[] = CRC_TABLE.reduce<number[]>((places, value, at) => {
  places[value >>> 24] = at
  return places
}, [])

/** What the checksum of these bytes was started from, if it came to `sum`. */
export function unseed(bytes: Buffer, sum: number): number {
  let state = ~sum >>> 0
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    const place = BY_TOP[state >>> 24] ?? 0
    state = ((((state ^ (CRC_TABLE[place] ?? 0)) << 8) >>> 0) | (place ^ (bytes[at] ?? 0))) >>> 0
  }
  const seed = ~state >>> 0
  return crc32(bytes, seed) === sum ? seed : Number.NaN
}
