import { Buffer } from 'node:buffer'
import type { VfsFile } from '../vfs.js'
import { forEachLine } from './for-each-line.js'
import { countOf, within, without } from './intervals.js'
import { join, splitAt } from './runs.js'
import type { ExtraGroup, Gap, Run } from './scan-items.js'

/** What became of records that stand out of order. */
export interface PlacedGroup {
  readonly group: ExtraGroup
  /** Their numbers are missing elsewhere: they belong there. */
  readonly moved: readonly Run[]
  /** Their numbers are there already. */
  readonly copies: readonly Run[]
}

export interface ReadAgain {
  readonly file: VfsFile
  readonly seed: number
  readonly signal: AbortSignal | undefined
}

/** Gaps by their numbers. Those that are alive do not overlap. */
class GapIndex {
  readonly #gaps: readonly Gap[]

  constructor(gaps: readonly Gap[]) {
    this.#gaps = gaps
      .filter((gap) => !gap.dead && gap.open.length + gap.missing.length > 0)
      .sort((a, b) => a.first - b.first)
  }

  /** The gaps that have numbers in `first` to `last`. */
  overlapping(first: number, last: number): Gap[] {
    let low = 0
    let high = this.#gaps.length
    while (low < high) {
      const mid = (low + high) >>> 1
      if ((this.#gaps[mid] as Gap).last < first) low = mid + 1
      else high = mid
    }
    const out: Gap[] = []
    for (let i = low; i < this.#gaps.length; i++) {
      const gap = this.#gaps[i] as Gap
      if (gap.first > last) break
      if (wanted(gap, first, last) > 0) out.push(gap)
    }
    return out
  }
}

function wanted(gap: Gap, first: number, last: number): number {
  return countOf(within(gap.missing, first, last)) + countOf(within(gap.open, first, last))
}

function fill(gap: Gap, { firstSeq, lastSeq }: Run): void {
  gap.missing = without(gap.missing, firstSeq, lastSeq)
  gap.open = without(gap.open, firstSeq, lastSeq)
  gap.filled = true
}

/** Finds for records out of order where they belong; what is filled is missing no longer. */
export async function placeExtras(
  groups: readonly ExtraGroup[],
  gaps: readonly Gap[],
  again: ReadAgain,
): Promise<PlacedGroup[]> {
  const index = new GapIndex(gaps)
  const out: PlacedGroup[] = []
  for (const group of groups) {
    const moved: Run[] = []
    const copies: Run[] = []
    for (const run of group.runs) await placeRun(run, index, again, { moved, copies })
    out.push({ group, moved, copies })
  }
  return out
}

async function placeRun(
  run: Run,
  index: GapIndex,
  again: ReadAgain,
  out: { moved: Run[]; copies: Run[] },
): Promise<void> {
  const { firstSeq, lastSeq, records } = run
  const gaps = index.overlapping(firstSeq, lastSeq)
  const only = gaps[0]
  if (only === undefined) {
    out.copies.push(run)
    return
  }
  const dense = records === lastSeq - firstSeq + 1
  if (dense && gaps.length === 1 && wanted(only, firstSeq, lastSeq) === records) {
    fill(only, run)
    out.moved.push(run)
    return
  }
  let last: { list: Run[]; gap: Gap | undefined } | null = null
  for (const line of await linesOf(run, again)) {
    const gap = index.overlapping(line.firstSeq, line.firstSeq)[0]
    if (gap !== undefined) fill(gap, line)
    const list = gap === undefined ? out.copies : out.moved
    const before = last !== null && last.list === list && last.gap === gap ? list.at(-1) : undefined
    if (before?.end === line.offset && before.ended) join(before, line)
    else list.push(line)
    last = { list, gap }
  }
}

/** The records of a run one by one, read again. */
async function linesOf(run: Run, { file, seed, signal }: ReadAgain): Promise<Run[]> {
  const out: Run[] = []
  const range = { from: run.offset, to: run.end, seed, ...(signal && { signal }) }
  await forEachLine(file, range, (_chunk, _start, _end, offset, header, sound, _length, size) => {
    if (!sound || header === null || header.kind.startsWith('_')) return
    const end = Math.min(offset + size + 1, run.end)
    const { seq } = header
    const ended = end === offset + size + 1 && (end < run.end || run.ended)
    out.push({ offset, end, firstSeq: seq, lastSeq: seq, records: 1, ordinal: -1, ended })
  })
  return out
}

/** All that is kept, in the order of the numbers: runs are cut where moved records go between. */
export function inOrder(
  kept: readonly Run[],
  gaps: readonly Gap[],
  placed: readonly PlacedGroup[],
): Run[] {
  const moved = placed.flatMap((group) => group.moved)
  if (moved.length === 0) return [...kept]
  const filled = gaps.filter((gap) => !gap.dead && gap.filled).sort((a, b) => a.place - b.place)
  const out: Run[] = [...moved]
  let next = 0
  for (const original of [...kept].sort((a, b) => a.offset - b.offset)) {
    let run = { ...original }
    while (next < filled.length && (filled[next] as Gap).place <= run.offset) next++
    for (; next < filled.length && (filled[next] as Gap).place < run.end; next++) {
      const back = splitAt(run, filled[next] as Gap)
      out.push(run)
      run = back
    }
    out.push(run)
  }
  return out.sort((a, b) => a.firstSeq - b.firstSeq)
}

/** Beyond so many records, or so many bytes read, copies are not compared any more. */
const MOST_COMPARED = 1000
const MOST_READ = 256 * 1024 * 1024

/** Compares copies with what is kept under their numbers; stops after a while. */
export class CopyComparer {
  readonly #keep: readonly Run[]
  readonly #again: ReadAgain
  #compared = 0
  #read = 0

  constructor(keep: readonly Run[], again: ReadAgain) {
    this.#keep = keep
    this.#again = again
  }

  /** How many copies have other bytes; -1 if nobody looked. */
  async different(copies: readonly Run[]): Promise<number> {
    const texts = new Map<number, Buffer>()
    for (const run of copies) {
      if (this.#spent()) break
      await eachRecord(run, this.#again, (seq, text) => {
        if (this.#spent() || texts.has(seq)) return
        this.#compared++
        this.#read += text.length
        texts.set(seq, Buffer.from(text))
      })
    }
    if (texts.size === 0) return -1
    let different = 0
    for (const run of this.#holding(Math.min(...texts.keys()), Math.max(...texts.keys()))) {
      this.#read += run.end - run.offset
      await eachRecord(run, this.#again, (seq, text) => {
        const copy = texts.get(seq)
        if (copy !== undefined && !copy.equals(text)) different++
      })
    }
    return different
  }

  #spent(): boolean {
    return this.#compared >= MOST_COMPARED || this.#read >= MOST_READ
  }

  /** The kept runs that have numbers in a range. */
  #holding(first: number, last: number): Run[] {
    let low = 0
    let high = this.#keep.length
    while (low < high) {
      const mid = (low + high) >>> 1
      if ((this.#keep[mid] as Run).lastSeq < first) low = mid + 1
      else high = mid
    }
    const out: Run[] = []
    for (let i = low; i < this.#keep.length; i++) {
      const run = this.#keep[i] as Run
      if (run.firstSeq > last) break
      out.push(run)
    }
    return out
  }
}

async function eachRecord(
  run: Run,
  { file, seed, signal }: ReadAgain,
  visit: (seq: number, text: Buffer) => void,
): Promise<void> {
  const range = { from: run.offset, to: run.end, seed, ...(signal && { signal }) }
  await forEachLine(file, range, (chunk, start, end, _offset, header) => {
    if (header !== null && !header.kind.startsWith('_'))
      visit(header.seq, chunk.subarray(start, end))
  })
}
