import type { RecordMeta } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import { figuresOf } from '../format/figures.js'
import { BackwardLines } from '../scan/backward-lines.js'
import { LARGEST_BLOCK } from '../scan/fast-block.js'
import type { Line } from '../scan/lines.js'
import { judgeLine, metaOf } from '../scan/log-source.js'
import { chainedBlocks, type MarkedFile } from './marked-blocks.js'

/** A block that no mark stands behind yet. */
export interface OpenTail {
  /** What its mark will say, but for the checksums. */
  readonly mark: BlockMark
  /** Oldest first. */
  readonly metas: readonly RecordMeta[]
}

/** The blocks of a log that takes appends: the last one may be open yet. */
export interface ComingBlocks {
  readonly marks: readonly BlockMark[]
  readonly tail: OpenTail | null
}

/** A file, and how far it is to be looked at: behind a line. */
export interface Active extends MarkedFile {
  readonly size: number
}

/** More than that is no block that a writer has left open. */
const LONGEST_TAIL = 2 * LARGEST_BLOCK

/** Marks are read, and the lines behind the last one. `null` where they do not show the blocks. */
export async function comingBlocks(log: Active): Promise<ComingBlocks | null> {
  const found = await tailOf(log)
  if (found === null) return null
  const { end, metas } = found
  const marks = await chainedBlocks(log, end)
  if (marks === null) return null
  if (metas.length === 0) return { marks, tail: null }
  const mark = markOf(log.entry, metas, { end, before: marks.at(-1) })
  return mark === null ? null : { marks, tail: { mark, metas } }
}

/** The records behind the last mark, oldest first, and where the first of them begins. */
async function tailOf({
  file,
  start: from,
  size: to,
  seed,
  signal,
}: Active): Promise<{ readonly end: number; readonly metas: RecordMeta[] } | null> {
  const lines = new BackwardLines(file, { from, to, seed, signal })
  const metas: RecordMeta[] = []
  for (let some = await lines.next(); some.length > 0; some = await lines.next()) {
    for (const line of some) {
      const meta = recordIn(line, seed)
      if (meta === 'mark') return { end: line.offset + line.length, metas: metas.reverse() }
      if (meta === null || to - line.offset > LONGEST_TAIL) return null
      metas.push(meta)
    }
  }
  return { end: from, metas: metas.reverse() }
}

function recordIn(line: Line, seed: number): RecordMeta | 'mark' | null {
  const judged = judgeLine(line, seed)
  if (judged === 'own') return 'mark'
  return judged === 'bad' || judged === 'blank' ? null : metaOf(judged, line)
}

interface Behind {
  readonly end: number
  readonly before: BlockMark | undefined
}

function markOf(
  { generation, firstSeq: first }: MarkedFile['entry'],
  metas: readonly RecordMeta[],
  { end, before }: Behind,
): BlockMark | null {
  const after = before?.lastSeq ?? first - 1
  const runs: number[] = []
  let last = after
  for (const { seq } of metas) {
    const gap = seq - last - 1
    if (gap < 0) return null
    if (gap === 0 && runs.length > 0) runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1
    else runs.push(gap, 1)
    last = seq
  }
  const records = metas.length
  return {
    ...{ generation, offset: end, records, after, lastSeq: last },
    bytes: metas.reduce((sum, meta) => sum + meta.bytes, 0),
    firstSeq: metas[0]?.seq ?? 0,
    total: (before?.total ?? 0) + records,
    ...{ prev: '00000000', sum: '00000000' },
    runs: records === last - after ? null : runs,
    kinds: figuresOf(metas),
  }
}
