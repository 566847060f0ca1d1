import { dirname } from 'node:path'
import type { Vfs } from '../vfs.js'
import type { StoreLock } from '../write/lock.js'
import { withIo } from './io.js'
import type { LogRewriter } from './rewriter.js'

/** Puts a rewritten plain log, which is complete and synced, in the place of the old one. */
export async function replacePlain(
  vfs: Vfs,
  lock: StoreLock,
  log: string,
  rewriter: LogRewriter,
): Promise<void> {
  await lock.lockLog(rewriter.file)
  await withIo('Renaming', log, () => vfs.rename(rewriter.file.path, log))
  await withIo('Syncing', log, () => vfs.syncDir(dirname(log)))
}
