import { throwIfAborted, type LongOperation } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import type { ProvenBlock } from '../scan/backward-blocks.js'
import type { RecordCopier } from './copy-records.js'
import { BlockReader, type MarkedFile } from './marked-blocks.js'

interface BlockCopy extends LongOperation {
  readonly copier: RecordCopier
  readonly source: Pick<MarkedFile, 'file' | 'seed'>
  /** Chained from the head of the source on, oldest first. */
  readonly marks: readonly BlockMark[]
  readonly totalBytes: number
  /** Blocks of which nothing stays are verified too; else they are not read. */
  readonly readAll: boolean
}

/** Copies what stays of these blocks: the next one is read while one is written. */
export async function copyBlocks(copy: BlockCopy): Promise<void> {
  const { copier, source, marks, totalBytes, readAll, signal, onProgress } = copy
  const reader = new BlockReader(source)
  const wanted = readAll ? marks : marks.filter((mark) => !copier.dropsAll(mark))
  let next = 0
  const read = async (mark: BlockMark): Promise<ProvenBlock> => {
    const block = await reader.read(mark)
    const ahead = wanted[next]
    if (ahead !== undefined) reader.begin(ahead)
    return block
  }
  try {
    for (const mark of marks) {
      throwIfAborted(signal)
      if (wanted[next] === mark) next++
      const block = readAll ? await read(mark) : null
      const { written } = await copier.block(mark, async () => block ?? (await read(mark)))
      reader.release(mark, written)
      const doneBytes = mark.offset + mark.bytes
      onProgress?.({ phase: 'compact', doneBytes, totalBytes, records: copier.seen })
    }
  } finally {
    await reader.settle()
  }
}
