import { PapyraError } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import { withIo } from '../rewrite/io.js'
import { readHead } from '../rewrite/read-head.js'
import { endOfTail, reachOf } from '../rewrite/store-read.js'
import type { LogSource } from '../scan/log-source.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { errnoOf, ioError } from '../write/io-error.js'
import { readMarkFile } from '../write/mark-file.js'
import { noStore } from './folder.js'
import { readManifestFile } from './manifest-file.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { sameSegment, segmentPath } from './names.js'
import { scanSegments } from './scan-segments.js'
import type { SegmentCore } from './segment-core.js'

/** How often a reader begins again because the owner went on meanwhile. */
const MOST_TRIES = 50

/** A store as one reader sees it. */
export interface Snapshot {
  readonly manifest: Manifest
  /** The active segment, open; it stays readable whatever becomes of its name. `null` if it is missing. */
  readonly active: LogSource | null
}

/**
 * The manifest as it stands: the owner's own, else the file's. One that cannot be used is rebuilt in
 * memory from the segments, which reads all of them. Rejects with `store_not_found`, `newer_format`.
 */
export async function currentManifest(core: SegmentCore): Promise<Manifest> {
  if (core.manifest !== null) return core.manifest
  const { vfs, dir } = core.settings
  const read = await readManifestFile(vfs, dir)
  if (read.state === 'ok') return read.manifest
  const details = { path: dir }
  if (read.state === 'newer') {
    const text = `${dir} was written by a later version of Papyra.`
    throw new PapyraError('newer_format', text, { details })
  }
  const scan = await scanSegments(vfs, dir)
  if (scan.store !== null) return scan.store
  throw new PapyraError('unreadable', `${dir} has no manifest that could be read.`, { details })
}

/** Opens a segment for reading; `null` if there is no such file any more, or none that can be read. */
export async function openSegment(vfs: Vfs, path: string): Promise<VfsFile | null> {
  let file: VfsFile
  try {
    file = await vfs.open(path, 'read')
  } catch (error) {
    const errno = errnoOf(error)
    if (['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(errno)) return null
    throw ioError(error, 'Opening', path, 'unreadable')
  }
  const { type } = await file.stat()
  if (type === 'file') return file
  await file.close()
  return null
}

/** A sealed segment that is open, as readers want it. */
export async function sealedSource(
  file: VfsFile,
  { logId }: Manifest,
  entry: SealedSegment,
): Promise<LogSource> {
  const found = await readHead(file)
  const { size } = await withIo('Looking at', file.path, () => file.stat())
  // What stands behind what was sealed is damage; whoever reads is told.
  return { file, seed: seedOf(logId), start: found?.end ?? 0, size: Math.max(size, entry.bytes) }
}

/** Takes the store as it is now: all that was acknowledged before the call is in it. */
export async function openSnapshot(core: SegmentCore): Promise<Snapshot> {
  const { vfs, dir } = core.settings
  if ((await vfs.stat(dir)) === null) throw noStore(dir)
  for (let tries = 1; ; tries++) {
    const manifest = await currentManifest(core)
    const path = segmentPath(dir, manifest.active)
    const file = await openSegment(vfs, path)
    if (file !== null) {
      const active = await activeSource(core, manifest, file)
      if (active !== null) return { manifest, active }
    } else if (await stillActive(core, manifest)) return { manifest, active: null }
    if (tries >= MOST_TRIES) {
      const text = `${dir} was changed again and again while it was opened.`
      throw new PapyraError('io_error', text, { details: { path: dir } })
    }
  }
}

async function stillActive(core: SegmentCore, { active }: Manifest): Promise<boolean> {
  return sameSegment((await currentManifest(core)).active, active)
}

/** The part of the active segment that may be read; `null`, the file closed, if it was sealed meanwhile. */
async function activeSource(
  core: SegmentCore,
  manifest: Manifest,
  file: VfsFile,
): Promise<LogSource | null> {
  let source: LogSource | null = null
  try {
    source = await viewOf(core, manifest, file)
    return source
  } finally {
    if (source === null) await file.close()
  }
}

async function viewOf(
  core: SegmentCore,
  manifest: Manifest,
  file: VfsFile,
): Promise<LogSource | null> {
  const { vfs } = core.settings
  const { logId, active, clean, opened } = manifest
  const found = await readHead(file)
  const { size } = await withIo('Looking at', file.path, () => file.stat())
  const mark = await readMarkFile(vfs, file.path)
  const base = { file, seed: seedOf(logId), start: found?.end ?? 0 }
  const ours = mark.state === 'ok' && mark.mark.logId === logId
  if (!ours || mark.mark.generation !== active.generation) {
    return (await stillActive(core, manifest)) ? { ...base, size } : null
  }
  const { offset } = mark.mark
  if (offset > size) return { ...base, size: await reachOf(file, offset) }
  const sameBoot = !clean && opened?.bootId === vfs.host.bootId
  // Where the owner lives (it may be us), or was merely killed, the mark is exact.
  if (core.live !== null || (core.lock === null && sameBoot)) return { ...base, size: offset }
  return { ...base, size: await endOfTail(base, offset, size) }
}
