import type { DropSummary, RecordMeta } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import type { KindFigures } from '../format/figures.js'

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
  /** Of records of which only the figures are known: all stay, none does, or `null`: it has to be asked. */
  readonly ofKinds?: (kinds: readonly KindFigures[]) => boolean | null
  /** What goes, by limit: for the history. */
  readonly dropped?: readonly DropSummary[]
}

/** What becomes of a whole block up to its record `lastSeq`; `null` if it has to be asked line by line. */
export function fateOf(
  { noneThrough = 0, allAbove = Number.POSITIVE_INFINITY, ofKinds }: Keep,
  { firstSeq, kinds }: Pick<BlockMark, 'firstSeq' | 'kinds'>,
  lastSeq: number,
): boolean | null {
  if (lastSeq <= noneThrough) return false
  if (firstSeq > allAbove) return true
  return kinds === null ? null : (ofKinds?.(kinds) ?? null)
}
