import type { RecordedLoss } from '@papyra/contracts'
import type { Uncovered } from './coverage.js'
import { countOf, hull, union, within, without } from './intervals.js'
import type { Gap, Run } from './scan-items.js'

/** What the region below `compacted_through` is known to hold. */
export interface Region {
  /** The number before the first. */
  readonly after: number
  readonly through: number
  /** Its records; `null` if nothing tells. */
  readonly records: number | null
}

/** What no mark was asked about: above the region every number was there. */
export function expectAbove(gaps: readonly Gap[], through: number): void {
  for (const gap of gaps) {
    if (gap.dead) continue
    gap.missing = union(gap.missing, within(gap.open, through + 1, Number.MAX_SAFE_INTEGER))
    gap.open = without(gap.open, through + 1, Number.MAX_SAFE_INTEGER)
  }
}

/** Numbers beyond the last one that is known to have been acknowledged are no loss. */
export function excuse(gaps: readonly Gap[], acked: number): void {
  for (const gap of gaps) {
    if (gap.dead || gap.last <= acked) continue
    gap.unproven = within(gap.missing, acked + 1, Number.MAX_SAFE_INTEGER)
    gap.missing = without(gap.missing, acked + 1, Number.MAX_SAFE_INTEGER)
  }
}

/** The least number in gaps that is not there and was never proven to have been acknowledged. */
export function firstUnproven(gaps: readonly Gap[]): number | null {
  let least: number | null = null
  for (const { dead, unproven } of gaps) {
    const first = unproven[0]?.first
    if (!dead && first !== undefined && (least === null || first < least)) least = first
  }
  return least
}

/** Numbers that an earlier recovery recorded as lost are not lost again. */
export function forgive(gaps: readonly Gap[], losses: readonly RecordedLoss[]): void {
  for (const { seq, records } of losses) {
    if (seq === null || records !== seq.last - seq.first + 1) continue
    for (const gap of gaps) {
      gap.missing = without(gap.missing, seq.first, seq.last)
      gap.open = without(gap.open, seq.first, seq.last)
    }
  }
}

export interface Recount {
  /** The gap at the end of the log. */
  readonly tail: Gap | null
  /** Counts the records of a run that have numbers in a range, by reading them again. */
  readonly countWithin: (run: Run, first: number, last: number) => Promise<number>
}

/**
 * Parts of the region whose mark is gone: the totals around say how many records were there. If
 * fewer are, they are missing in the gaps there; by name if every number of the gaps is.
 */
export async function settleByTotals(
  gaps: readonly Gap[],
  uncovered: readonly Uncovered[],
  keep: readonly Run[],
  { tail, countWithin }: Recount,
): Promise<void> {
  const open = gaps.filter((gap) => !gap.dead && gap.open.length > 0)
  for (const { after, last, records } of uncovered) {
    const here = open.filter((gap) => within(gap.open, after + 1, last).length > 0)
    if (here.length === 0) continue
    let found = 0
    for (const run of keep) {
      if (run.lastSeq <= after || run.firstSeq > last) continue
      const whole = run.firstSeq > after && run.lastSeq <= last
      found += whole ? run.records : await countWithin(run, after + 1, last)
    }
    assign(here, tail, { first: after + 1, last }, records === null ? 0 : records - found)
  }
  for (const gap of open) gap.open = []
}

/**
 * So many records are missing somewhere in the gaps of a part. Which, is known only if all of them
 * are; else the range is that of all the gaps, and the find goes where damage is, or to the end.
 */
function assign(
  gaps: readonly Gap[],
  tail: Gap | null,
  part: { first: number; last: number },
  missing: number,
): void {
  const open = union(...gaps.map((gap) => within(gap.open, part.first, part.last)))
  const seq = hull(open)
  if (missing <= 0 || seq === null) return
  if (countOf(open) <= missing) {
    for (const gap of gaps)
      gap.missing = union(gap.missing, within(gap.open, part.first, part.last))
    return
  }
  const blamed =
    gaps.find((gap) => gap.cause !== null) ?? gaps.find((gap) => gap === tail) ?? gaps[0]
  if (blamed !== undefined) blamed.vague = { seq, records: missing }
}

/** How many records are missing in gaps, and between which numbers. */
export function missingIn(gaps: readonly Gap[]): {
  records: number
  seq: { first: number; last: number } | null
  /** How many numbers are not there that were never proven, and from which to which. */
  unproven: number
  unprovenSeq: { first: number; last: number } | null
} {
  const names = union(...gaps.map((gap) => gap.missing))
  const vague = gaps.flatMap((gap) => (gap.vague === null ? [] : [gap.vague]))
  const never = union(...gaps.map((gap) => gap.unproven))
  const records = countOf(names) + vague.reduce((sum, { records: n }) => sum + n, 0)
  return {
    records,
    unproven: countOf(never),
    unprovenSeq: hull(never),
    seq: hull(
      union(
        names,
        vague.map(({ seq }) => seq),
      ),
    ),
  }
}
