import { Buffer } from 'node:buffer'
import { basename, dirname } from 'node:path'
import { removedPath } from '../format/names.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { discardFile, forEachPart, withIo, writeAll } from './io.js'

/** Bytes that a repair takes out, and where they are. */
export interface Stretch {
  readonly file: VfsFile
  readonly offset: number
  readonly end: number
  readonly code: string
}

/**
 * Writes what a repair takes out into a new `.removed` file beside the log: for each stretch one
 * JSON line, then its bytes as they were, then a line end. The line names the file if it is not the
 * log itself. Everything is durable when it resolves; gives the path of the file.
 */
export async function writeRemoved(
  vfs: Vfs,
  log: string,
  generation: number,
  stretches: readonly Stretch[],
): Promise<string> {
  const path = removedPath(log, generation, vfs.randomHex(6))
  const file = await withIo('Creating', path, () => vfs.open(path, 'create', 0o600))
  try {
    let at = 0
    for (const stretch of stretches) at = await writeStretch(file, at, log, stretch)
    await withIo('Syncing', path, () => file.datasync())
    await withIo('Syncing', path, () => vfs.syncDir(dirname(log)))
  } catch (error) {
    await discardFile(vfs, file)
    throw error
  }
  await file.close()
  return path
}

async function writeStretch(
  file: VfsFile,
  start: number,
  log: string,
  stretch: Stretch,
): Promise<number> {
  const { offset, end, code } = stretch
  const other = stretch.file.path === log ? {} : { file: basename(stretch.file.path) }
  const title = Buffer.from(`${JSON.stringify({ offset, length: end - offset, code, ...other })}\n`)
  await writeAll(file, title, start)
  let at = start + title.length
  await forEachPart(stretch.file, { from: offset, to: end }, async (bytes) => {
    await writeAll(file, bytes, at)
    at += bytes.length
  })
  await writeAll(file, Buffer.from('\n'), at)
  return at + 1
}
