import { dirname } from 'node:path'
import type { AckMark } from '../format/ack-mark.js'
import type { PendingRewrite, Sidecar } from '../format/sidecar.js'
import type { Vfs } from '../vfs.js'
import type { StoreLock } from '../write/lock.js'
import { writeMarkFile } from '../write/mark-file.js'
import { writeSidecarFile } from '../write/sidecar-file.js'
import { withIo } from './io.js'
import { closedFigures, settled } from './ledger.js'
import type { Rewritten } from './rewritten.js'

export interface Commit {
  readonly vfs: Vfs
  readonly log: string
  readonly lock: StoreLock
  /** The sidecar as it is, with what it lacks filled in. */
  readonly sidecar: Sidecar
  readonly rewritten: Rewritten
  /** What the new generation adds to the sidecar. */
  readonly pending: PendingRewrite
  readonly now: number
  /** True if the owner goes on appending: then the store is not marked as closed. */
  readonly staysOpen: boolean
}

export interface Committed {
  readonly sidecar: Sidecar
  readonly mark: AckMark
}

/**
 * Puts a rewritten log in place. Until the rename the old log stands as it was; from then on the new
 * one does, whatever else fails: `finishInterrupted` does the rest. Throws the first error; then
 * `renamed` tells on which side of the rename it was.
 */
export async function commitRewrite(
  commit: Commit,
  onRenamed: () => void = () => undefined,
): Promise<Committed> {
  const { vfs, log, lock, sidecar, rewritten, pending } = commit
  const head = rewritten.head
  if (head === null) throw new TypeError('a plain log has no sidecar to commit to')
  const announced: Sidecar = { ...sidecar, next: head.generation, pending }
  await writeSidecarFile(vfs, log, announced)
  await lock.lockLog(rewritten.file)
  await withIo('Renaming', log, () => vfs.rename(rewritten.file.path, log))
  onRenamed()
  await withIo('Syncing', log, () => vfs.syncDir(dirname(log)))
  const after = await settle(commit, announced)
  await writeSidecarFile(vfs, log, after)
  const acked = head.nextSeq - 1
  const mark: AckMark = {
    logId: head.logId,
    generation: head.generation,
    turn: 1,
    acked,
    synced: acked,
    offset: rewritten.size,
  }
  await writeMarkFile(vfs, log, mark)
  return { sidecar: after, mark }
}

async function settle(commit: Commit, announced: Sidecar): Promise<Sidecar> {
  const { now, rewritten } = commit
  const after = settled(announced)
  if (commit.staysOpen) return after
  const stat = await withIo('Looking at', commit.log, () => rewritten.file.stat())
  const lastSeq = (rewritten.head?.nextSeq ?? 1) - 1
  const closed = closedFigures(stat, { at: now, lastSeq, records: rewritten.records })
  return { ...after, clean: true, closed }
}

/** Takes back an announcement whose rewrite did not come to its rename. */
export async function withdraw(vfs: Vfs, log: string, sidecar: Sidecar): Promise<void> {
  await writeSidecarFile(vfs, log, { ...sidecar, next: null, pending: null })
}
