import { PapyraError, throwIfAborted, type ReadQuery, type StoredRecord } from '@papyra/contracts'

/** Refuses a query that makes no sense, with `invalid_argument`. */
export function checkReadQuery(query: ReadQuery): void {
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

/** Reads a list of records, oldest first, that nobody changes but by adding at its end. */
export async function* readRecords(
  records: readonly StoredRecord[],
  query: ReadQuery,
  checkOpen: () => void,
): AsyncGenerator<StoredRecord> {
  const { order = 'oldest', limit = Number.POSITIVE_INFINITY, signal } = query
  const from = query.afterSeq === undefined ? 0 : firstAbove(records, query.afterSeq)
  const to =
    query.beforeSeq === undefined ? records.length : firstAbove(records, query.beforeSeq - 1)
  let given = 0
  for (let step = 0; step < to - from; step += 1) {
    throwIfAborted(signal)
    checkOpen()
    const record = records[order === 'oldest' ? from + step : to - 1 - step]
    if (record === undefined || !matches(record, query)) continue
    yield record
    given += 1
    if (given >= limit) return
  }
}

function matches(record: StoredRecord, { kinds, since, until }: ReadQuery): boolean {
  if (kinds !== undefined && !kinds.includes(record.kind)) return false
  if (since !== undefined && !(record.timestamp >= since)) return false
  return until === undefined || record.timestamp < until
}

/** Index of the first record whose number is above `seq`. */
function firstAbove(records: readonly StoredRecord[], seq: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle]?.seq ?? Number.POSITIVE_INFINITY) > seq) high = middle
    else low = middle + 1
  }
  return low
}
