import type { DropSummary, RecordMeta } from '@papyra/contracts'

/**
 * Asked once for each record, the oldest first: true if it stays. Where it tells in advance what it
 * would say of whole ranges of numbers, it is not asked for them, which is faster.
 */
export interface Keep {
  (meta: RecordMeta): boolean
  /** No record up to this number stays. */
  readonly noneThrough?: number
  /** Every record above this number stays. */
  readonly allAbove?: number
  /** What goes, by limit: for the history. */
  readonly dropped?: readonly DropSummary[]
}
