import { throwIfAborted } from '@papyra/contracts'
import type { VfsFile } from '../vfs.js'
import type { ProvenBlock } from './backward-blocks.js'
import { fastBlock } from './fast-block.js'
import { WHOLE_LINE_BYTES } from './for-each-line.js'
import { eachLine, type Line } from './lines.js'
import { judgeLine, type Judged } from './log-source.js'
import { windowFor } from './walk-parts.js'

export interface ForwardRange {
  readonly from: number
  readonly to: number
  readonly seed: number
  readonly generation: number
  /** What the head says: in smaller or larger ones, line by line. */
  readonly blockBytes: number
  readonly signal?: AbortSignal | undefined
}

export interface ForwardVisitor {
  /** A block that its mark proves, and its last number; valid until the promise resolves. */
  block(block: ProvenBlock, lastSeq: number): Promise<void>
  /** A line where no mark proves a block. A promise is waited for; until then the line stays. */
  line(judged: Judged, line: Line): Promise<void> | undefined
}

/** Walks over a part of a checksummed log: by blocks where their marks prove them, else by lines. */
export async function walkForward(
  file: VfsFile,
  range: ForwardRange,
  visitor: ForwardVisitor,
): Promise<void> {
  const { to, seed, blockBytes, signal } = range
  const window = windowFor(file, to, blockBytes)
  const visit = (line: Line): undefined | 'stop' | Promise<undefined | 'stop'> => {
    const judged = judgeLine(line, seed)
    // Behind a mark a block begins.
    const step = judged === 'own' ? 'stop' : undefined
    const waiting = visitor.line(judged, line)
    return waiting === undefined ? step : waiting.then(() => step)
  }
  for (let pos = range.from; pos < to; ) {
    throwIfAborted(signal)
    const block = await fastBlock(window, pos, blockBytes, range)
    if (block !== null) {
      const start = window.index(pos)
      const { mark, run, end } = block
      const place = { start, end: start + run.end - pos, offset: pos }
      await visitor.block({ bytes: window.buffer, ...place, mark }, run.lastSeq)
      pos = end
      continue
    }
    const lines = { from: pos, to, seed, wholeUpTo: WHOLE_LINE_BYTES, signal }
    const next = await eachLine(window, lines, visit)
    if (next === pos) return
    pos = next
  }
}
