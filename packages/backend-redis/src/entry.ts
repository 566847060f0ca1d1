import { crc32 } from 'node:zlib'
import type { AppendFact, StoredRecord } from '@papyra/contracts'
import type { Reply } from './connection.js'
import { secondsText, timestampOf } from './seconds.js'

/** Bytes of the record's JSON text and its line end beside the number, the kind and the text. */
const FRAME_BYTES: number = '{"seq":,"kind":"",}\n'.length

/** The text of a fact that is stored: `"timestamp":…` and its members. */
export function recordText(fact: AppendFact): string {
  return `"timestamp":${secondsText(fact.timestamp)},${fact.members}`
}

/** Bytes of a record as it is read back, line end included. */
export function recordBytes(seq: number, kind: string, textBytes: number): number {
  return FRAME_BYTES + String(seq).length + kind.length + textBytes
}

/** What the checksums of one log start from. */
export function seedOf(logId: string): number {
  return crc32(logId)
}

/** Of the last log that was looked at: there is seldom more than one at a time. */
const kindSeeds = { seed: Number.NaN, kinds: new Map<string, number>() }

/** What the checksums of a kind start from. */
export function kindSeed(seed: number, kind: string): number {
  if (kindSeeds.seed !== seed) {
    kindSeeds.seed = seed
    kindSeeds.kinds.clear()
  }
  let found = kindSeeds.kinds.get(kind)
  if (found === undefined) {
    found = crc32(`${kind}\n`, seed)
    kindSeeds.kinds.set(kind, found)
  }
  return found
}

/** Why an entry is not one of ours, or not as it was written. */
export type EntryProblem = 'foreign_record' | 'invalid_record' | 'corrupt_record'

export interface Entry {
  readonly id: string
  /** The two parts of its id; the second is 0 in ours. */
  readonly seq: number
  readonly sub: number
  readonly kind: string
  /** How many bytes its fields take. */
  readonly size: number
  readonly problem: EntryProblem | null
  /** How many records of the kind were ever added, this one included, and their bytes. */
  readonly totals: { readonly records: number; readonly bytes: number } | null
  /** `null` unless the entry is sound. */
  readonly record: StoredRecord | null
}

/** Key, checksum, and totals: `<writer>:<epoch>:<n>:<crc>:<records>:<bytes>`. */
const MARK = /^([0-9a-f]+:[0-9]+:[1-9][0-9]*:)([0-9a-f]{8}):(.*)$/
const TOTALS = /^([1-9][0-9]*):([1-9][0-9]*)$/

/** Reads an entry of the stream of a kind, as XRANGE answers it. */
export function decodeEntry(kind: string, seed: number, reply: Reply): Entry {
  const [rawId, rawFields] = list(reply)
  const fields = list(rawFields)
  const id = bytes(rawId).toString('latin1')
  const at = id.indexOf('-')
  const [seq, sub] = [Number(id.slice(0, at)), Number(id.slice(at + 1))]
  const m = bytes(fields[0])
  const r = bytes(fields[1])
  let size = 0
  for (const field of fields) size += bytes(field).length
  const mark = fields.length === 2 ? MARK.exec(m.toString('latin1')) : null
  if (mark === null || sub !== 0 || !Number.isSafeInteger(seq)) {
    return { id, seq, sub, kind, size, problem: 'foreign_record', totals: null, record: null }
  }
  const [, key = '', crc = '', rest = ''] = mark
  const found = TOTALS.exec(rest)
  const totals = found === null ? null : { records: Number(found[1]), bytes: Number(found[2]) }
  const sum = crc32(r, crc32(m.subarray(0, key.length), kindSeed(seed, kind)))
  const sound = sum === Number.parseInt(crc, 16)
  if (sound && totals !== null) {
    const record = recordOf(seq, kind, r)
    return { id, seq, sub, kind, size, problem: null, totals, record }
  }
  const problem = sound ? 'invalid_record' : 'corrupt_record'
  return { id, seq, sub, kind, size, problem, totals, record: null }
}

function recordOf(seq: number, kind: string, r: Buffer): StoredRecord {
  const stored = r.toString('utf8')
  return {
    seq,
    kind,
    timestamp: timestampOf(stored),
    json: `{"seq":${seq},"kind":"${kind}",${stored}}`,
    bytes: recordBytes(seq, kind, r.length),
  }
}

export function list(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []
}

export function bytes(reply: Reply | undefined): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.alloc(0)
}

/** A reply as text; numbers too. Empty where there is none. */
export function text(reply: Reply | undefined): string {
  if (typeof reply === 'number') return String(reply)
  return Buffer.isBuffer(reply) ? reply.toString('utf8') : ''
}
