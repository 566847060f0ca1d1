import type { RecordMeta } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import { figuresOf } from '../format/figures.js'
import { BackwardLines } from '../scan/backward-lines.js'
import type { Line } from '../scan/lines.js'
import { judgeLine, metaOf } from '../scan/log-source.js'
import { chainedBlocks, type MarkedSegment } from './marked-blocks.js'

/** A block that no mark stands behind yet. */
export interface OpenTail {
  /** What its mark will say, but for the checksums. */
  readonly mark: BlockMark
  /** Oldest first. */
  readonly metas: readonly RecordMeta[]
}

/** The blocks of a segment as they will be when it is sealed; the last one may be open yet. */
export interface ComingBlocks {
  readonly marks: readonly BlockMark[]
  readonly tail: OpenTail | null
}

type Active = Omit<MarkedSegment, 'entry'> & {
  readonly entry: Pick<MarkedSegment['entry'], 'generation' | 'firstSeq'>
  readonly size: number
}

/** `null` where marks and lines do not show them. */
export async function comingBlocks(segment: Active): Promise<ComingBlocks | null> {
  const { file, start: from, size: to, seed, signal } = segment
  const lines = new BackwardLines(file, { from, to, seed, signal })
  const metas: RecordMeta[] = []
  let end = from
  search: for (let some = await lines.next(); some.length > 0; some = await lines.next()) {
    for (const line of some) {
      const meta = recordIn(line, seed)
      if (meta === 'mark') {
        end = line.offset + line.length
        break search
      }
      if (meta === null) return null
      metas.push(meta)
    }
  }
  const marks = await chainedBlocks(segment, end)
  if (marks === null) return null
  if (metas.length === 0) return { marks, tail: null }
  metas.reverse()
  const mark = markOf(segment.entry, metas, { end, before: marks.at(-1) })
  return mark === null ? null : { marks, tail: { mark, metas } }
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
  { generation, firstSeq: first }: Active['entry'],
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
