import { Buffer } from 'node:buffer'
import { checksum, checksumRange, hex8, parseHex8 } from './checksum.js'

/** `,"crc":"xxxxxxxx"}`: how every line of a checksummed log ends, before its 0x0A. */
export const TAIL_BYTES = 18
const CRC_MEMBER = Buffer.from(',"crc":"')
export const LF = 0x0a

/** Closes the text of a JSON object (without its last brace) with its checksum and the line's end. */
export function sealLine(open: string, seed: number): string {
  return `${open},"crc":"${hex8(checksum(open, seed))}"}\n`
}

/** Unix seconds in the shortest decimal that gives the milliseconds back. */
export function secondsText(ms: number): string {
  return String(Number.isInteger(ms) ? ms / 1000 : Number((ms / 1000).toFixed(6)))
}

/** Milliseconds of a number of Unix seconds, exact to the microsecond. */
export function millisOf(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e3
}

/** What a reader gets back of a record's time, in ms: the stored text has microseconds. */
export function storedMillis(ms: number): number {
  // Whole milliseconds of the usual size come back as they were.
  if (Number.isInteger(ms) && ms >= 0 && ms < 4e12) return ms
  return millisOf(Number(secondsText(ms)))
}

/** The text of a record's line up to its checksum. */
export function openRecord(
  seq: number,
  kind: string,
  timestampMs: number,
  members: string,
): string {
  return `{"seq":${seq},"kind":"${kind}","timestamp":${secondsText(timestampMs)},${members}`
}

/** A whole record line, end included. */
export function encodeRecord(
  record: { seq: number; kind: string; timestamp: number; members: string },
  seed: number,
): string {
  return sealLine(openRecord(record.seq, record.kind, record.timestamp, record.members), seed)
}

/** True if the bytes end like a checksummed line; they may still not verify. */
export function hasTail(bytes: Uint8Array, start: number, end: number): boolean {
  const at = end - TAIL_BYTES
  if (at <= start || bytes[end - 1] !== 0x7d || bytes[end - 2] !== 0x22) return false
  for (let i = 0; i < CRC_MEMBER.length; i++) if (bytes[at + i] !== CRC_MEMBER[i]) return false
  return parseHex8(bytes, at + 8) >= 0
}

/** True if the line `bytes[start, end)` (without its 0x0A) carries the right checksum. */
export function verifies(bytes: Uint8Array, start: number, end: number, seed: number): boolean {
  if (!hasTail(bytes, start, end)) return false
  return checksumRange(bytes, start, end - TAIL_BYTES, seed) === parseHex8(bytes, end - 10)
}

/** What the first bytes of a line say, found without `JSON.parse`. */
export interface LineHeader {
  readonly seq: number
  readonly kind: string
  /** Milliseconds since 1970; `NaN` for the format's own lines and where there is no number. */
  readonly timestamp: number
}

const SEQ = Buffer.from('{"seq":')
const KIND = Buffer.from(',"kind":"')
const TIME = Buffer.from('","timestamp":')
const KNOWN = ['event', 'audit', 'dead_letter', '_block', '_log'].map((name) => ({
  name,
  bytes: Buffer.from(name),
}))

function startsAt(bytes: Uint8Array, at: number, what: Uint8Array, end: number): boolean {
  if (at + what.length > end) return false
  for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) return false
  return true
}

function kindText(bytes: Uint8Array, start: number, end: number): string {
  for (const known of KNOWN) {
    if (known.bytes.length === end - start && startsAt(bytes, start, known.bytes, end))
      return known.name
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
}

/**
 * Reads `seq`, `kind` and `timestamp` from the start of a line. `null` if the line does not start
 * as the format says: `{"seq":<digits>,"kind":"<text>"` and, for records, `,"timestamp":<number>,`.
 */
export function parseHeader(bytes: Uint8Array, start: number, end: number): LineHeader | null {
  if (!startsAt(bytes, start, SEQ, end)) return null
  let at = start + SEQ.length
  const firstDigit = at
  let seq = 0
  for (; at < end; at++) {
    const c = bytes[at] as number
    if (c < 48 || c > 57) break
    seq = seq * 10 + (c - 48)
  }
  const digits = at - firstDigit
  if (digits === 0 || !Number.isSafeInteger(seq) || (bytes[firstDigit] === 48 && digits > 1))
    return null
  if (!startsAt(bytes, at, KIND, end)) return null
  const kindStart = at + KIND.length
  const kindEnd = bytes.indexOf(0x22, kindStart)
  if (kindEnd < 0 || kindEnd >= end || kindEnd === kindStart) return null
  const kind = kindText(bytes, kindStart, kindEnd)
  if (kind.charCodeAt(0) === 0x5f) return { seq, kind, timestamp: Number.NaN }
  if (seq === 0 || !startsAt(bytes, kindEnd, TIME, end)) return null
  return withTime(bytes, kindEnd + TIME.length, end, seq, kind)
}

/** Milliseconds of up to 4e9 seconds with at most six digits behind a point; -1 of any other text. */
function plainMillis(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  let micros = 0
  for (let c = bytes[at] as number; c >= 48 && c <= 57 && at < end; c = bytes[++at] as number) {
    micros = micros * 10 + c - 48
  }
  const whole = at - start
  if (whole === 0 || micros > 4e9 || (bytes[start] === 48 && whole > 1)) return -1
  let places = 0
  if (bytes[at] === 0x2e) {
    at++
    for (let c = bytes[at] as number; c >= 48 && c <= 57 && at < end; c = bytes[++at] as number) {
      if (++places > 6) return -1
      micros = micros * 10 + c - 48
    }
    if (places === 0) return -1
  }
  if (at >= end || (bytes[at] !== 0x2c && bytes[at] !== 0x7d)) return -1
  for (; places < 6; places++) micros *= 10
  return micros / 1e3
}

function withTime(
  bytes: Uint8Array,
  start: number,
  end: number,
  seq: number,
  kind: string,
): LineHeader | null {
  const plain = plainMillis(bytes, start, end)
  if (plain >= 0) return { seq, kind, timestamp: plain }
  let at = start
  const limit = Math.min(end, start + 40)
  while (at < limit && bytes[at] !== 0x2c && bytes[at] !== 0x7d) at++
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1')
  if (text === '' || !/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return null
  const seconds = Number(text)
  // A number too large to be one, such as 1e400, is sound JSON, but no time.
  return { seq, kind, timestamp: Number.isFinite(seconds) ? millisOf(seconds) : Number.NaN }
}
