import {
  PapyraError,
  throwIfAborted,
  type ReadQuery,
  type RecordMeta,
  type StoredRecord,
} from '@papyra/contracts'
import { checkQuery } from '../rewrite/store-read.js'
import { pacerOf, type Pacer } from '../scan/pacer.js'
import { readBackward } from '../scan/read-backward.js'
import { readForward } from '../scan/read-forward.js'
import { readMetaBatches } from '../scan/read-metas.js'
import { pacedBy, type LongRead } from '../scan/read-options.js'
import type { ActiveSegment, SealedSegment } from './manifest.js'
import { isSealed } from './scan-job.js'
import type { SegmentCore } from './segment-core.js'
import { walkSegments, type SegmentPart } from './walk-segments.js'

/** True unless what is known of a segment tells that it holds nothing that is asked for. */
export function mayHold(entry: SealedSegment | ActiveSegment, query: ReadQuery): boolean {
  const { kinds, since, until, afterSeq = 0, beforeSeq = Number.POSITIVE_INFINITY } = query
  if (entry.firstSeq >= beforeSeq) return false
  if (!isSealed(entry)) return true
  if (entry.lastSeq <= afterSeq) return false
  return entry.kinds.some(({ kind, firstSeq, lastSeq, minTimestamp, maxTimestamp, undated }) => {
    if (kinds !== undefined && !kinds.includes(kind)) return false
    if (lastSeq <= afterSeq || firstSeq >= beforeSeq) return false
    if (undated > 0) return true
    if (minTimestamp === null || maxTimestamp === null) return true
    return (
      !(since !== undefined && maxTimestamp < since) &&
      !(until !== undefined && minTimestamp >= until)
    )
  })
}

/** What of a query is left for one segment. */
function queryFor(part: SegmentPart, query: ReadQuery, given: number): ReadQuery {
  const { first, last, doneThrough, doneFrom } = part
  const { afterSeq, beforeSeq, limit, ...rest } = query
  const after = Math.max(afterSeq ?? 0, doneThrough)
  const before = Math.min(beforeSeq ?? Number.POSITIVE_INFINITY, doneFrom)
  return {
    ...rest,
    // Where all of the segment is beyond it, nobody need look for the place.
    ...(after >= first && { afterSeq: after }),
    ...(before <= last && { beforeSeq: before }),
    ...(limit !== undefined && { limit: limit - given }),
  }
}

/** Tells of numbers that do not belong into the segment they stand in: none of them is given out. */
class RangeCheck {
  readonly #part: SegmentPart
  readonly #onDamage: ReadQuery['onDamage']
  #told: boolean = false

  constructor(part: SegmentPart, onDamage: ReadQuery['onDamage']) {
    this.#part = part
    this.#onDamage = onDamage
  }

  holds(seq: number): boolean {
    const { first, last, source } = this.#part
    if (seq >= first && seq <= last) return true
    const { path } = source.file
    const damage = { path, offset: 0, length: source.size }
    if (this.#onDamage === undefined) {
      const text = `${path} holds record ${seq}, which is of another segment; what follows was not read.`
      throw new PapyraError('anomalies_found', text, { details: { ...damage, seq } })
    }
    if (!this.#told) this.#onDamage(damage)
    this.#told = true
    return false
  }
}

/** Reads records; see `Backend.read`. */
export async function* readSegmentRecords(
  core: SegmentCore,
  query: ReadQuery = {},
): AsyncGenerator<StoredRecord, void, undefined> {
  core.requireOpen()
  checkQuery(query)
  const { order = 'oldest', limit, onDamage, signal } = query
  const wants = (entry: SealedSegment | ActiveSegment): boolean => mayHold(entry, query)
  let given = 0
  for await (const part of walkSegments(core, { order, wants, onDamage })) {
    throwIfAborted(signal)
    const own = queryFor(part, query, given)
    const check = new RangeCheck(part, onDamage)
    const read = order === 'newest' ? readBackward : readForward
    for await (const record of read(part.source, own)) {
      if (!check.holds(record.seq)) continue
      given++
      yield record
    }
    if (given === limit) return
  }
}

/** What retention needs of each record, newest first; see `Backend.readMeta`. */
export async function* readSegmentMetas(
  core: SegmentCore,
  options: LongRead = {},
): AsyncGenerator<RecordMeta, void, undefined> {
  for await (const batch of readSegmentMetaBatches(core, options)) yield* batch
}

/** The same, many at a time. */
export async function* readSegmentMetaBatches(
  core: SegmentCore,
  { signal, bytesPerSecond }: LongRead = {},
): AsyncGenerator<readonly RecordMeta[], void, undefined> {
  core.requireOpen()
  const pacer = pacerOf(bytesPerSecond)
  for await (const part of walkSegments(core, { order: 'newest', wants: () => true })) {
    throwIfAborted(signal)
    yield* metasOf(part, pacer, signal)
  }
}

async function* metasOf(
  part: SegmentPart,
  pacer: Pacer | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly RecordMeta[], void, undefined> {
  const { source, doneFrom } = part
  const check = new RangeCheck(part, undefined)
  const slowly = { ...source, file: pacedBy(source.file, pacer, signal) }
  for await (const batch of readMetaBatches(slowly, {
    order: 'newest',
    ...(signal && { signal }),
  })) {
    const [newest, oldest] = [batch[0], batch.at(-1)]
    if (newest === undefined || oldest === undefined) continue
    check.holds(newest.seq)
    check.holds(oldest.seq)
    const rest = newest.seq < doneFrom ? batch : batch.filter(({ seq }) => seq < doneFrom)
    if (rest.length > 0) yield rest
  }
}
