import { PapyraError, type RecordMeta } from '@papyra/contracts'
import { CLOCK_TOLERANCE_MS } from './timestamps.js'

/** What a group of records holds of one kind. */
export interface KindSummary {
  readonly kind: string
  readonly records: number
  /** Bytes as stored, line ends included. */
  readonly bytes: number
  /** The numbers of its first and last record. */
  readonly firstSeq: number
  readonly lastSeq: number
  /** Of the records whose time is a finite number from the year 2000 on, in ms; `null` if none is. */
  readonly minTimestamp: number | null
  readonly maxTimestamp: number | null
  /** Records with any other time. */
  readonly undated: number
}

/**
 * Records that stand together, such as a segment: what can be said of them without reading them, and
 * how to read them where that is not enough.
 */
export interface Summary {
  /** One entry a kind; a kind without records may be left out. */
  readonly kinds: readonly KindSummary[]
  /** Every record once, the greatest number first. May be called again, and stopped early. */
  metas(options: { readonly signal?: AbortSignal }): AsyncIterable<readonly RecordMeta[]>
  /**
   * The same records as smaller summaries, the greatest number first; asked for instead of `metas`
   * where there is one, so that only those are read through which a limit cuts.
   */
  parts?(options: { readonly signal?: AbortSignal }): AsyncIterable<Summary>
}

/** The part of a summary up to a number; `null` if that cannot be told without reading. */
export function kindsUpTo(
  kinds: readonly KindSummary[],
  through: number,
): readonly KindSummary[] | null {
  const some = kinds.filter(({ records, firstSeq }) => records > 0 && firstSeq <= through)
  return some.every(({ lastSeq }) => lastSeq <= through) ? some : null
}

/** Whether all, none or some of the records of a kind have a usable time before `before`. */
export function olderThan(summary: KindSummary, before: number): 'all' | 'none' | 'some' {
  const { minTimestamp, maxTimestamp, undated } = summary
  if (minTimestamp === null || maxTimestamp === null || minTimestamp >= before) return 'none'
  // `before` is never after `now`, so whatever is before it is not too far ahead either.
  return undated === 0 && maxTimestamp < before ? 'all' : 'some'
}

/** How many records of a kind no age limit can judge; `null` if that cannot be told unread. */
export function unusableIn(summary: KindSummary, now: number): number | null {
  const { records, minTimestamp, maxTimestamp, undated } = summary
  const latest = now + CLOCK_TOLERANCE_MS
  if (minTimestamp === null || maxTimestamp === null || minTimestamp > latest) return records
  return maxTimestamp <= latest ? undated : null
}

/** Throws `invalid_argument` for figures that no records have. */
export function checkKinds(kinds: readonly KindSummary[]): void {
  for (const { kind, records, bytes, firstSeq, lastSeq } of kinds) {
    const whole = [records, bytes, firstSeq, lastSeq].every((n) => Number.isSafeInteger(n) && n > 0)
    if (whole && firstSeq <= lastSeq && lastSeq - firstSeq + 1 >= records && bytes >= records)
      continue
    throw new PapyraError(
      'invalid_argument',
      `A summary says ${records} records of ${bytes} bytes from number ${firstSeq} to ${lastSeq}.`,
      { hint: 'Figures are those of real records.', details: { kind } },
    )
  }
}
