import type {
  DropReason,
  DropSummary,
  RecordKind,
  RetentionPolicy,
  SeqRange,
  UnmetLimit,
} from '@papyra/contracts'

/** A number of records and the bytes they take as stored, line ends included. */
export interface Amount {
  readonly records: number
  readonly bytes: number
}

/** Records of one kind whose usable time is before `before` (ms since 1970) go. */
export interface AgeRule {
  readonly reason: 'age'
  /** The limit behind it, such as `perKind.event.maxAgeSeconds`. */
  readonly limit: string
  /** What that limit says, in seconds. */
  readonly wanted: number
  readonly before: number
}

/** Records of one kind whose number is smaller than `below` go. */
export interface SizeRule {
  readonly reason: 'count' | 'bytes'
  /** The limit behind it, such as `maxRecords` or `perKind.event.maxTotalBytes`. */
  readonly limit: string
  /** What that limit says, in records or bytes. */
  readonly wanted: number
  readonly below: number
}

export type PlanRule = AgeRule | SizeRule

/**
 * What a policy keeps of a store as it was when the plan was made. Plain JSON of a fixed size,
 * whatever the size of the store. `verdict` applies it to records in any order.
 */
export interface RetentionPlan {
  readonly policy: RetentionPolicy
  /** The wall time in ms that ages were measured against. */
  readonly now: number
  /** The greatest number seen; 0 if there was no record. Later records are kept. */
  readonly newestSeq: number
  /** The rules of each kind, in order: the first that fits a record drops it. */
  readonly rules: { readonly [K in RecordKind]: readonly PlanRule[] }
  readonly total: Amount
  readonly kept: Amount
  /** The smallest number among the records that are kept; `null` if none is. */
  readonly oldestKept: number | null
  /** What each limit takes from each kind; limits that take nothing are left out. */
  readonly dropped: readonly DropSummary[]
  /** Size limits that what is kept still exceeds, and why. */
  readonly unmet: readonly UnmetLimit[]
  /** Records whose time no age limit can judge, dropped ones included, and where they are. */
  readonly undated: { readonly records: number; readonly seq: SeqRange | null }
  /**
   * The time in ms of the record with the greatest number among those whose time is a finite number
   * from the year 2000 on, however far ahead of `now` it is; `null` if there is none. `checkClock`
   * compares it with the clock.
   */
  readonly newestUsable: number | null
}

/** Which limit drops a record; `null` if the record is kept. */
export type Verdict = { readonly reason: DropReason; readonly limit: string } | null
