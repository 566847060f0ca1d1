import { isDeepStrictEqual } from 'node:util'
import type { BlockMark } from '../format/block-mark.js'
import { figuresOf } from '../format/figures.js'
import type { VfsFile } from '../vfs.js'
import { LARGEST_BLOCK } from './fast-block.js'
import { FileWindow } from './file-window.js'
import { blockMetas } from './record-meta.js'

/**
 * False if a mark says something else of the kinds in its block than its lines do; they are
 * `[from, to)`, and have the mark's checksum. A block that is too large for memory is not looked at.
 */
export async function figuresHold(
  file: VfsFile,
  mark: BlockMark,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<boolean> {
  const size = to - from
  if (mark.kinds === null || mark.bytes !== size || size > LARGEST_BLOCK) return true
  const window = new FileWindow(file, to, size)
  // What changes meanwhile is told by whoever reads it next.
  if ((await window.load(from, size)) < size) return true
  const start = window.index(from)
  const metas = blockMetas(window.buffer, { start, end: start + size }, mark)
  return metas !== null && isDeepStrictEqual(figuresOf(metas), mark.kinds)
}
