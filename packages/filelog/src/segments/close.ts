import { addCounts, countAppends, type Counts } from '../rewrite/ledger.js'
import { ManifestKeeper, readManifestFile } from './manifest-file.js'
import { checksumText } from './rotate.js'
import type { SegmentCore, SegmentsLive } from './segment-core.js'

/** Drains, syncs, writes the closing figures, and lets go of the store on every path. */
export async function closeSegments(core: SegmentCore): Promise<void> {
  const { live, lock } = core
  try {
    if (live !== null) await closeLive(core, live)
    else if (lock !== null) await keepErrorCounts(core)
  } finally {
    await letGo(core)
  }
}

async function letGo(core: SegmentCore): Promise<void> {
  const { live, folder, lock } = core
  core.folder = null
  try {
    await live?.file.close()
  } finally {
    try {
      await folder?.close()
    } finally {
      await lock?.release()
    }
  }
}

async function closeLive(core: SegmentCore, live: SegmentsLive): Promise<void> {
  await Promise.all(core.blocked)
  const { queue, manifest, rotator } = live
  await queue.close()
  const { acked, offset, latched } = queue.state
  // A store that was latched stays marked as not closed: the next owner has to look at it.
  if (latched !== null) return
  const { clock } = core.settings
  const counts = core.takeCounts()
  const { records, kinds } = rotator.reach(manifest.current)
  const checksum = checksumText(queue.sum)
  const closed = { at: clock.now(), lastSeq: acked, records, bytes: offset, checksum, kinds }
  await manifest.commit((now) => {
    const totals = countAppends(now.totals, { seq: acked, offset })
    return {
      ...now,
      clean: true,
      closed,
      nextSeq: acked + 1,
      totals: { ...totals, values: addCounts(totals.values, counts) },
    }
  })
}

/** Outcomes of an owner that never began: failures are worth a write, a mere look is not. */
async function keepErrorCounts(core: SegmentCore): Promise<void> {
  const { vfs, dir } = core.settings
  const { scanErrors = 0, recoveryErrors = 0, compactionErrors = 0 }: Counts = core.counts
  if (scanErrors + recoveryErrors + compactionErrors === 0) return
  const read = await readManifestFile(vfs, dir)
  if (read.state !== 'ok') return
  const counts = core.takeCounts()
  await new ManifestKeeper(vfs, dir, read.manifest).commit((now) => ({
    ...now,
    totals: { ...now.totals, values: addCounts(now.totals.values, counts) },
  }))
}
