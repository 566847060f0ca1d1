import { basename, dirname, join } from 'node:path'
import { PapyraError, isPapyraError } from '@papyra/contracts'
import { checksum } from '../format/checksum.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { discardFile, forEachPart, withIo, writeAll } from './io.js'

function failed(message: string, path: string, cause?: unknown): PapyraError {
  return new PapyraError('quarantine_failed', message, { cause, details: { path } })
}

/** The folder, made if it is missing. Rejects with `quarantine_failed` if it is none, or a link. */
async function quarantineFolder(vfs: Vfs, folder: string): Promise<string> {
  try {
    const there = await vfs.stat(folder)
    if (there?.type === 'symlink') {
      throw failed(`${folder} is a symbolic link; name the folder itself.`, folder)
    }
    if (there !== null && there.type !== 'directory') {
      throw failed(`${folder} is no folder.`, folder)
    }
    if (there === null) await vfs.mkdir(folder)
    return await vfs.resolve(folder)
  } catch (error) {
    if (isPapyraError(error)) throw error
    throw failed(`${folder} cannot be used: ${String(error)}`, folder, error)
  }
}

/**
 * Copies whole files into the quarantine folder under new names, synced and read back. Files that
 * are missing are left out. Rejects with `quarantine_failed`; then nothing but copies was made.
 */
export async function quarantineFiles(
  vfs: Vfs,
  folder: string,
  paths: readonly string[],
  generation: number,
): Promise<string[]> {
  const target = await quarantineFolder(vfs, folder)
  const token = vfs.randomHex(6)
  const copies: string[] = []
  for (const path of paths) {
    const there = await vfs.stat(path)
    if (there?.type !== 'file') continue
    const name = `${basename(path)}.g${String(generation).padStart(8, '0')}-${token}.quarantined`
    copies.push(await copyVerified(vfs, path, join(target, name)))
  }
  try {
    await vfs.syncDir(target)
  } catch (error) {
    throw failed(`${target} cannot be synced: ${String(error)}`, target, error)
  }
  return copies
}

async function copyVerified(vfs: Vfs, from: string, to: string): Promise<string> {
  try {
    const source = await vfs.open(from, 'read')
    try {
      await copyFile(vfs, source, to)
    } finally {
      await source.close()
    }
    return to
  } catch (error) {
    if (isPapyraError(error, 'quarantine_failed')) throw error
    throw failed(`${from} cannot be copied to ${to}: ${String(error)}`, to, error)
  }
}

/** Copies a whole open file to a new path, synced, and reads the copy back to compare. */
export async function copyFile(vfs: Vfs, source: VfsFile, to: string): Promise<void> {
  const { size, mode, uid, gid } = await source.stat()
  const copy = await withIo('Creating', to, () => vfs.open(to, 'create', 0o600))
  try {
    let at = 0
    let sum = 0
    await forEachPart(source, { from: 0, to: size }, async (bytes) => {
      await writeAll(copy, bytes, at)
      at += bytes.length
      sum = checksum(bytes, sum)
    })
    await takeLooksIfAllowed(copy, { mode, uid, gid })
    await withIo('Syncing', to, () => copy.sync())
    let seen = 0
    await forEachPart(copy, { from: 0, to: size }, (bytes) => {
      seen = checksum(bytes, seen)
      return Promise.resolve()
    })
    if (seen !== sum || (await copy.stat()).size !== size) {
      throw failed(`The copy of ${source.path} at ${to} does not match.`, to)
    }
  } catch (error) {
    await discardFile(vfs, copy)
    throw error
  }
  await copy.close()
  await withIo('Syncing', dirname(to), () => vfs.syncDir(dirname(to)))
}

/** A file system that knows no owners must not stand in the way of a copy. */
async function takeLooksIfAllowed(
  file: VfsFile,
  looks: { readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<void> {
  await file.chmod(looks.mode).catch(() => undefined)
  const own = await file.stat()
  if (own.uid === looks.uid && own.gid === looks.gid) return
  await file.chown(looks.uid, looks.gid).catch(() => undefined)
}
