import { isUtf8 } from 'node:buffer'
import { decodeBlockMark, lastPresent, type BlockMark } from '../format/block-mark.js'
import { checksum, hex8 } from '../format/checksum.js'
import { LF, verifies } from '../format/frame.js'
import type { FileWindow } from './file-window.js'
import type { NewRun } from './runs.js'

/** How much is read behind a block at first; a mark with many runs may need more. */
const FIRST_SLACK = 64 * 1024

/** Blocks that are larger than this are only verified line by line. */
export const LARGEST_BLOCK: number = 16 * 1024 * 1024

export interface FastBlock {
  readonly mark: BlockMark
  readonly crc: string
  /** Its records. The mark, which stands right behind them, may answer for more numbers. */
  readonly run: NewRun
  /** Behind the mark. */
  readonly end: number
}

/**
 * Verifies a block with one checksum: it ends with the first line that ends at or beyond
 * `blockBytes`, and the mark behind it says its length and checksum. `null` if it does not; then
 * lines have to be looked at.
 */
export async function fastBlock(
  window: FileWindow,
  pos: number,
  blockBytes: number,
  { seed, generation }: { seed: number; generation: number | null },
): Promise<FastBlock | null> {
  if (blockBytes > LARGEST_BLOCK) return null
  const blockEnd = (await lineEnd(window, pos, blockBytes - 1)) + 1
  if (blockEnd <= 0) return null
  const markEnd = await lineEnd(window, pos, blockEnd)
  if (markEnd < 0) return null
  const { buffer } = window
  const start = window.index(pos)
  if (buffer[start + blockEnd] !== 0x7b) return null
  const kind = buffer.toString(
    'latin1',
    start + blockEnd,
    Math.min(start + markEnd, start + blockEnd + 48),
  )
  if (!kind.includes('"kind":"_block"')) return null
  if (!verifies(buffer, start + blockEnd, start + markEnd, seed)) return null
  const decoded = decodeBlockMark(buffer, start + blockEnd, start + markEnd)
  if (decoded === null) return null
  const { mark, crc } = decoded
  if (generation !== null && mark.generation !== generation) return null
  if (mark.bytes !== blockEnd || mark.records === 0) return null
  const block = buffer.subarray(start, start + blockEnd)
  if (hex8(checksum(block, seed)) !== mark.sum || !isUtf8(block)) return null
  const { firstSeq, records } = mark
  const place = { offset: pos, end: pos + blockEnd, ended: true }
  const run = { ...place, firstSeq, lastSeq: lastPresent(mark), records }
  return { mark, crc, run, end: pos + markEnd + 1 }
}

/** Where, from `pos` on, the first 0x0A at or beyond `from` is; -1 if it is not within reach. */
async function lineEnd(window: FileWindow, pos: number, from: number): Promise<number> {
  let want = from + FIRST_SLACK
  let searched = from
  for (;;) {
    const have = await window.load(pos, want)
    if (have <= searched) return -1
    const start = window.index(pos)
    const at = window.buffer.subarray(start, start + have).indexOf(LF, searched)
    if (at >= 0) return at
    searched = have
    if (have < want || want >= window.capacity) return -1
    want = Math.min(window.capacity, want * 2)
  }
}
