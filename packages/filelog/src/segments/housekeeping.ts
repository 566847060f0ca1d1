import { isAbsolute, join } from 'node:path'
import { withIo } from '../rewrite/io.js'
import type { Vfs } from '../vfs.js'
import type { Manifest } from './manifest.js'
import { segmentPath } from './names.js'
import { removeIfThere } from './new-segment.js'
import type { SegmentsScan } from './scan-types.js'

/**
 * Removes what no longer belongs to the store: files that a compaction replaced, and traces of our
 * own interrupted work. Durable when it resolves. Only for the owner, and never a file that the
 * manifest names.
 */
export async function tidyFolder(
  vfs: Vfs,
  scan: SegmentsScan,
  manifest: Manifest,
): Promise<boolean> {
  const { dir, extras, traces } = scan
  const named = new Set([
    ...[...manifest.segments, manifest.active].map((id) => segmentPath(dir, id)),
    // Where a segment was found that has lost its own name.
    ...scan.segments.flatMap(({ state, path }) => (state === 'missing' ? [] : [path])),
    // What may be the last that is left of something, `obsolete` or not.
    ...extras.flatMap(({ what, path }) => (what === 'trace' ? [] : [path])),
  ])
  const gone = new Set([
    ...manifest.obsolete.map((name) => join(dir, name)),
    ...traces.map((trace) => (isAbsolute(trace) ? trace : join(dir, trace))),
    ...extras.filter(({ what }) => what === 'trace').map(({ path }) => path),
  ])
  // The owner before may have been killed between renaming the manifest and syncing that: with a
  // power cut the one before could come back, and its files must then still be there.
  if (gone.size > 0) await withIo('Syncing', dir, () => vfs.syncDir(dir))
  let removed = false
  for (const path of gone) {
    if (!named.has(path) && (await removeIfThere(vfs, path))) removed = true
  }
  // A file that is gone already may come back with a power cut, and would then be one too many.
  if (removed || manifest.obsolete.length > 0) {
    await withIo('Syncing', dir, () => vfs.syncDir(dir))
  }
  return removed
}
