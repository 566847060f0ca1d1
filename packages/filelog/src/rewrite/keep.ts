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

/**
 * What becomes of a whole block up to its record `lastSeq`; `null` if it is gone through line by line:
 * it has to be asked, or what stays is less than half a block, which is to grow together with what
 * stands before it, so that many compactions do not leave many small blocks.
 */
export function fateOf(
  { noneThrough = 0, allAbove = Number.POSITIVE_INFINITY, ofKinds }: Keep,
  { firstSeq, bytes, kinds }: Pick<BlockMark, 'firstSeq' | 'bytes' | 'kinds'>,
  { lastSeq, blockBytes }: { readonly lastSeq: number; readonly blockBytes: number },
): boolean | null {
  if (lastSeq <= noneThrough) return false
  const told = kinds === null ? null : (ofKinds?.(kinds) ?? null)
  const stays = firstSeq > allAbove ? true : told
  return stays && bytes * 2 < blockBytes ? null : stays
}
