import { Buffer } from 'node:buffer'
import { checksum, hex8, seedOf } from './checksum.js'
import { LF, verifies } from './frame.js'

/** Bytes of one slot; the mark file holds two. */
export const SLOT_BYTES = 512

/** How far was acknowledged. */
export interface AckMark {
  readonly logId: string
  readonly generation: number
  /** Raised with every write; the slot with the greater one is the newer. */
  readonly turn: number
  /** The last number that was acknowledged; 0 if none was. */
  readonly acked: number
  /** The last number that is known to be synced. */
  readonly synced: number
  /** Byte offset in the log just behind the record `acked` (and a block mark that follows it). */
  readonly offset: number
}

/** One slot: a JSON line padded with spaces before its checksum, so that every byte is covered. */
export function encodeSlot(mark: AckMark): Buffer {
  const text =
    `{"kind":"_mark","log_id":${JSON.stringify(mark.logId)},"generation":${mark.generation},"turn":${mark.turn}` +
    `,"acked":${mark.acked},"synced":${mark.synced},"offset":${mark.offset}`
  const open = text.padEnd(SLOT_BYTES - 19, ' ')
  const crc = hex8(checksum(open, seedOf(mark.logId)))
  const slot = Buffer.from(`${open},"crc":"${crc}"}\n`)
  if (slot.length !== SLOT_BYTES) throw new RangeError('a log id does not fit into the mark')
  return slot
}

/** Reads one slot; `null` if it is not sound. */
export function decodeSlot(slot: Uint8Array): AckMark | null {
  if (slot.length !== SLOT_BYTES || slot[SLOT_BYTES - 1] !== LF) return null
  let raw: Record<string, unknown>
  try {
    raw = JSON.parse(Buffer.from(slot.buffer, slot.byteOffset, slot.length).toString()) as Record<
      string,
      unknown
    >
  } catch {
    return null
  }
  const logId = raw['log_id']
  if (raw['kind'] !== '_mark' || typeof logId !== 'string') return null
  if (!verifies(slot, 0, SLOT_BYTES - 1, seedOf(logId))) return null
  const numbers = [raw['generation'], raw['turn'], raw['acked'], raw['synced'], raw['offset']]
  if (!numbers.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) return null
  const [generation, turn, acked, synced, offset] = numbers as [
    number,
    number,
    number,
    number,
    number,
  ]
  return { logId, generation, turn, acked, synced, offset }
}

export type AckMarkResult =
  | { readonly state: 'missing' }
  /** At least one slot is sound: `mark` is the newer one. `damaged` are the byte offsets of bad slots. */
  | { readonly state: 'ok'; readonly mark: AckMark; readonly damaged: readonly number[] }
  | { readonly state: 'damaged' }

/** Reads a whole mark file. Bytes beyond the two slots count as damage of the second. */
export function decodeAckMark(bytes: Uint8Array): AckMarkResult {
  const slots = [0, SLOT_BYTES].map((at) => decodeSlot(bytes.subarray(at, at + SLOT_BYTES)))
  if (bytes.length > 2 * SLOT_BYTES) slots[1] = null
  const sound = slots.filter((slot) => slot !== null)
  const newest = sound.sort((a, b) => b.turn - a.turn)[0]
  if (newest === undefined) return { state: 'damaged' }
  const damaged = slots.flatMap((slot, i) => (slot === null ? [i * SLOT_BYTES] : []))
  return { state: 'ok', mark: newest, damaged }
}
