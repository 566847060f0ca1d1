import type { Sidecar } from '../format/sidecar.js'
import { readSidecarFile, writeSidecarFile } from '../write/sidecar-file.js'
import { withIo } from './io.js'
import { type Counts, addCounts, closedFigures, countAppends } from './ledger.js'
import type { Live, StoreCore } from './store-core.js'
import { verifiedPart } from './verified.js'

/** Drains, syncs, writes the closing figures, and lets go of the store on every path. */
export async function closeStore(core: StoreCore): Promise<void> {
  const { live, logFile, lock } = core
  try {
    if (live !== null) await closeLive(core, live)
    else if (lock !== null) await keepErrorCounts(core)
  } finally {
    core.logFile = null
    try {
      await logFile?.close()
    } finally {
      await lock?.release()
    }
  }
}

async function closeLive(core: StoreCore, live: Live): Promise<void> {
  await Promise.all(core.blocked)
  const { queue } = live
  await queue.close()
  const { acked, offset, latched } = queue.state
  // A store that was latched stays marked as not closed: the next owner has to look at it.
  if (latched !== null || core.logFile === null) return
  const { vfs, log, clock } = core.settings
  const { logFile } = core
  const stat = await withIo('Looking at', log, () => logFile.stat())
  const records = live.records.count + acked - live.records.at
  const totals = countAppends(live.sidecar.totals, { seq: acked, offset })
  await writeSidecarFile(vfs, log, {
    ...live.sidecar,
    clean: true,
    closed: closedFigures(stat, { at: clock.now(), lastSeq: acked, records }),
    nextSeq: acked + 1,
    ...verifiedPart(core),
    totals: { ...totals, values: addCounts(totals.values, core.takeCounts()) },
  })
}

/** Outcomes of an owner that never began: failures are worth a write, a mere look is not. */
async function keepErrorCounts(core: StoreCore): Promise<void> {
  const { vfs, log } = core.settings
  const { scanErrors = 0, recoveryErrors = 0, compactionErrors = 0 }: Counts = core.counts
  if (scanErrors + recoveryErrors + compactionErrors === 0) return
  const there = await readSidecarFile(vfs, log)
  if (there.state !== 'ok' || there.sidecar.next !== null) return
  const { totals } = there.sidecar
  const after: Sidecar = {
    ...there.sidecar,
    totals: { ...totals, values: addCounts(totals.values, core.takeCounts()) },
  }
  await writeSidecarFile(vfs, log, after)
}
