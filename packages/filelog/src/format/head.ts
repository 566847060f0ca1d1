import { Buffer } from 'node:buffer'
import { seedOf } from './checksum.js'
import { TAIL_BYTES, sealLine, secondsText, verifies, millisOf } from './frame.js'

/** The version of the format that this code writes, and the highest it reads. */
export const FORMAT = 1
/** A block mark is written as soon as at least this many bytes of records stand since the last one. */
export const BLOCK_BYTES: number = 4 * 1024 * 1024

/** The first line of a log. */
export interface Head {
  readonly format: number
  readonly logId: string
  /** Raised by each rewrite. */
  readonly generation: number
  /** Numbers below this one were never in this log. */
  readonly firstSeq: number
  /** The number that came next when this generation was written: the log reaches at least `nextSeq - 1`. */
  readonly nextSeq: number
  /** Up to here block marks say which numbers there are; gaps there are no damage. 0 if there is no such part. */
  readonly compactedThrough: number
  /** Records in the part up to `compactedThrough`. */
  readonly records: number
  /** Wall time in ms when the log was first created. */
  readonly created: number
  readonly blockBytes: number
}

/**
 * The head's line, end included. Seeded with its own log id. With `width`, spaces before the
 * checksum fill the line up to so many bytes, so that it can be written anew in its place.
 */
export function encodeHead(head: Head, width: number = 0): string {
  const open =
    `{"seq":0,"kind":"_log","format":${head.format},"log_id":${JSON.stringify(head.logId)}` +
    `,"generation":${head.generation},"first_seq":${head.firstSeq},"next_seq":${head.nextSeq}` +
    `,"compacted_through":${head.compactedThrough},"records":${head.records}` +
    `,"created":${secondsText(head.created)},"block_bytes":${head.blockBytes}`
  return sealLine(open.padEnd(width - TAIL_BYTES - 1, ' '), seedOf(head.logId))
}

export type HeadResult =
  | { readonly state: 'ok'; readonly head: Head }
  /** Written by a later version; its checksum is right. */
  | { readonly state: 'newer'; readonly format: number; readonly logId: string }
  /** Not a head, or one that does not verify. */
  | { readonly state: 'damaged' }

const DAMAGED: HeadResult = { state: 'damaged' }

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Reads a head from the line `bytes[start, end)`, without its 0x0A. */
export function decodeHead(bytes: Uint8Array, start: number, end: number): HeadResult {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
  if (!text.startsWith('{"seq":0,"kind":"_log",')) return DAMAGED
  let raw: Record<string, unknown>
  try {
    raw = JSON.parse(text) as Record<string, unknown>
  } catch {
    return DAMAGED
  }
  const logId = raw['log_id']
  if (typeof logId !== 'string' || logId === '' || !isCount(raw['format'])) return DAMAGED
  if (!verifies(bytes, start, end, seedOf(logId))) return DAMAGED
  if (raw['format'] > FORMAT) return { state: 'newer', format: raw['format'], logId }
  const { generation, first_seq, next_seq, compacted_through, records, created, block_bytes } = raw
  if (!isCount(generation) || !isCount(first_seq) || !isCount(next_seq)) return DAMAGED
  if (!isCount(compacted_through) || !isCount(records) || !isCount(block_bytes) || block_bytes < 1)
    return DAMAGED
  if (typeof created !== 'number') return DAMAGED
  const head: Head = {
    format: raw['format'],
    logId,
    generation,
    firstSeq: first_seq,
    nextSeq: next_seq,
    compactedThrough: compacted_through,
    records,
    created: millisOf(created),
    blockBytes: block_bytes,
  }
  return { state: 'ok', head }
}
