import type { KindFigures } from '../format/figures.js'
import { hex8 } from '../format/checksum.js'
import { withIo } from '../rewrite/io.js'
import type { Vfs } from '../vfs.js'

import { readActive } from './read-active.js'
import { stampOf } from './stamp.js'

/** What the manifest says of the bytes of a segment. */
export interface MeasuredSegment {
  readonly bytes: number
  readonly records: number
  readonly checksum: string
  readonly kinds: readonly KindFigures[]
  readonly stamp: string
}

/** Reads a segment back and gives what the manifest has to say of it; only sound records count. */
export async function measureSegment(
  vfs: Vfs,
  path: string,
  seed: number,
): Promise<MeasuredSegment> {
  const file = await withIo('Opening', path, () => vfs.open(path, 'read'))
  try {
    const stat = await withIo('Looking at', path, () => file.stat())
    const { figures, sum } = await readActive(file, seed, stat.size)
    const content = { records: figures.records, kinds: figures.kinds() }
    return { bytes: stat.size, checksum: hex8(sum), stamp: stampOf(stat), ...content }
  } finally {
    await file.close()
  }
}
