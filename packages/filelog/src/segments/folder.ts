import { isPapyraError, PapyraError } from '@papyra/contracts'
import { join } from 'node:path'
import type { Head } from '../format/head.js'
import { findHead, HEAD_BYTES } from '../scan/find-head.js'
import { FileWindow } from '../scan/file-window.js'
import { eachLine } from '../scan/lines.js'
import { judgeLine } from '../scan/log-source.js'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import { errnoOf, ioError } from '../write/io-error.js'
import { parseSegmentName, type SegmentId } from './names.js'

/** How much of a file is looked at for a first sound record. */
const LOOK_BYTES = 1024 * 1024

/** What the beginning of a file says that it is. */
export interface Look {
  /** `null` if it has no sound head of a format that this version knows. */
  readonly head: Head | null
  /** Behind the head; 0 if there is none. */
  readonly headEnd: number
  readonly size: number
}

/** What stands in the folder of a store, looked at once. */
export class Folder {
  readonly dir: string
  readonly names: readonly string[]
  readonly #vfs: Vfs
  readonly #stats: Map<string, VfsStat | null> = new Map()
  readonly #looks: Map<string, Look | null> = new Map()
  readonly #sound: Map<string, number | null> = new Map()
  readonly #refusals: Map<string, PapyraError> = new Map()

  constructor(vfs: Vfs, dir: string, names: readonly string[]) {
    this.#vfs = vfs
    this.dir = dir
    this.names = [...names].sort()
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  async stat(name: string): Promise<VfsStat | null> {
    const known = this.#stats.get(name)
    if (known !== undefined) return known
    const stat = await this.#vfs.stat(this.path(name))
    this.#stats.set(name, stat)
    return stat
  }

  /** The names of regular files that end like a segment's. */
  async segmentFiles(): Promise<readonly string[]> {
    const out: string[] = []
    for (const name of this.names) {
      if (name.endsWith('.ndjson') && (await this.stat(name))?.type === 'file') out.push(name)
    }
    return out
  }

  /** Why a file that was looked at could not be read; `null` if it could. */
  refusal(name: string): PapyraError | null {
    return this.#refusals.get(name) ?? null
  }

  /** The beginning of a regular file; `null` if it is gone, or if it may not be read. */
  async look(name: string): Promise<Look | null> {
    const known = this.#looks.get(name)
    if (known !== undefined) return known
    const look = await this.#open(name, async (file, size) => {
      const beginning = await findHead(new FileWindow(file, size, HEAD_BYTES))
      return beginning.state === 'ok'
        ? { head: beginning.head, headEnd: beginning.end, size }
        : { head: null, headEnd: 0, size }
    })
    this.#looks.set(name, look)
    return look
  }

  /** The number of the first sound record of the log with this seed near the start; `null` if none is. */
  async soundSeq(name: string, seed: number): Promise<number | null> {
    const key = `${seed} ${name}`
    const known = this.#sound.get(key)
    if (known !== undefined) return known
    const found = await this.#open(name, async (file, size) => {
      const to = Math.min(size, LOOK_BYTES)
      let seq: number | null = null
      const range = { from: 0, to, seed, wholeUpTo: 0 }
      await eachLine(new FileWindow(file, to, LOOK_BYTES), range, (line) => {
        const judged = judgeLine(line, seed)
        if (typeof judged !== 'object') return undefined
        seq = judged.header.seq
        return 'stop'
      })
      return seq
    })
    this.#sound.set(key, found)
    return found
  }

  async #open<T>(
    name: string,
    work: (file: VfsFile, size: number) => Promise<T>,
  ): Promise<T | null> {
    const path = this.path(name)
    let file: VfsFile
    try {
      file = await this.#vfs.open(path, 'read')
    } catch (error) {
      if (['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(errnoOf(error))) return null
      this.#refusals.set(name, ioError(error, 'Opening', path, 'unreadable'))
      return null
    }
    try {
      const { type, size } = await file.stat()
      return type === 'file' ? await work(file, size) : null
    } catch (error) {
      if (!isPapyraError(error, 'unreadable')) throw error
      this.#refusals.set(name, error)
      return null
    } finally {
      await file.close()
    }
  }
}

/** Lists the folder of a store. Rejects with `store_not_found`, `not_a_log` or `unreadable`. */
export async function listFolder(vfs: Vfs, dir: string): Promise<Folder> {
  try {
    return new Folder(vfs, dir, await vfs.readdir(dir))
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') throw noStore(dir)
    if (errno === 'ENOTDIR') {
      const text = `${dir} is a file, not the folder of a store of segments.`
      throw new PapyraError('not_a_log', text, { details: { path: dir } })
    }
    throw ioError(error, 'Listing', dir, 'unreadable')
  }
}

export function noStore(dir: string): PapyraError {
  const text = `There is no store of segments at ${dir}.`
  return new PapyraError('store_not_found', text, { details: { path: dir } })
}

/** True if the head is that of a segment of this log. */
export function isHeadOf(head: Head | null, logId: string, id: SegmentId): boolean {
  return (
    head !== null &&
    head.logId === logId &&
    head.firstSeq === id.firstSeq &&
    head.generation === id.generation
  )
}

/** True if the name says the same as the head. */
export function headFitsName(name: string, head: Head | null): boolean {
  const id = parseSegmentName(name)
  return id !== null && head !== null && isHeadOf(head, head.logId, id)
}
