import { join } from 'node:path'
import { withIo } from '../rewrite/io.js'
import { syncInPlace } from '../rewrite/repair.js'
import type { Vfs } from '../vfs.js'
import type { SegmentsScan } from './scan-types.js'

/**
 * Removes what interrupted work left: files that are surely ours and that nothing refers to. What is
 * `obsolete` only if the scan takes it for a trace: it may be the last that is left of something.
 */
export async function removeTraces(vfs: Vfs, scan: SegmentsScan): Promise<void> {
  const { dir, extras, traces, store, segments } = scan
  // A kill may have come before the manifest that says so was durable.
  await withIo('Syncing', dir, () => vfs.syncDir(dir))
  const needed = new Set([
    ...segments.map(({ path }) => path),
    ...extras.flatMap(({ what, path }) => (what === 'trace' ? [] : [path])),
  ])
  const paths = new Set([
    ...traces,
    ...extras.flatMap(({ what, path }) => (what === 'trace' ? [path] : [])),
    ...(store?.obsolete ?? []).map((name) => join(dir, name)),
  ])
  let removed = false
  for (const path of paths) {
    if (needed.has(path) || (await vfs.stat(path)) === null) continue
    await withIo('Removing', path, () => vfs.unlink(path))
    removed = true
  }
  if (removed) await withIo('Syncing', dir, () => vfs.syncDir(dir))
}

/** Removes files that the manifest no longer names; what stays, the next owner removes. */
export async function removeBestEffort(vfs: Vfs, paths: readonly string[]): Promise<void> {
  for (const path of paths) await vfs.unlink(path).catch(() => undefined)
}

/**
 * For a store with which nothing is wrong: what was seen has to stay, also where an earlier owner was
 * killed before its last sync.
 */
export async function makeSeenDurable(vfs: Vfs, scan: SegmentsScan): Promise<void> {
  const active = scan.segments.find(({ sealed, state }) => !sealed && state !== 'missing')
  if (active !== undefined) await syncInPlace(vfs, active.path)
  await removeTraces(vfs, scan)
}
