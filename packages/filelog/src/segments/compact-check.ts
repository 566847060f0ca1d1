import { PapyraError } from '@papyra/contracts'
import type { Vfs } from '../vfs.js'
import type { ManifestKeeper } from './manifest-file.js'
import { readManifestFile } from './manifest-file.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { manifestPath, segmentPath } from './names.js'
import { damaged } from '../rewrite/not-compacted.js'
import { verifySeal, type SealJob } from './scan-sealed.js'
import { stampOf } from './stamp.js'

export type Pace = Pick<SealJob, 'pacer' | 'signal'>

/**
 * Looks at all that can be seen without reading segments through: the manifest on the disk, damage
 * that is on record, and that every file that the manifest names is there, untouched since it was
 * verified; one that was touched is read. Rejects with `anomalies_found`.
 */
export async function requireSound(
  vfs: Vfs,
  dir: string,
  keeper: ManifestKeeper,
  pace: Pace = {},
): Promise<void> {
  if (!(await manifestHolds(vfs, dir, keeper))) {
    throw damaged(manifestPath(dir), 0, 'it is not the manifest that its owner wrote')
  }
  const { current } = keeper
  requireUnsuspected(dir, current)
  const requireAsSealed = sealCheck(pace)
  for (const entry of current.segments) {
    await requireAsSealed(vfs, dir, current, entry)
  }
  const path = segmentPath(dir, current.active)
  if ((await sizeOf(vfs, path)) !== null) return
  // Unless it was sealed meanwhile, and then it is there.
  throw damaged(path, 0, 'it is missing')
}

type SealCheck = (vfs: Vfs, dir: string, manifest: Manifest, entry: SealedSegment) => Promise<void>

/** A file that nobody has touched is taken as it is; another one is read, no faster than asked for. */
function sealCheck(pace: Pace): SealCheck {
  return async (vfs, dir, { logId }, entry) => {
    const path = segmentPath(dir, entry)
    const stat = await vfs.stat(path)
    if (stat?.type !== 'file') throw damaged(path, 0, 'it is missing')
    if (stat.size !== entry.bytes) {
      throw damaged(path, 0, `it has ${stat.size} bytes, not ${entry.bytes}`)
    }
    // One that was sealed over damage has no checksum: its lines are verified when it is copied.
    if (entry.stamp === stampOf(stat) || entry.checksum === '') return
    const { state } = await verifySeal({ vfs, logId, ...pace }, path, entry)
    if (state !== 'sound') throw damaged(path, 0, 'its bytes are not those that were sealed')
  }
}

/** Rejects with `anomalies_found` while damage is on record that no recovery has mended. */
export function requireUnsuspected(dir: string, { suspect }: Manifest): void {
  const [first] = suspect
  if (first === undefined) return
  const text = `${dir} was not compacted: damage was found in ${suspect.join(', ')}.`
  throw new PapyraError('anomalies_found', text, { details: { path: dir, segment: first } })
}

/** True if the manifest on the disk is the owner's, or one that it wrote just now. */
export async function manifestHolds(
  vfs: Vfs,
  dir: string,
  keeper: ManifestKeeper,
): Promise<boolean> {
  const { logId, edit } = keeper.current
  const there = await readManifestFile(vfs, dir)
  return there.state === 'ok' && there.manifest.logId === logId && there.manifest.edit >= edit
}

/** Size of the regular file; `null` if there is none. */
export async function sizeOf(vfs: Vfs, path: string): Promise<number | null> {
  const stat = await vfs.stat(path)
  return stat?.type === 'file' ? stat.size : null
}

/** True if what the manifest says of the sealed segments does not contradict itself. */
export function entriesAgree({ segments, active }: Manifest): boolean {
  let last = 0
  for (const entry of segments) {
    if (entry.firstSeq <= last || entry.lastSeq < entry.firstSeq || !kindsAgree(entry)) return false
    last = entry.lastSeq
  }
  return active.firstSeq > last
}

function kindsAgree({ firstSeq, lastSeq, records, bytes, kinds }: SealedSegment): boolean {
  const count = kinds.reduce((sum, kind) => sum + kind.records, 0)
  const size = kinds.reduce((sum, kind) => sum + kind.bytes, 0)
  const within = kinds.every((kind) => kind.firstSeq >= firstSeq && kind.lastSeq <= lastSeq)
  return count === records && size < bytes && within
}
