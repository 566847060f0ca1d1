import { isPapyraError } from '@papyra/contracts'
import { commitOrLatch } from './compact-run.js'
import type { ManifestKeeper } from './manifest-file.js'
import type { SealedSegment } from './manifest.js'
import { segmentName, segmentPath } from './names.js'
import type { SegmentCore } from './segment-core.js'

/**
 * Puts sealed segments in which damage was met on record: compaction refuses until a recovery mends
 * them, or a scan of every byte by the owner finds them sound. What is wrong is told to whoever asked
 * for the work, whether or not this can be written.
 */
export async function noteSuspects(
  core: SegmentCore,
  keeper: ManifestKeeper,
  damaged: readonly SealedSegment[],
): Promise<void> {
  const names = new Set<string>(damaged.map((entry) => segmentName(entry)))
  const { suspect, verifiedAt } = keeper.current
  const known = [...names].every((name) => suspect.includes(name)) && verifiedAt === null
  if (names.size === 0 || known) return
  await commitOrLatch(core, keeper, (now) => ({
    ...now,
    suspect: [...new Set([...now.suspect, ...names])],
    verifiedAt: null,
  })).catch(() => undefined)
}

/** The same of the segment that an error names, if it is one that was found damaged. */
export async function noteSuspectOf(
  core: SegmentCore,
  keeper: ManifestKeeper,
  error: unknown,
): Promise<void> {
  if (!isPapyraError(error, 'anomalies_found')) return
  const { path } = error.details
  const { dir } = core.settings
  const named = keeper.current.segments.filter((entry) => segmentPath(dir, entry) === path)
  await noteSuspects(core, keeper, named)
}

/** After a scan of every byte of a store at rest found nothing: nothing is under suspicion any more. */
export async function clearSuspects(core: SegmentCore, keeper: ManifestKeeper): Promise<void> {
  if (keeper.current.suspect.length === 0) return
  await commitOrLatch(core, keeper, (now) => ({ ...now, suspect: [] }))
}
