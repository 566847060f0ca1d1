import { Buffer } from 'node:buffer'
import { dirname } from 'node:path'
import { tempPath } from '../format/names.js'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import { errnoOf, ioError } from './io-error.js'

/** Whose a new file is: the mode and the owner that another file has. */
export type FileLooks = Pick<VfsStat, 'mode' | 'uid' | 'gid'>

/** Writes all of `bytes` at `position`; goes on behind a short write, so that the errno shows. */
export async function writeAll(file: VfsFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const n = await file.write(bytes, done, bytes.length - done, position + done)
    if (n === 0) throw new Error(`a write of ${bytes.length - done} bytes wrote none`)
    done += n
  }
}

/** Gives an open file the mode and the owner that another has; only what differs is changed. */
export async function takeLooks(file: VfsFile, looks: FileLooks): Promise<void> {
  const own = await file.stat()
  if (own.uid !== looks.uid || own.gid !== looks.gid) await file.chown(looks.uid, looks.gid)
  // A change of the owner may clear bits of the mode, so the mode comes second.
  if (own.mode !== looks.mode) await file.chmod(looks.mode)
}

/**
 * Replaces the file at `path` as a whole: who looks, also after a power cut, sees the old or the new
 * one. Resolves when the new one and its name are durable. If it rejects (`io_error`) before the
 * rename, the old file is untouched and the temporary one removed; if the last step, the sync of the
 * folder, failed, either may be found after a power cut.
 */
export async function writeFileAtomic(
  vfs: Vfs,
  path: string,
  content: Uint8Array | string,
  looks: FileLooks | null = null,
): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const temp = tempPath(path, vfs.randomHex(6))
  let made = false
  try {
    const file = await vfs.open(temp, 'create', looks?.mode ?? 0o600)
    made = true
    try {
      if (looks !== null) await takeLooks(file, looks)
      await writeAll(file, bytes, 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await vfs.rename(temp, path)
    made = false
    await vfs.syncDir(dirname(path))
  } catch (error) {
    // What is left is a temporary file, which the next owner removes.
    if (made) await vfs.unlink(temp).catch(() => undefined)
    throw ioError(error, 'Writing', path)
  }
}

/**
 * Reads a small file whole. `null` if there is none, `damaged` if it is no regular file (a link, a
 * folder, a pipe) or larger than `maxBytes`. Rejects with `unreadable` if the system refuses.
 */
export async function readSmallFile(
  vfs: Vfs,
  path: string,
  maxBytes: number,
): Promise<Buffer | 'damaged' | null> {
  let file: VfsFile
  try {
    file = await vfs.open(path, 'read')
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return null
    if (errno === 'ELOOP' || errno === 'ENXIO') return 'damaged'
    throw ioError(error, 'Reading', path, 'unreadable')
  }
  try {
    const { type, size } = await file.stat()
    if (type !== 'file' || size > maxBytes) return 'damaged'
    const buffer = Buffer.alloc(size)
    let done = 0
    while (done < size) {
      const n = await file.read(buffer, done, size - done, done)
      if (n === 0) break
      done += n
    }
    return buffer.subarray(0, done)
  } catch (error) {
    throw ioError(error, 'Reading', path, 'unreadable')
  } finally {
    await file.close()
  }
}
