import type { Pacer } from '../scan/pacer.js'
import type { Vfs } from '../vfs.js'
import type { SealedSegment } from './manifest.js'
import { segmentPath } from './names.js'
import { verifySeal } from './scan-sealed.js'

export interface ReadBackJob {
  readonly vfs: Vfs
  readonly dir: string
  readonly logId: string
  readonly pacer: Pacer | undefined
  readonly signal: AbortSignal | undefined
}

/** A segment that was rewritten, and whether all its bytes were found as they were to be written. */
export interface ReadBack {
  readonly entry: SealedSegment
  readonly sound: PromiseSettledResult<boolean>
}

/** Reads a segment that was just written. What went wrong with that is told by who looks at the result. */
export async function readBack(job: ReadBackJob, entry: SealedSegment): Promise<ReadBack> {
  const { vfs, dir, logId, pacer, signal } = job
  const [sound] = await Promise.allSettled([
    verifySeal({ vfs, logId, pacer, signal }, segmentPath(dir, entry), entry).then(
      ({ state }) => state === 'sound',
    ),
  ])
  return { entry, sound }
}
