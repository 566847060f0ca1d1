import { Buffer } from 'node:buffer'
import { hex8, checksum } from './checksum.js'

/** Bytes of one of the two slots of an accounts file. */
export const ACCOUNTS_SLOT_BYTES: number = 1024

/** The longest text, in bytes of UTF-8. */
const MOST_TEXT = 896

/** What one slot holds. The greater turn is the newer; even turns are in the first slot. */
export interface AccountsSlot {
  readonly turn: number
  /** Which run of the machine put it; empty if that cannot be known. */
  readonly bootId: string
  readonly text: string
}

const SLOT = /^([0-9a-f]{8}) (\d{1,16}) ([^ ]*) (.*?) *\n$/

/**
 * `<CRC-32 of what follows> <turn> <boot id> <text>`, filled up with spaces, and a line end. `null`
 * if the text is too long or holds a line end.
 */
export function encodeAccountsSlot({ turn, bootId, text }: AccountsSlot): Buffer | null {
  const rest = Buffer.alloc(ACCOUNTS_SLOT_BYTES - 9, ' ')
  const content = Buffer.from(`${turn} ${bootId} ${text}`)
  const fits = content.length < rest.length && Buffer.byteLength(text) <= MOST_TEXT
  if (!fits || content.includes('\n')) return null
  content.copy(rest)
  rest.write('\n', rest.length - 1)
  return Buffer.concat([Buffer.from(`${hex8(checksum(rest, 0))} `), rest])
}

/** `null` if the bytes are no sound slot. */
export function decodeAccountsSlot(bytes: Buffer): AccountsSlot | null {
  if (bytes.length !== ACCOUNTS_SLOT_BYTES) return null
  const [, sum, turn, bootId, text] = SLOT.exec(bytes.toString()) ?? []
  if (sum !== hex8(checksum(bytes.subarray(9), 0))) return null
  return { turn: Number(turn), bootId: bootId ?? '', text: text ?? '' }
}

/** The newer of the slots of a file, `damaged` if neither is sound; and whether both are. */
export function newestSlot(bytes: Buffer): {
  readonly newest: AccountsSlot | 'damaged'
  readonly whole: boolean
} {
  const slots = [0, 1].map((i) =>
    decodeAccountsSlot(bytes.subarray(i * ACCOUNTS_SLOT_BYTES, (i + 1) * ACCOUNTS_SLOT_BYTES)),
  )
  const sound = slots.filter((slot, i) => slot !== null && slot.turn % 2 === i)
  const newest = sound.reduce((a, b) => ((b?.turn ?? -1) > (a?.turn ?? -1) ? b : a), null)
  return { newest: newest ?? 'damaged', whole: sound.length === slots.length }
}

/** What a new file holds: a slot with an empty text, and room for the first one that is put. */
export function freshAccounts(): Buffer {
  const slot = encodeAccountsSlot({ turn: 0, bootId: '', text: '' })
  return Buffer.concat([slot ?? Buffer.alloc(0), Buffer.alloc(ACCOUNTS_SLOT_BYTES, ' ')])
}
