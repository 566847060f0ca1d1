import { PapyraError, throwIfAborted, type ReadQuery, type StoredRecord } from '@papyra/contracts'
import type { Entry } from './entry.js'
import { mergedEntries } from './pages.js'
import type { Store } from './store.js'

/** Refuses a query that makes no sense, with `invalid_argument`. */
function checkReadQuery(query: ReadQuery): void {
  const { limit, order } = query
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new PapyraError('invalid_argument', '`limit` must be a positive whole number.')
  }
  if (order !== undefined && order !== 'oldest' && order !== 'newest') {
    throw new PapyraError('invalid_argument', '`order` must be `oldest` or `newest`.')
  }
  for (const name of ['since', 'until', 'afterSeq', 'beforeSeq'] as const) {
    if (query[name] !== undefined && Number.isNaN(query[name])) {
      throw new PapyraError('invalid_argument', `\`${name}\` must be a number.`)
    }
  }
}

/** Sound records that the query asks for, many at a time, up to the last number there is now. */
export async function* readBatches(
  store: Store,
  query: ReadQuery,
  checkOpen: () => void,
): AsyncGenerator<StoredRecord[]> {
  const { order = 'oldest', signal, kinds: asked, limit } = query
  throwIfAborted(signal)
  const meta = await store.meta()
  const kinds = meta.kinds.map(({ kind }) => kind).filter((kind) => asked?.includes(kind) ?? true)
  const from = Math.max(1, Math.floor(query.afterSeq ?? 0) + 1)
  const to = Math.min(meta.seq, Math.ceil(query.beforeSeq ?? Number.POSITIVE_INFINITY) - 1)
  const places = new Map<string, number>()
  const filtered = query.since !== undefined || query.until !== undefined
  const span = { kinds, from, to, order, limit: filtered ? undefined : limit }
  for await (const batch of mergedEntries(store, span)) {
    throwIfAborted(signal)
    checkOpen()
    const records: StoredRecord[] = []
    for (const entry of batch) {
      const record = soundRecord(entry, places, order)
      if (record === null) passOver(store, entry, query)
      else if (matches(record, query)) records.push(record)
    }
    if (records.length > 0) yield records
  }
}

/** One by one. Not a generator: this is the path that every record takes. */
export class RecordReader implements AsyncIterableIterator<StoredRecord> {
  readonly #batches: AsyncGenerator<StoredRecord[]>
  readonly #query: ReadQuery
  readonly #checkOpen: () => void
  #batch: readonly StoredRecord[] = []
  #at = 0
  #left: number
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: Store, query: ReadQuery, checkOpen: () => void) {
    this.#query = query
    this.#checkOpen = checkOpen
    // What is no limit is refused with the first batch.
    this.#left = query.limit !== undefined && query.limit > 0 ? query.limit : Infinity
    this.#batches = checked(store, query, checkOpen)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<StoredRecord, undefined>> {
    if (this.#at < this.#batch.length && this.#left > 0 && this.#query.signal?.aborted !== true) {
      try {
        this.#checkOpen()
        return Promise.resolve({ done: false, value: this.#take() })
      } catch (error) {
        return this.#fail(error)
      }
    }
    // Calls that do not wait for each other are answered one after the other.
    const next = this.#turn.then(() => this.#refill())
    this.#turn = next.catch(() => undefined)
    return next
  }

  async return(): Promise<IteratorResult<StoredRecord, undefined>> {
    this.#left = 0
    this.#batch = []
    await this.#batches.return(undefined)
    return { done: true, value: undefined }
  }

  async #refill(): Promise<IteratorResult<StoredRecord, undefined>> {
    while (this.#at >= this.#batch.length) {
      if (this.#left <= 0) break
      const { done, value } = await this.#batches.next()
      if (done === true) return { done: true, value: undefined }
      this.#batch = value
      this.#at = 0
    }
    if (this.#left <= 0) return this.return()
    try {
      throwIfAborted(this.#query.signal)
      this.#checkOpen()
    } catch (error) {
      return this.#fail(error)
    }
    return { done: false, value: this.#take() }
  }

  #take(): StoredRecord {
    const record = this.#batch[this.#at] as StoredRecord
    this.#at += 1
    this.#left -= 1
    return record
  }

  async #fail(error: unknown): Promise<never> {
    await this.return()
    throw error
  }
}

/** As `readBatches`; refuses first what makes no sense. */
async function* checked(
  store: Store,
  query: ReadQuery,
  checkOpen: () => void,
): AsyncGenerator<StoredRecord[]> {
  checkOpen()
  checkReadQuery(query)
  yield* readBatches(store, query, checkOpen)
}

/** The record, unless the entry is damaged or stands where it does not belong, such as a copy. */
function soundRecord(
  { record, totals, kind }: Entry,
  places: Map<string, number>,
  order: 'oldest' | 'newest',
): StoredRecord | null {
  if (record === null || totals === null) return null
  const before = places.get(kind)
  const { records: place } = totals
  if (before !== undefined && (order === 'oldest' ? place <= before : place >= before)) return null
  places.set(kind, place)
  return record
}

function passOver(store: Store, { kind, id, seq, size }: Entry, query: ReadQuery): void {
  const path = store.keys.stream(kind)
  if (query.onDamage === undefined) {
    const text = `The entry ${id} of ${path} is damaged or not of this store.`
    throw new PapyraError('anomalies_found', text, { details: { path, id } })
  }
  query.onDamage({ path, offset: seq, length: size })
}

function matches(record: StoredRecord, { since, until }: ReadQuery): boolean {
  if (since !== undefined && !(record.timestamp >= since)) return false
  return until === undefined || record.timestamp < until
}
