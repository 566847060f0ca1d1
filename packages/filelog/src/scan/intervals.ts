import type { SeqRange } from '@papyra/contracts'

/** Numbers in ranges that are in order and do not touch; both ends included. */
export type Ranges = readonly SeqRange[]

export function countOf(ranges: Ranges): number {
  let n = 0
  for (const { first, last } of ranges) n += last - first + 1
  return n
}

/** Index of the first range that ends at or beyond `seq`. */
function from(ranges: Ranges, seq: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const mid = (low + high) >>> 1
    if ((ranges[mid] as SeqRange).last < seq) low = mid + 1
    else high = mid
  }
  return low
}

/** What of `ranges` lies within `first` to `last`. */
export function within(ranges: Ranges, first: number, last: number): SeqRange[] {
  const out: SeqRange[] = []
  for (let i = from(ranges, first); i < ranges.length; i++) {
    const range = ranges[i] as SeqRange
    if (range.first > last) break
    out.push({ first: Math.max(range.first, first), last: Math.min(range.last, last) })
  }
  return out
}

/** What of `ranges` lies outside `first` to `last`. */
export function without(ranges: Ranges, first: number, last: number): SeqRange[] {
  const out: SeqRange[] = []
  for (const range of ranges) {
    if (range.last < first || range.first > last) out.push(range)
    else {
      if (range.first < first) out.push({ first: range.first, last: first - 1 })
      if (range.last > last) out.push({ first: last + 1, last: range.last })
    }
  }
  return out
}

/** All of the lists together, in order, neighbours joined. */
export function union(...lists: Ranges[]): SeqRange[] {
  const all = lists.flat().sort((a, b) => a.first - b.first)
  const out: SeqRange[] = []
  for (const range of all) {
    const last = out.at(-1)
    if (last !== undefined && range.first <= last.last + 1) {
      out[out.length - 1] = { first: last.first, last: Math.max(last.last, range.last) }
    } else out.push(range)
  }
  return out
}

/** From the first number to the last; `null` of nothing. */
export function hull(ranges: Ranges): SeqRange | null {
  const first = ranges[0]
  const last = ranges.at(-1)
  return first === undefined || last === undefined ? null : { first: first.first, last: last.last }
}
