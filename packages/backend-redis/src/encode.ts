import { isRecordKind, PapyraError, type AppendFact } from '@papyra/contracts'
import { recordBytes, recordText } from './entry.js'
import { KINDS } from './keys.js'

/** The most that one call may hold, so that no script blocks the server for long. */
const MOST_RECORDS = 10_000
const MOST_BYTES = 33_554_432

/** A fact ready to be sent. */
export interface Encoded {
  /** The place of its kind in `KINDS`. */
  readonly place: number
  readonly text: string
}

/** The facts of one call, and about how many bytes they take: a character counts as one where no limit is near. */
export interface EncodedCall {
  readonly records: readonly Encoded[]
  readonly bytes: number
}

/** Throws `invalid_argument` or `record_too_large`; nothing of the call is then sent. */
export function encodeCall(facts: readonly AppendFact[], maxRecordBytes: number): EncodedCall {
  if (facts.length === 0) throw new PapyraError('invalid_argument', 'There is nothing to append.')
  if (facts.length > MOST_RECORDS) throw tooMuch(`${facts.length} facts`)
  let bytes = 0
  const records = facts.map((fact) => {
    checkFact(fact)
    const text = recordText(fact)
    const frame = recordBytes(Number.MAX_SAFE_INTEGER, fact.kind, 0)
    const length = frame + bytesOf(text, maxRecordBytes - frame)
    if (length > maxRecordBytes) throw tooLarge(fact.kind, length, maxRecordBytes)
    bytes += length
    return { place: KINDS.indexOf(fact.kind) + 1, text }
  })
  if (bytes * 3 > MOST_BYTES) {
    const exact = records.reduce((sum, record) => sum + exactBytes(record), 0)
    if (exact > MOST_BYTES) throw tooMuch(`${exact} bytes`)
  }
  return { records, bytes }
}

/** Bytes of a record as it is read back under the greatest number. */
function exactBytes({ place, text }: Encoded): number {
  return recordBytes(Number.MAX_SAFE_INTEGER, KINDS[place - 1] ?? '', Buffer.byteLength(text))
}

/** Bytes of a text; so many as it has characters where it cannot reach the limit at 3 bytes each. */
function bytesOf(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : Buffer.byteLength(text)
}

function checkFact({ kind, timestamp, members }: AppendFact): void {
  const sound = isRecordKind(kind) && Number.isFinite(timestamp)
  if (sound && members !== '' && !members.includes('\n') && !members.includes('\0')) return
  throw new PapyraError(
    'invalid_argument',
    'A fact needs a kind, a finite time and members on one line, without zero bytes.',
  )
}

function tooLarge(kind: string, bytes: number, maxRecordBytes: number): PapyraError {
  const text = `A fact takes up to ${bytes} bytes; the limit is ${maxRecordBytes}.`
  return new PapyraError('record_too_large', text, { details: { kind, bytes, maxRecordBytes } })
}

function tooMuch(what: string): PapyraError {
  return new PapyraError(
    'invalid_argument',
    `One append holds ${what}; at most ${MOST_RECORDS} facts and ${MOST_BYTES} bytes go in one step.`,
    { hint: 'Append them in several calls.' },
  )
}
