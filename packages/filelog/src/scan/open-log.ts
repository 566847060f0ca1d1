import { PapyraError } from '@papyra/contracts'
import type { AckMark, AckMarkResult } from '../format/ack-mark.js'
import type { Sidecar, SidecarResult } from '../format/sidecar.js'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import { errnoOf, ioError } from '../write/io-error.js'
import { readMarkFile } from '../write/mark-file.js'
import { readSidecarFile } from '../write/sidecar-file.js'
import { FileWindow } from './file-window.js'
import { findHead, HEAD_BYTES, type Beginning } from './find-head.js'

/** How often it is begun again when the log was replaced meanwhile. */
const MOST_TRIES = 5

/** A log and what stands beside it, as they were together. */
export interface OpenedLog {
  readonly path: string
  readonly file: VfsFile
  readonly stat: VfsStat
  readonly sidecar: SidecarResult
  readonly mark: AckMarkResult
  readonly beginning: Beginning
  /** What stands for the files beside it where a manifest plays their part; absent of a log alone. */
  readonly given?: Given
}

/** What is known of a segment from its store's manifest. */
export interface Given {
  readonly sidecar: Sidecar
  /** Of a sealed segment; `null` of the active one, whose mark stands beside `markOf`. */
  readonly mark: AckMark | null
  /** The path that the segment has by its name. */
  readonly markOf: string
  readonly firstSeq: number
  readonly blockBytes: number
}

/** The absolute path; links are followed. Rejects with `not_a_log` where they lead in a circle. */
export async function resolveLog(vfs: Vfs, path: string): Promise<string> {
  try {
    return await vfs.resolve(path)
  } catch (error) {
    if (errnoOf(error) === 'ELOOP') throw notALog(path, 'a link that leads in a circle', error)
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) throw notFound(path)
    throw ioError(error, 'Looking for', path, 'unreadable')
  }
}

export function notFound(path: string): PapyraError {
  return new PapyraError('store_not_found', `There is no log at ${path}.`, { details: { path } })
}

function notALog(path: string, what: string, cause?: unknown): PapyraError {
  return new PapyraError('not_a_log', `${path} is ${what}, not a log.`, {
    details: { path },
    cause,
  })
}

function requireFile(path: string, stat: VfsStat): void {
  if (stat.type === 'file') return
  const what = {
    directory: 'a folder',
    symlink: 'a link to nothing',
    other: 'a pipe, socket or device',
  }
  throw notALog(path, what[stat.type])
}

/**
 * Opens the log for reading. The mark is read before the size of the log, so that it never says more
 * than the log has; if a rewrite goes on meanwhile, it is begun again. `null` if there is no log.
 */
export async function openLog(vfs: Vfs, path: string, given?: Given): Promise<OpenedLog | null> {
  for (let tries = 1; ; tries++) {
    const there = await vfs.stat(path)
    if (there !== null) requireFile(path, there)
    const { sidecar, mark } = await readParts(vfs, path, given)
    const file = await openFile(vfs, path)
    if (file === null) return null
    try {
      const stat = await file.stat()
      requireFile(path, stat)
      const beginning = await findHead(new FileWindow(file, stat.size, HEAD_BYTES))
      const opened = { path, file, stat, sidecar, mark, beginning, ...(given && { given }) }
      if (tries >= MOST_TRIES || (fits(opened) && (await inPlace(vfs, path, stat)))) return opened
    } catch (error) {
      await file.close()
      throw ioError(error, 'Reading', path, 'unreadable')
    }
    await file.close()
  }
}

async function readParts(
  vfs: Vfs,
  path: string,
  given: Given | undefined,
): Promise<Pick<OpenedLog, 'sidecar' | 'mark'>> {
  if (given === undefined) {
    const own = await readMarkFile(vfs, path)
    return { mark: own, sidecar: await readSidecarFile(vfs, path) }
  }
  const { sidecar, mark, markOf } = given
  return {
    sidecar: { state: 'ok', sidecar },
    mark: mark === null ? await readMarkFile(vfs, markOf) : { state: 'ok', mark, damaged: [] },
  }
}

async function openFile(vfs: Vfs, path: string): Promise<VfsFile | null> {
  try {
    return await vfs.open(path, 'read')
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return null
    if (errno === 'ENXIO') throw notALog(path, 'a socket or a device', error)
    if (errno === 'ELOOP') throw notALog(path, 'a link', error)
    if (errno === 'EISDIR') throw notALog(path, 'a folder', error)
    throw ioError(error, 'Opening', path, 'unreadable')
  }
}

async function inPlace(vfs: Vfs, path: string, stat: VfsStat): Promise<boolean> {
  return (await vfs.stat(path))?.inode === stat.inode
}

/** True if the generations fit, so that a rewrite did not come in between. */
function fits({ sidecar, mark, beginning, given }: OpenedLog): boolean {
  if (given !== undefined) return true
  if (beginning.state !== 'ok') return true
  const { generation, logId } = beginning.head
  if (mark.state === 'ok' && mark.mark.logId === logId && mark.mark.generation > generation)
    return false
  if (sidecar.state !== 'ok' || sidecar.sidecar.logId !== logId) return true
  return sidecar.sidecar.generation === generation || sidecar.sidecar.next === generation
}
