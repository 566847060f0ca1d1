import { entriesAgree, manifestHolds, sizeOf } from './compact-check.js'
import type { RunJob } from './compact-run.js'
import type { SealedSegment } from './manifest.js'
import { segmentPath } from './names.js'
import type { ReadBack } from './read-back.js'
import { noteSuspects } from './suspects.js'

/**
 * Looks again at manifest, sizes and entries, and at how what was rewritten read back. True if nothing
 * is wrong; a segment that is not what it should be is put on record. Rejects as that reading did.
 */
export async function verifyAfter(job: RunJob, rewritten: readonly ReadBack[]): Promise<boolean> {
  const { core, keeper } = job
  const { vfs, dir } = core.settings
  if (!(await manifestHolds(vfs, dir, keeper))) return false
  const { current } = keeper
  if (!entriesAgree(current)) return false
  const damaged: SealedSegment[] = []
  for (const entry of current.segments) {
    if ((await sizeOf(vfs, segmentPath(dir, entry))) !== entry.bytes) damaged.push(entry)
  }
  for (const { entry, sound } of rewritten) {
    if (sound.status === 'rejected') throw sound.reason
    if (!sound.value) damaged.push(entry)
  }
  await noteSuspects(core, keeper, damaged)
  return damaged.length === 0
}
