import { Buffer } from 'node:buffer'
import type { VfsFile } from '../vfs.js'
import { forEachLine } from './for-each-line.js'
import { countOf, within, without } from './intervals.js'
import { splitAt } from './numbers.js'
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
    if (last !== null && last.list === list && last.gap === gap) join(list, line)
    else list.push(line)
    last = { list, gap }
  }
}

function join(list: Run[], line: Run): void {
  const last = list.at(-1)
  if (last === undefined || last.end !== line.offset) {
    list.push(line)
    return
  }
  last.end = line.end
  last.lastSeq = line.lastSeq
  last.records += line.records
}

/** The records of a run one by one, read again. */
async function linesOf(run: Run, { file, seed, signal }: ReadAgain): Promise<Run[]> {
  const out: Run[] = []
  const range = { from: run.offset, to: run.end, seed, ...(signal && { signal }) }
  await forEachLine(file, range, (_chunk, _start, _end, offset, header, sound, _length, size) => {
    if (!sound || header === null || header.kind.startsWith('_')) return
    const end = Math.min(offset + size + 1, run.end)
    const { seq } = header
    out.push({ offset, end, firstSeq: seq, lastSeq: seq, records: 1, ordinal: -1, stray: run.stray })
  })
  return out
}

/** All that is kept, in the order of the numbers: runs are cut where moved records go between. */
export function inOrder(kept: readonly Run[], gaps: readonly Gap[], placed: readonly PlacedGroup[]): Run[] {
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

/** How many of the copies differ from what is kept under their number; looks at the first thousand. */
export async function countDifferent(
  copies: readonly Run[],
  keep: readonly Run[],
  again: ReadAgain,
): Promise<number> {
  const texts = new Map<number, Buffer>()
  let bytes = 0
  for (const run of copies) {
    if (texts.size >= 1000 || bytes > 8 * 1024 * 1024) break
    await eachRecord(run, again, (seq, text) => {
      if (texts.size >= 1000 || texts.has(seq)) return
      bytes += text.length
      texts.set(seq, Buffer.from(text))
    })
  }
  let different = 0
  const numbers = [...texts.keys()]
  const first = Math.min(...numbers)
  const last = Math.max(...numbers)
  for (const run of keep) {
    if (run.lastSeq < first || run.firstSeq > last) continue
    await eachRecord(run, again, (seq, text) => {
      const copy = texts.get(seq)
      if (copy !== undefined && !copy.equals(text)) different++
    })
  }
  return different
}

async function eachRecord(
  run: Run,
  { file, seed, signal }: ReadAgain,
  visit: (seq: number, text: Buffer) => void,
): Promise<void> {
  const range = { from: run.offset, to: run.end, seed, ...(signal && { signal }) }
  await forEachLine(file, range, (chunk, start, end, _offset, header) => {
    if (header !== null && !header.kind.startsWith('_')) visit(header.seq, chunk.subarray(start, end))
  })
}
