import type { Vfs } from '../vfs.js'
import { readMarkFile } from '../write/mark-file.js'
import { readManifestFile } from './manifest-file.js'
import type { Manifest } from './manifest.js'
import { sameSegment, segmentPath } from './names.js'
import type { ActiveReach } from './rotate.js'
import type { SegmentCore } from './segment-core.js'

/** How often it is looked again because the owner rotated meanwhile. */
const MOST_TRIES = 5

/** What can be told of a store without reading its segments. */
export interface Glance {
  /** `null` if there is no sound one. */
  readonly manifest: Manifest | null
  /** How far the active segment goes. */
  readonly reach: ActiveReach
  /** Size of the active segment. */
  readonly activeBytes: number
}

const NOTHING: ActiveReach = { seq: 0, offset: 0, records: 0, kinds: [] }

export async function glance(core: SegmentCore): Promise<Glance> {
  const { live, settings } = core
  const { vfs, dir } = settings
  if (live !== null) {
    const manifest = live.manifest.current
    const reach = live.rotator.reach(manifest)
    return { manifest, reach, activeBytes: reach.offset }
  }
  for (let tries = 1; ; tries++) {
    const read = await readManifestFile(vfs, dir)
    if (read.state !== 'ok') return { manifest: null, reach: NOTHING, activeBytes: 0 }
    const { manifest } = read
    const seen = await reachAtRest(vfs, dir, manifest)
    if (tries >= MOST_TRIES || !(await movedOn(vfs, dir, manifest))) return { manifest, ...seen }
  }
}

/** True if another process rotated since. */
async function movedOn(vfs: Vfs, dir: string, { active, clean }: Manifest): Promise<boolean> {
  if (clean) return false
  const again = await readManifestFile(vfs, dir)
  return again.state === 'ok' && !sameSegment(again.manifest.active, active)
}

async function reachAtRest(
  vfs: Vfs,
  dir: string,
  manifest: Manifest,
): Promise<{ readonly reach: ActiveReach; readonly activeBytes: number }> {
  const { active, clean, closed, logId, totals } = manifest
  const path = segmentPath(dir, active)
  const activeBytes = (await vfs.stat(path))?.size ?? 0
  if (clean && closed !== null) {
    const { lastSeq: seq, bytes: offset, records, kinds } = closed
    return { reach: { seq, offset, records, kinds }, activeBytes }
  }
  const before = active.firstSeq - 1
  const mark = await readMarkFile(vfs, path)
  const ours = mark.state === 'ok' && mark.mark.logId === logId
  if (ours && mark.mark.generation === active.generation) {
    const seq = Math.max(before, mark.mark.acked)
    return {
      reach: { seq, offset: mark.mark.offset, records: seq - before, kinds: [] },
      activeBytes,
    }
  }
  // Nothing tells how far it goes but what was counted.
  const seq = Math.max(before, totals.countedSeq)
  return {
    reach: { seq, offset: totals.countedBytes, records: seq - before, kinds: [] },
    activeBytes,
  }
}
