import { crc32 } from 'node:zlib'

/** The seed of a log: the CRC-32 of its id, so that a line of another log never verifies in it. */
export function seedOf(logId: string): number {
  return crc32(logId)
}

/** CRC-32 of `bytes`, going on from `state` (a seed, or an earlier result). */
export function checksum(bytes: Uint8Array | string, state: number): number {
  // Of no bytes zlib gives 0, whatever came before.
  return bytes.length === 0 ? state : crc32(bytes, state)
}

/** Above so many bytes the native checksum makes up for the view that it needs. */
const NATIVE_FROM = 512

/** Eight tables: table `n`, at `256 * n`, moves a byte's remainder on by `n` bytes. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    tables[n] = c
  }
  for (let i = 256; i < tables.length; i++) {
    const c = tables[i - 256] as number
    tables[i] = (tables[c & 255] as number) ^ (c >>> 8)
  }
  return tables
}

type RangeChecksum = (bytes: Uint8Array, start: number, end: number, state: number) => number

/** In a closure the tables are constants for the compiler; a bundler makes variables of a module's. */
function makeRangeChecksum(): RangeChecksum {
  const t = makeTables()
  return (bytes, start, end, state) => {
    if (end - start >= NATIVE_FROM) return crc32(bytes.subarray(start, end), state)
    let c = ~state
    let i = start
    // Indexing a typed array inside its bounds never gives undefined.
    for (const eights = end - 7; i < eights; i += 8) {
      c =
        (t[1792 + ((c ^ (bytes[i] as number)) & 255)] as number) ^
        (t[1536 + (((c >>> 8) ^ (bytes[i + 1] as number)) & 255)] as number) ^
        (t[1280 + (((c >>> 16) ^ (bytes[i + 2] as number)) & 255)] as number) ^
        (t[1024 + ((c >>> 24) ^ (bytes[i + 3] as number))] as number) ^
        (t[768 + (bytes[i + 4] as number)] as number) ^
        (t[512 + (bytes[i + 5] as number)] as number) ^
        (t[256 + (bytes[i + 6] as number)] as number) ^
        (t[bytes[i + 7] as number] as number)
    }
    while (i < end) c = (t[(c ^ (bytes[i++] as number)) & 255] as number) ^ (c >>> 8)
    return ~c >>> 0
  }
}

/**
 * `checksum` of `bytes[start, end)`. For a few hundred bytes, a line, it takes half the time of
 * `checksum(bytes.subarray(start, end), state)`.
 */
export const checksumRange: RangeChecksum = makeRangeChecksum()

const BYTE_HEX: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, '0'),
)

/** Eight lower-case hex digits; through a table, which is several times faster than `toString(16)`. */
export function hex8(value: number): string {
  return (
    (BYTE_HEX[value >>> 24] as string) +
    (BYTE_HEX[(value >>> 16) & 255] as string) +
    (BYTE_HEX[(value >>> 8) & 255] as string) +
    (BYTE_HEX[value & 255] as string)
  )
}

/** The number behind eight lower-case hex digits at `at`; -1 if they are not that. */
export function parseHex8(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const c = bytes[at + i] as number
    const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 102 ? c - 87 : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}
