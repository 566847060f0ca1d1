import type { SeqRange } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import { presentIn } from './coverage.js'
import { within, without } from './intervals.js'
import type { Gap } from './scan-items.js'

/** A gap of which nothing is known yet. */
export function newGap(
  range: SeqRange,
  where: Pick<Gap, 'place' | 'ordinal' | 'cause' | 'mark'>,
): Gap {
  return {
    ...range,
    ...where,
    dead: false,
    open: [range],
    missing: [],
    vague: null,
    filled: false,
    unproven: [],
  }
}

/** Applies what a mark says to gaps; true if it says of a number in them that it was there. */
export function applyMark(gaps: readonly Gap[], mark: BlockMark): boolean {
  const present = presentIn(mark)
  const first = mark.after + 1
  let found = false
  for (const gap of gaps) {
    for (const range of within(gap.open, first, mark.lastSeq)) {
      const gone = within(present, range.first, range.last)
      gap.missing.push(...gone)
      if (gone.length > 0) found = true
    }
    gap.open = without(gap.open, first, mark.lastSeq)
  }
  return found
}
