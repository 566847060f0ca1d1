import { crcOf, crcOfAscii } from './crc.js'
import type { Encoded } from './encode.js'
import { kindSeed } from './entry.js'
import { KINDS } from './keys.js'

/** What the checksums of a batch are over, beside the records. */
export interface Packing {
  readonly seed: number
  /** `<writer>:<epoch>:`, with which the key of each record begins. */
  readonly head: string
  /** The number of the first record within its writer. */
  readonly first: number
}

/** Takes the place of a checksum until it is known. */
const NO_SUM = '00000000'
const HEX: Uint8Array = Buffer.from('0123456789abcdef')

/**
 * The records of a batch as the script takes them: of each its checksum, its text and a zero byte. One
 * buffer for all: handed over one by one, the client would measure and copy each string.
 */
export function packed(records: readonly Encoded[], { seed, head, first }: Packing): Buffer {
  const words: string[] = []
  for (const { text } of records) words.push(NO_SUM, text, '\0')
  const whole = words.join('')
  const all = Buffer.from(whole)
  const ascii = all.length === whole.length
  const starts = KINDS.map((kind) => crcOfAscii(head, kindSeed(seed, kind)))
  let n = first
  let from = 0
  for (const { place, text } of records) {
    const begin = from + NO_SUM.length
    const end = begin + (ascii ? text.length : Buffer.byteLength(text))
    putHex(all, from, crcOf(all, begin, end, crcOfAscii(`${n}:`, starts[place - 1] ?? 0)))
    n += 1
    from = end + 1
  }
  return all
}

function putHex(bytes: Uint8Array, from: number, sum: number): void {
  for (let i = 0; i < NO_SUM.length; i++) bytes[from + i] = HEX[(sum >>> (28 - 4 * i)) & 15] ?? 0
}
