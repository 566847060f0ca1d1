import type { BlockMark } from '../format/block-mark.js'
import { BlockViews, type BlockView, type WithFile } from '../rewrite/block-views.js'
import { markedBlocks, type MarkedSegment } from '../rewrite/marked-blocks.js'

interface Whole extends BlockView {
  /** False if its marks are known to say nothing. */
  readonly marked: boolean
  readonly withFile: WithFile<MarkedSegment>
}

/** The blocks of a segment. A plan goes over them more than once: their marks are read once. */
export class SegmentBlocks {
  readonly #whole: Whole
  readonly #views: BlockViews
  #marks: readonly BlockMark[] | null | undefined

  constructor(whole: Whole) {
    this.#whole = whole
    this.#views = new BlockViews(whole.withFile)
    if (!whole.marked) this.#marks = null
  }

  /** Newest first; where marks do not tell them, the segment itself, to be read through. */
  async *views(signal: AbortSignal | undefined): AsyncGenerator<BlockView, void, undefined> {
    const { kinds, metas, withFile } = this.#whole
    if (this.#marks === undefined) this.#marks = await withFile(signal, markedBlocks)
    if (this.#marks === null) yield { kinds, metas }
    else yield* this.#views.of(this.#marks, signal)
  }
}
