import type { RecordMeta } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import { figuresOf, type KindFigures } from '../format/figures.js'
import { blockMetas } from '../scan/record-meta.js'
import { BlockReader, markedBlocks, type MarkedSegment } from './marked-blocks.js'
import { damaged } from './not-compacted.js'

/** A block of a segment, as its mark tells it. */
export interface BlockView {
  readonly kinds: readonly KindFigures[]
  /** Its metas, newest first. */
  metas(options: { readonly signal?: AbortSignal }): AsyncIterable<readonly RecordMeta[]>
}

/** Opens a sealed segment for some work, and closes it behind that. */
export type WithFile = <T>(
  signal: AbortSignal | undefined,
  work: (segment: MarkedSegment) => Promise<T>,
) => Promise<T>

interface Whole extends BlockView {
  /** False if its marks are known to say nothing. */
  readonly marked: boolean
  readonly withFile: WithFile
}

/** The blocks of a segment. A plan goes over them more than once: their marks are read once. */
export class BlockViews {
  readonly #whole: Whole
  #marks: readonly BlockMark[] | null | undefined
  /** Of the block that was read last. */
  #last: { readonly mark: BlockMark; readonly metas: readonly RecordMeta[] } | null = null

  constructor(whole: Whole) {
    this.#whole = whole
    if (!whole.marked) this.#marks = null
  }

  /** Newest first; where marks do not tell them, the segment itself, to be read through. */
  async *views(signal: AbortSignal | undefined): AsyncGenerator<BlockView, void, undefined> {
    const { kinds, metas, withFile } = this.#whole
    this.#marks ??= await withFile(signal, markedBlocks)
    const marks = this.#marks
    if (marks === null) {
      yield { kinds, metas }
      return
    }
    for (const mark of [...marks].reverse()) {
      if (mark.records > 0) yield await this.#view(mark, signal)
    }
  }

  async #view(mark: BlockMark, signal: AbortSignal | undefined): Promise<BlockView> {
    const kinds = mark.kinds ?? figuresOf(await this.#metas(mark, signal))
    const metas = this.#metas.bind(this)
    return {
      kinds,
      async *metas(options) {
        yield [...(await metas(mark, options.signal))].reverse()
      },
    }
  }

  async #metas(mark: BlockMark, signal: AbortSignal | undefined): Promise<readonly RecordMeta[]> {
    if (this.#last?.mark === mark) return this.#last.metas
    const metas = await this.#whole.withFile(signal, async (segment) => {
      const block = await new BlockReader(segment).read(mark)
      const found = blockMetas(block.bytes, block, mark)
      if (found !== null) return found
      throw damaged(segment.file.path, mark.offset, 'a block is not what its mark says')
    })
    this.#last = { mark, metas }
    return metas
  }
}
