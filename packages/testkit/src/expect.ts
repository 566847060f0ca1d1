import assert from 'node:assert/strict'
import {
  isPapyraError,
  type AppendFact,
  type Backend,
  type PapyraErrorCode,
  type ReadQuery,
  type RecordMeta,
  type StoredRecord,
} from '@papyra/contracts'

/** Asserts that the call rejects (or throws) with a `PapyraError` of one of these codes. */
export async function expectCode(
  what: string,
  codes: PapyraErrorCode | readonly PapyraErrorCode[],
  call: () => Promise<unknown>,
): Promise<void> {
  const allowed: readonly string[] = typeof codes === 'string' ? [codes] : codes
  let error: unknown
  try {
    await call()
  } catch (caught) {
    error = caught
  }
  assert.ok(
    error !== undefined,
    `${what} must reject with ${allowed.join(' or ')}, but it resolved`,
  )
  assert.ok(isPapyraError(error), `${what} must reject with a PapyraError, not ${String(error)}`)
  assert.ok(
    allowed.includes(error.code),
    `${what} must reject with ${allowed.join(' or ')}, not ${error.code}: ${error.message}`,
  )
}

/**
 * Gives the promise back and has it count as handled, for one that is started now and awaited after
 * other steps: if one of those fails, this one's rejection must not go on as an unhandled one.
 */
export function started<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

/** Reads an iterable to its end. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

/** All records that the query selects. */
export function readAll(backend: Backend, query?: ReadQuery): Promise<StoredRecord[]> {
  return collect(backend.read(query))
}

export async function readSeqs(backend: Backend, query?: ReadQuery): Promise<number[]> {
  return (await readAll(backend, query)).map((record) => record.seq)
}

export function readMetas(backend: Backend): Promise<RecordMeta[]> {
  return collect(backend.readMeta())
}

/** The numbers from `first` to `last`, both included. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}

/** Asserts that the store holds exactly these records, byte for byte. */
export function sameRecords(
  actual: readonly StoredRecord[],
  expected: readonly StoredRecord[],
  what: string,
): void {
  assert.deepEqual(
    actual.map((record) => record.seq),
    expected.map((record) => record.seq),
    `${what}: other records than expected`,
  )
  for (const [index, record] of actual.entries()) {
    assert.deepEqual(record, expected[index], `${what}: record ${String(record.seq)} has changed`)
  }
}

/** Asserts that a stored record is that fact, whole and unchanged. */
export function isFact(record: StoredRecord, fact: AppendFact): void {
  const where = `record ${String(record.seq)}`
  assert.equal(record.kind, fact.kind, `${where}: kind`)
  assert.equal(record.timestamp, fact.timestamp, `${where}: timestamp`)
  assert.ok(
    record.json.includes(fact.members),
    `${where}: the members must be stored exactly as given; got ${record.json.slice(0, 400)}`,
  )
  const parsed = JSON.parse(record.json) as Record<string, unknown>
  assert.equal(parsed['seq'], record.seq, `${where}: seq in the JSON text`)
  assert.equal(parsed['kind'], record.kind, `${where}: kind in the JSON text`)
}

/** Asserts that a report is plain JSON: nothing in it is lost or changed by printing it. */
export function isPlainJson(value: unknown, what: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    assert.ok(Number.isFinite(value), `${what} must be plain JSON, but is ${String(value)}`)
    return
  }
  assert.equal(typeof value, 'object', `${what} must be plain JSON, but is a ${typeof value}`)
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) isPlainJson(item, `${what}[${String(index)}]`)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  const plain = prototype === null || prototype === Object.prototype
  assert.ok(plain, `${what} must be plain JSON, but is an instance of a class`)
  for (const [key, item] of Object.entries(value as object)) isPlainJson(item, `${what}.${key}`)
}

/** The bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

export function bytesOf(records: readonly RecordMeta[]): number {
  return sum(records.map((record) => record.bytes))
}
