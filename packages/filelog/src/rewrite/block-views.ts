import type { RecordMeta } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import { figuresOf, type KindFigures } from '../format/figures.js'
import { blockMetas } from '../scan/record-meta.js'
import { BlockReader, type MarkedFile } from './marked-blocks.js'
import { damaged } from './not-compacted.js'

/** A block, as its mark tells it. */
export interface BlockView {
  readonly kinds: readonly KindFigures[]
  /** Its metas, newest first. */
  metas(options: { readonly signal?: AbortSignal }): AsyncIterable<readonly RecordMeta[]>
}

/** Opens a file for some work, and closes it behind that. */
export type WithFile<F> = <T>(
  signal: AbortSignal | undefined,
  work: (file: F) => Promise<T>,
) => Promise<T>

/** Views of blocks of one file. A block is read where its mark does not tell enough. */
export class BlockViews {
  readonly #withFile: WithFile<Pick<MarkedFile, 'file' | 'seed'>>
  /** Of the block that was read last. */
  #last: { readonly mark: BlockMark; readonly metas: readonly RecordMeta[] } | null = null

  constructor(withFile: WithFile<Pick<MarkedFile, 'file' | 'seed'>>) {
    this.#withFile = withFile
  }

  /** Newest first, of marks that are given oldest first. */
  async *of(
    marks: readonly BlockMark[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<BlockView, void, undefined> {
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
    const metas = await this.#withFile(signal, async (opened) => {
      const block = await new BlockReader(opened).read(mark)
      const found = blockMetas(block.bytes, block, mark)
      if (found !== null) return found
      throw damaged(opened.file.path, mark.offset, 'a block is not what its mark says')
    })
    this.#last = { mark, metas }
    return metas
  }
}
