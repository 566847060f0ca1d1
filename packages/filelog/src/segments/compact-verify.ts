import type { Pacer } from '../scan/pacer.js'
import { entriesAgree, manifestHolds, sizeOf } from './compact-check.js'
import type { RunJob } from './compact-run.js'
import type { SealedSegment } from './manifest.js'
import { segmentPath } from './names.js'
import { verifySeal } from './scan-sealed.js'
import { noteSuspects } from './suspects.js'

/**
 * Looks again at manifest, sizes and entries, and reads back what was rewritten. True if nothing is
 * wrong; a segment that is not what it should be is put on record.
 */
export async function verifyAfter(
  job: RunJob,
  rewritten: readonly SealedSegment[],
): Promise<boolean> {
  const { core, keeper, pacer, signal } = job
  const { vfs, dir } = core.settings
  if (!(await manifestHolds(vfs, dir, keeper))) return false
  const { current } = keeper
  if (!entriesAgree(current)) return false
  const damaged: SealedSegment[] = []
  for (const entry of current.segments) {
    if ((await sizeOf(vfs, segmentPath(dir, entry))) !== entry.bytes) damaged.push(entry)
  }
  const { logId } = current
  for (const entry of rewritten) {
    const seal = { vfs, logId, ...paceOf(pacer), ...(signal && { signal }) }
    const { state } = await verifySeal(seal, segmentPath(dir, entry), entry)
    if (state !== 'sound') damaged.push(entry)
  }
  await noteSuspects(core, keeper, damaged)
  return damaged.length === 0
}

function paceOf(pacer: Pacer | undefined): { readonly pacer?: Pacer } {
  return pacer === undefined ? {} : { pacer }
}
