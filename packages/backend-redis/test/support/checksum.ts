import { crc32 } from 'node:zlib'
import { kindSeed } from '../../src/entry.js'

/** What the checksum of a record has to be, by zlib: over its kind, its key and its text. */
export function checksum(seed: number, kind: string, key: string, text: string): string {
  return crc32(`${key}:${text}`, kindSeed(seed, kind)).toString(16).padStart(8, '0')
}
