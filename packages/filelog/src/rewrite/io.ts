import { Buffer } from 'node:buffer'
import { dirname } from 'node:path'
import { PapyraError } from '@papyra/contracts'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import { errnoOf, ioError } from '../write/io-error.js'

/** Runs `work`; what it throws becomes a `PapyraError`. */
export async function withIo<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw ioError(error, doing, path)
  }
}

/** Runs the work of one call; an error of the system that slipped through still becomes `io_error`. */
export async function guarded<T>(log: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw errnoOf(error) === '' ? error : ioError(error, 'Working on', log)
  }
}

/** Writes all bytes at `position`, or throws: a short write is an error, never gone on from. */
export async function writeAll(
  file: VfsFile,
  bytes: Uint8Array,
  position: number,
  length: number = bytes.length,
): Promise<void> {
  if (length === 0) return
  const written = await withIo('Writing', file.path, () => file.write(bytes, 0, length, position))
  if (written === length) return
  throw new PapyraError(
    'io_error',
    `Writing ${file.path} failed: only ${written} of ${length} bytes were taken; the disk may be full.`,
    { details: { path: file.path, errno: 'ENOSPC' } },
  )
}

/** Reads exactly `length` bytes at `position`; throws `io_error` if the file ends before. */
export async function readExactly(
  file: VfsFile,
  position: number,
  length: number,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  await readInto(file, buffer, position)
  return buffer
}

/** Fills `buffer` from `position` on; throws `io_error` if the file ends before. */
export async function readInto(file: VfsFile, buffer: Buffer, position: number): Promise<void> {
  for (let at = 0; at < buffer.length; ) {
    const got = await withIo('Reading', file.path, () =>
      file.read(buffer, at, buffer.length - at, position + at),
    )
    if (got === 0) {
      throw new PapyraError(
        'io_error',
        `${file.path} ended at byte ${position + at} while it was read.`,
        {
          details: { path: file.path, offset: position + at },
        },
      )
    }
    at += got
  }
}

/** Bytes of one step of a copy. */
export const COPY_BYTES: number = 1024 * 1024

/** Hands `[from, to)` of a file to `take`, in steps. The buffer is used again. */
export async function forEachPart(
  file: VfsFile,
  range: { readonly from: number; readonly to: number },
  take: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  for (let at = range.from; at < range.to; at += COPY_BYTES) {
    await take(await readExactly(file, at, Math.min(COPY_BYTES, range.to - at)))
  }
}

/** Refuses with `io_error` before anything is written if the disk has no room for `bytes` more. */
export async function requireFree(vfs: Vfs, path: string, bytes: number): Promise<void> {
  const folder = dirname(path)
  const free = await vfs.freeBytes(folder)
  if (free === null || free >= bytes) return
  throw new PapyraError(
    'io_error',
    `${folder} has ${free} bytes free, but a copy of the log needs ${bytes}; nothing was changed.`,
    { details: { path: folder, errno: 'ENOSPC', free, needed: bytes } },
  )
}

/** Closes a file and removes it; for what was begun and will not be finished. */
export async function discardFile(vfs: Vfs, file: VfsFile): Promise<void> {
  await file.close().catch(() => undefined)
  await vfs.unlink(file.path).catch(() => undefined)
}

/** True if the file at `path` holds the same bytes. */
export async function filesEqual(vfs: Vfs, file: VfsFile, path: string): Promise<boolean> {
  const { size } = await file.stat()
  const there = await vfs.stat(path)
  if (there?.type !== 'file' || there.size !== size) return false
  const other = await withIo('Opening', path, () => vfs.open(path, 'read'))
  try {
    for (let at = 0; at < size; at += COPY_BYTES) {
      const length = Math.min(COPY_BYTES, size - at)
      const [a, b] = [await readExactly(file, at, length), await readExactly(other, at, length)]
      if (!a.equals(b)) return false
    }
    return true
  } finally {
    await other.close()
  }
}

/** A file with several names cannot be replaced without the names going apart: `unsupported`. */
export function requireOneName(stat: VfsStat | null, path: string): void {
  if (stat === null || stat.links <= 1) return
  throw new PapyraError(
    'unsupported',
    `${path} has ${stat.links} names (hard links); replacing it would leave the others with the old content.`,
    { details: { path, links: stat.links }, hint: 'Remove the other names, or copy the file.' },
  )
}
