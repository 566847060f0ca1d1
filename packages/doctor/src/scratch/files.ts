// Which files a store at a path is made of, and how they are copied.
import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PapyraError } from '@papyra/contracts'

export interface StoreFile {
  readonly path: string
  /** Below the folder that a copy is made in. */
  readonly name: string
  readonly bytes: number
}

/** What is of one process, or was set aside: no part of the state of a store. */
const APART = /\.(?:lock|tmp|sock|removed|original|quarantined)$/

/** The files of a store, those that say how far it was acknowledged first. */
export async function storeFiles(location: string): Promise<readonly StoreFile[]> {
  const folder = (await stat(location)).isDirectory()
  const at = folder ? location : dirname(location)
  const own = basename(location)
  const names = (await readdir(at)).filter(
    (name) => !APART.test(name) && (folder || name === own || name.startsWith(`${own}.`)),
  )
  const files: StoreFile[] = []
  for (const name of names.sort()) {
    // A busy owner may have removed it since.
    const found = await stat(join(at, name)).catch(() => null)
    if (found?.isFile() === true) files.push({ path: join(at, name), name, bytes: found.size })
  }
  // A log that is copied after its mark reaches at least as far as the mark says.
  const rank = ({ name }: StoreFile): number =>
    name.endsWith('.mark') ? 0 : name.endsWith('.json') ? 1 : 2
  return files.sort((a, b) => rank(a) - rank(b))
}

export const bytesOf = (files: readonly StoreFile[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0)

/**
 * Copies a store that may be in use; `null` if its owner added or removed a file meanwhile, so that what
 * was copied is of two states.
 */
export async function copyStore(
  location: string,
  folder: string,
): Promise<readonly StoreFile[] | null> {
  await mkdir(folder, { recursive: true })
  const files = await storeFiles(location)
  try {
    for (const { path, name } of files) {
      await copyFile(path, join(folder, name), constants.COPYFILE_FICLONE)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const names = (all: readonly StoreFile[]): string => all.map(({ name }) => name).join('\n')
  return names(files) === names(await storeFiles(location)) ? files : null
}

/** Throws `io_error` unless twice the bytes are free on the file system of the folder. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= 2 * bytes) return
  throw new PapyraError('io_error', `${folder} has ${free} bytes free; a copy takes ${bytes}.`, {
    hint: 'Twice the size of the copy has to be free: name another folder, or a smaller sample.',
    details: { folder, free, bytes },
  })
}
