import { checksum } from '../format/checksum.js'
import { forEachPart, withIo } from '../rewrite/io.js'
import { forEachLine } from '../scan/for-each-line.js'
import type { VfsFile } from '../vfs.js'
import { FiguresMeter } from '../format/figures.js'
import type { ClosedSegments } from './manifest.js'

/** What the manifest will say of the active segment once it is sealed. */
export interface ActiveContent {
  readonly figures: FiguresMeter
  /** Checksum of all its bytes. */
  readonly sum: number
}

/** Reads the active segment through, up to `end`, for what is in it. */
export async function readActive(file: VfsFile, seed: number, end: number): Promise<ActiveContent> {
  let sum = seed
  await forEachPart(file, { from: 0, to: end }, async (bytes) => {
    sum = checksum(bytes, sum)
  })
  const figures = new FiguresMeter()
  await withIo('Reading', file.path, () =>
    forEachLine(
      file,
      { from: 0, to: end, seed },
      (_chunk, start, stop, _offset, header, sound, length) => {
        if (!sound || header === null || header.kind.startsWith('_')) return
        const bytes = stop > start ? stop - start + 1 : length
        figures.count(header.seq, header.kind, header.timestamp, bytes)
      },
    ),
  )
  return { figures, sum }
}

/** What a clean close said of it, so that it need not be read; `null` if that does not fit. */
export function closedContent(
  closed: ClosedSegments | null,
  { end, lastSeq }: { readonly end: number; readonly lastSeq: number },
): ActiveContent | null {
  if (closed === null || closed.bytes !== end || closed.lastSeq !== lastSeq) return null
  if (!/^[0-9a-f]{8}$/.test(closed.checksum)) return null
  const figures = new FiguresMeter()
  figures.load(closed.kinds)
  return { figures, sum: Number.parseInt(closed.checksum, 16) }
}
