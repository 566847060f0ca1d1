import { Buffer } from 'node:buffer'
import { dirname } from 'node:path'
import { BLOCK_BYTES, FORMAT, encodeHead } from '../format/head.js'
import { tempPath } from '../format/names.js'
import { type Sidecar, newSidecar } from '../format/sidecar.js'
import type { Vfs } from '../vfs.js'
import { writeMarkFile } from '../write/mark-file.js'
import { writeSidecarFile } from '../write/sidecar-file.js'
import { discardFile, withIo, writeAll } from './io.js'
import { closedFigures } from './ledger.js'

/**
 * Makes a new, empty store; only for the owner of the lock, who has seen that nothing is there. Mark
 * and sidecar come first, so that the log, which comes in one step, never stands alone.
 */
export async function createLog(
  vfs: Vfs,
  log: string,
  options: { readonly now: number; readonly blockBytes?: number | undefined },
): Promise<string> {
  const { now, blockBytes = BLOCK_BYTES } = options
  const logId = vfs.randomHex(16)
  const generation = 1
  const head = Buffer.from(
    encodeHead({
      format: FORMAT,
      logId,
      generation,
      firstSeq: 1,
      nextSeq: 1,
      compactedThrough: 0,
      records: 0,
      created: now,
      blockBytes,
    }),
  )
  const sidecar: Sidecar = {
    ...newSidecar({ format: FORMAT, logId, generation, created: now }),
    history: [
      { what: 'created', at: now, generation, recordsRemoved: 0, bytesRemoved: 0, detail: '' },
    ],
    totals: { values: {}, countedSeq: 0, countedBytes: head.length },
    verifiedAt: now,
  }
  await writeSidecarFile(vfs, log, sidecar)
  await writeMarkFile(vfs, log, {
    logId,
    generation,
    turn: 1,
    acked: 0,
    synced: 0,
    offset: head.length,
  })
  await placeHead(vfs, log, head)
  const stat = await vfs.stat(log)
  if (stat === null) return logId
  const closed = closedFigures(stat, { at: now, lastSeq: 0, records: 0 })
  await writeSidecarFile(vfs, log, { ...sidecar, clean: true, closed })
  return logId
}

async function placeHead(vfs: Vfs, log: string, head: Buffer): Promise<void> {
  const path = tempPath(log, vfs.randomHex(6))
  const file = await withIo('Creating', path, () => vfs.open(path, 'create', 0o600))
  try {
    await writeAll(file, head, 0)
    await withIo('Syncing', path, () => file.sync())
    await withIo('Renaming', log, () => vfs.rename(path, log))
  } catch (error) {
    await discardFile(vfs, file)
    throw error
  }
  await file.close()
  await withIo('Syncing', dirname(log), () => vfs.syncDir(dirname(log)))
}
