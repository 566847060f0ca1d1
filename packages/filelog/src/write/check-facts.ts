import { Buffer } from 'node:buffer'
import { type AppendFact, isRecordKind, PapyraError } from '@papyra/contracts'

/** What the members of some facts take in UTF-8. */
export interface FactSize {
  readonly bytes: number
  /** True if every character takes one byte. */
  readonly ascii: boolean
}

function refuse(i: number, what: string): PapyraError {
  return new PapyraError('invalid_fact', `Fact ${i} ${what}.`, { details: { index: i } })
}

function checkShape(fact: AppendFact, i: number): void {
  if (!isRecordKind(fact.kind)) throw refuse(i, 'is of no known kind')
  if (typeof fact.timestamp !== 'number' || !Number.isFinite(fact.timestamp)) {
    throw refuse(i, 'has no finite timestamp')
  }
  if (typeof fact.members !== 'string' || fact.members === '') throw refuse(i, 'has no members')
  if (fact.members.includes('\n')) throw refuse(i, 'has a line break in its members')
  if (fact.members.includes('\0')) throw refuse(i, 'has a NUL in its members')
}

/**
 * Checks the facts of one call. Throws `invalid_argument` (no facts), `invalid_fact`, or
 * `record_too_large` if the members of one take more than `maxRecordBytes`.
 */
export function checkFacts(facts: readonly AppendFact[], maxRecordBytes: number): FactSize {
  if (facts.length === 0) throw new PapyraError('invalid_argument', 'There is no fact to append.')
  let bytes = 0
  let length = 0
  for (let i = 0; i < facts.length; i++) {
    const fact = facts[i] as AppendFact
    checkShape(fact, i)
    const size = Buffer.byteLength(fact.members)
    if (size > maxRecordBytes) {
      const text = `Fact ${i} takes ${size} bytes; at most ${maxRecordBytes} are allowed.`
      throw new PapyraError('record_too_large', text, {
        details: { index: i, bytes: size, maxRecordBytes },
      })
    }
    bytes += size
    length += fact.members.length
  }
  return { bytes, ascii: bytes === length }
}
