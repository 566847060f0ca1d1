import type { BlockMark } from '../format/block-mark.js'
import type { SeqRange } from '@papyra/contracts'

/** Numbers above `after` up to `last` for which sound marks answer, and the totals at both ends. */
interface Answered {
  readonly after: number
  readonly last: number
  readonly before: number
  readonly total: number
}

/** A part for which no sound mark answers, and how many records it held; `null` if that is unknown. */
export interface Uncovered {
  readonly after: number
  readonly last: number
  readonly records: number | null
}

/** Which numbers a block mark says are there, as ranges. */
export function presentIn(mark: BlockMark): SeqRange[] {
  if (mark.runs === null) {
    return mark.lastSeq > mark.after ? [{ first: mark.after + 1, last: mark.lastSeq }] : []
  }
  const out: SeqRange[] = []
  let next = mark.after + 1
  for (const [i, n] of mark.runs.entries()) {
    if (i % 2 === 1 && n > 0) out.push({ first: next, last: next + n - 1 })
    next += n
  }
  return out
}

/** For which numbers the sound marks of a log answer. */
export class Coverage {
  #parts: Answered[] = []

  add(mark: BlockMark): void {
    const part = {
      after: mark.after,
      last: mark.lastSeq,
      before: mark.total - mark.records,
      total: mark.total,
    }
    const top = this.#parts.at(-1)
    if (top !== undefined && part.after === top.last) {
      this.#parts[this.#parts.length - 1] = { ...top, last: part.last, total: part.total }
    } else if (top === undefined || part.after > top.last) this.#parts.push(part)
    else this.#insert(part)
  }

  #insert(part: Answered): void {
    const all = [...this.#parts, part].sort((a, b) => a.after - b.after || b.last - a.last)
    const out: Answered[] = []
    for (const next of all) {
      const top = out.at(-1)
      if (top === undefined || next.after > top.last) out.push(next)
      else if (next.last > top.last)
        out[out.length - 1] = { ...top, last: next.last, total: next.total }
    }
    this.#parts = out
  }

  /** The last number that a mark answers for, and the total there. */
  end(): { last: number; total: number } {
    const top = this.#parts.at(-1)
    return { last: top?.last ?? 0, total: top?.total ?? 0 }
  }

  /** The parts of (after, through] that no mark answers for; `records` is how many the region holds. */
  uncovered(after: number, through: number, records: number | null): Uncovered[] {
    const out: Uncovered[] = []
    let at = after
    let total: number | null = 0
    for (const part of this.#parts) {
      if (at >= through) break
      if (part.after > at) {
        const last = Math.min(part.after, through)
        const end = part.after < through ? part.before : records
        out.push({ after: at, last, records: end === null || total === null ? null : end - total })
      }
      at = Math.max(at, part.last)
      total = part.total
    }
    if (at < through) {
      out.push({
        after: at,
        last: through,
        records: records === null || total === null ? null : records - total,
      })
    }
    return out
  }
}
