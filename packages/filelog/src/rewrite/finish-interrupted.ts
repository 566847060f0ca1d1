import { basename, dirname, join } from 'node:path'
import { isOwnTemp } from '../format/names.js'
import type { LogScan } from '../scan-types.js'
import type { Sidecar } from '../format/sidecar.js'
import type { Vfs } from '../vfs.js'
import { writeMarkFile } from '../write/mark-file.js'
import { writeSidecarFile } from '../write/sidecar-file.js'
import { withIo } from './io.js'
import { settled } from './ledger.js'

/**
 * What was done: `nothing`; `tidied` if only temporary files went; `reverted` if an announced rewrite
 * had not come to its rename; `completed` if it had, and its sidecar or mark was still to be written.
 */
export type Finished = 'nothing' | 'tidied' | 'reverted' | 'completed'

/**
 * Finishes or undoes what a kill left of a rewrite. Only for the owner. The head says which of two
 * generations is in place; where the head is not sound, sidecar and mark are left to a recovery.
 */
export async function finishInterrupted(vfs: Vfs, log: string, scan: LogScan): Promise<Finished> {
  const tidied = await removeTemps(vfs, log)
  const { head } = scan
  let done: Finished = tidied ? 'tidied' : 'nothing'
  if (head === null || scan.state !== 'checksummed') return done
  if (scan.sidecar.state === 'ok' && scan.sidecar.sidecar.logId === head.logId) {
    const after = resolved(scan.sidecar.sidecar, head.generation)
    if (after !== null) {
      // The kill may have come before the rename was synced: the sidecar must not outlive the log.
      if (!tidied) await withIo('Syncing', log, () => vfs.syncDir(dirname(log)))
      await writeSidecarFile(vfs, log, after)
      done =
        after.generation === head.generation && scan.sidecar.sidecar.generation !== head.generation
          ? 'completed'
          : 'reverted'
    }
  }
  if (!needsMark(scan)) return done
  await writeMarkFile(vfs, log, {
    logId: head.logId,
    generation: head.generation,
    turn: 1,
    acked: scan.lastSeq,
    synced: scan.lastSeq,
    offset: scan.soundEnd,
  })
  return 'completed'
}

/** The sidecar that fits the generation in place; `null` if nothing was announced. */
function resolved(sidecar: Sidecar, generation: number): Sidecar | null {
  if (sidecar.next === null) return null
  if (sidecar.next === generation) return settled(sidecar)
  if (sidecar.generation === generation) return { ...sidecar, next: null, pending: null }
  return null
}

/** True if the mark is still that of the generation before, and the log is whole. */
function needsMark(scan: LogScan): boolean {
  const { head, mark } = scan
  if (head === null || mark.state !== 'ok' || mark.mark.logId !== head.logId) return false
  const whole = scan.bytesSound && scan.lastSeq >= head.nextSeq - 1
  return mark.mark.generation < head.generation && whole
}

/** Removes temporary files of rewrites and atomic writes that belong to this log. */
export async function removeTemps(vfs: Vfs, log: string): Promise<boolean> {
  const folder = dirname(log)
  const names = await withIo('Listing', folder, () => vfs.readdir(folder))
  const own = names.filter((name) => isOwnTemp(basename(log), name))
  for (const name of own) {
    const path = join(folder, name)
    await withIo('Removing', path, () => vfs.unlink(path))
  }
  if (own.length > 0) await withIo('Syncing', folder, () => vfs.syncDir(folder))
  return own.length > 0
}
