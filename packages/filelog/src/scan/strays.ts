import type { Line } from './lines.js'
import type { Stray } from './scan-items.js'

/** Beyond so many pieces a stray run is only known as a whole. */
const MOST_PIECES = 1000

/** Gathers stray bytes; what stands on neighbouring lines and is of one sort is one find. */
export class Strays {
  readonly all: Stray[] = []

  /** A line with nothing on it. */
  blank(offset: number, length: number): void {
    this.#add('blank', { offset, end: offset + length }, [{ offset, end: offset + length }])
  }

  /** A sound line with so many stray bytes before and behind it. */
  around(line: Line, before: number, behind: number): void {
    const { offset, length, ended } = line
    const end = offset + length
    const stop = end - (ended ? 1 : 0)
    const pieces = []
    if (before > 0) pieces.push({ offset, end: offset + before })
    if (behind > 0) pieces.push({ offset: stop - behind, end: stop })
    const sort = before > 0 ? 'before' : 'behind'
    this.#add(sort, { offset, end }, pieces)
  }

  #add(sort: string, place: { offset: number; end: number }, pieces: Stray['pieces']): void {
    const last = this.all.at(-1)
    if (last === undefined || last.sort !== sort || last.end !== place.offset) {
      this.all.push({ ...place, count: pieces.length, sort, pieces })
      return
    }
    last.end = place.end
    last.count += pieces.length
    if (last.pieces.length < MOST_PIECES) last.pieces.push(...pieces)
  }
}
