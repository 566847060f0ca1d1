import type { OwnerInfo } from '@papyra/contracts'
import { lockPath } from '../format/names.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { errnoOf, ioError } from './io-error.js'
import { type OwnerFacts, ownerInfo, readOwner, readOwnerFacts } from './owner-line.js'

const NOT_THERE: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']

/** Opens a file or a folder to look at its lock; `null` if there is none that could carry a lock. */
async function openToProbe(
  vfs: Vfs,
  path: string,
  { alsoFine = [], folder = false }: { alsoFine?: readonly string[]; folder?: boolean } = {},
): Promise<VfsFile | null> {
  let file: VfsFile
  try {
    file = await vfs.open(path, 'read')
  } catch (error) {
    if ([...NOT_THERE, ...alsoFine].includes(errnoOf(error))) return null
    throw ioError(error, 'Reading', path, 'unreadable')
  }
  const { type } = await file.stat()
  if (type === 'file' || (folder && type === 'directory')) return file
  await file.close()
  return null
}

/**
 * What the owner of a store said of itself, everything it announced included; `null` if nobody holds
 * the store. Writes and creates nothing: it takes a shared lock for an instant, on the lock file and
 * on the log itself (in case the lock file was deleted), or on `locked` in its place, which may be a
 * folder. Rejects with `lock_unavailable` or `unreadable`.
 */
export async function probeOwnerFacts(
  vfs: Vfs,
  logPath: string,
  locked?: string,
): Promise<OwnerFacts | null> {
  const log = await vfs.resolve(logPath)
  // Who may read the log, but not its lock file, still sees the lock on the log.
  const lockFile = await openToProbe(vfs, lockPath(log), { alsoFine: ['EACCES', 'EPERM'] })
  try {
    const facts = async (): Promise<OwnerFacts> => {
      if (lockFile === null) return {}
      await readOwner(lockFile)
      return (await readOwnerFacts(lockFile)) ?? {}
    }
    if (lockFile !== null && (await vfs.lock(lockFile, true)) === null) return await facts()
    const path = locked === undefined ? log : await vfs.resolve(locked)
    const file = await openToProbe(vfs, path, { folder: locked !== undefined })
    if (file === null) return null
    try {
      return (await vfs.lock(file, true)) === null ? await facts() : null
    } finally {
      await file.close()
    }
  } finally {
    await lockFile?.close()
  }
}

/** Who holds the store; `null` if nobody does. See `probeOwnerFacts`. */
export async function probeOwner(
  vfs: Vfs,
  logPath: string,
  locked?: string,
): Promise<OwnerInfo | null> {
  const facts = await probeOwnerFacts(vfs, logPath, locked)
  return facts === null ? null : ownerInfo(facts)
}
