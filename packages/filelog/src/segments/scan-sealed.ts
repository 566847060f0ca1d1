import { Buffer } from 'node:buffer'
import { throwIfAborted } from '@papyra/contracts'
import { checksum, hex8, seedOf } from '../format/checksum.js'
import { LF } from '../format/frame.js'
import { decodeHead } from '../format/head.js'
import { type Pacer, paced } from '../scan/pacer.js'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import { errnoOf, ioError } from '../write/io-error.js'
import { isHeadOf } from './folder.js'
import type { SealedSegment } from './manifest.js'

const READ_BYTES = 1024 * 1024
/** No head is longer. */
const MOST_HEAD_BYTES = 64 * 1024

export interface SealJob {
  readonly vfs: Vfs
  readonly logId: string
  readonly signal?: AbortSignal | undefined
  readonly pacer?: Pacer | undefined
  /** Told of the bytes of each step. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** How the file under a sealed segment's name compares with what the manifest says of it. */
export type SealResult =
  | { readonly state: 'sound'; readonly stat: VfsStat }
  /** Not the bytes that were sealed. */
  | { readonly state: 'differs'; readonly stat: VfsStat }
  | { readonly state: 'absent' }
  /** `what` stands there instead of a file. */
  | { readonly state: 'no_file'; readonly what: string }

const WHAT = {
  file: 'a file',
  directory: 'a folder',
  symlink: 'a link',
  other: 'a pipe or a device',
}

/**
 * Compares a file with a sealed segment, by its size, its head, and one checksum over all its bytes,
 * in constant memory; no line is looked at. Rejects with `unreadable`, `aborted`.
 */
export async function verifySeal(
  job: SealJob,
  path: string,
  entry: SealedSegment,
): Promise<SealResult> {
  const there = await job.vfs.stat(path)
  if (there === null) return { state: 'absent' }
  if (there.type !== 'file') return { state: 'no_file', what: WHAT[there.type] }
  const opened = await openFile(job.vfs, path)
  if (opened === null) return { state: 'absent' }
  try {
    const stat = await opened.stat()
    if (stat.size !== entry.bytes) return { state: 'differs', stat }
    const file = job.pacer === undefined ? opened : paced(opened, job.pacer, job.signal)
    const same = await hasSeal(job, file, entry)
    return { state: same ? 'sound' : 'differs', stat }
  } finally {
    await opened.close()
  }
}

async function openFile(vfs: Vfs, path: string): Promise<VfsFile | null> {
  try {
    return await vfs.open(path, 'read')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw ioError(error, 'Opening', path, 'unreadable')
  }
}

async function hasSeal(job: SealJob, file: VfsFile, entry: SealedSegment): Promise<boolean> {
  let headIsRight = false
  const sum = await sumOf(job, file, entry.bytes, (first) => {
    headIsRight = startsWithHead(first, job.logId, entry)
  })
  return headIsRight && sum === entry.checksum
}

/**
 * The checksum over the first `size` bytes, as in a manifest; `null` if there are fewer, or if the
 * device does not give them all. A step is summed while the next one is read.
 */
export async function sumOf(
  { logId, signal, onBytes }: Pick<SealJob, 'logId' | 'signal' | 'onBytes'>,
  file: VfsFile,
  size: number,
  onFirst?: (bytes: Buffer) => void,
): Promise<string | null> {
  const reader = new StepReader(file, size)
  let state = seedOf(logId)
  try {
    for (let at = 0; at < size; ) {
      throwIfAborted(signal)
      const bytes = await reader.next()
      if (bytes.length === 0) return null
      if (at === 0) onFirst?.(bytes)
      state = checksum(bytes, state)
      at += bytes.length
      onBytes?.(bytes.length)
    }
  } finally {
    await reader.settle()
  }
  return hex8(state)
}

/** Reads a file from its start, one step ahead. */
class StepReader {
  readonly #file: VfsFile
  readonly #size: number
  #buffer: Buffer
  /** The one whose bytes were given out before. */
  #free: Buffer | null = null
  #at: number = 0
  #ahead: Promise<number>

  constructor(file: VfsFile, size: number) {
    this.#file = file
    this.#size = size
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(READ_BYTES, size)))
    this.#ahead = this.#begin()
  }

  /** The next bytes, which are valid until it is asked again; none at the end. */
  async next(): Promise<Buffer> {
    const n = await this.#ahead
    const full = this.#buffer
    this.#at += n
    if (n > 0 && this.#at < this.#size) {
      this.#buffer = this.#free ?? Buffer.allocUnsafeSlow(full.length)
      this.#free = full
      this.#ahead = this.#begin()
    } else this.#ahead = Promise.resolve(0)
    return full.subarray(0, n)
  }

  /** Waits for what is still being read, so that the file can be closed. */
  async settle(): Promise<void> {
    await this.#ahead.catch(() => undefined)
  }

  #begin(): Promise<number> {
    const length = Math.min(this.#buffer.length, this.#size - this.#at)
    const reading = readSome(this.#file, this.#buffer, length, this.#at)
    // Whoever asks for it is told.
    reading.catch(() => undefined)
    return reading
  }
}

/** 0 at the end of the file, and where the device refuses: a scan by lines says where that is. */
async function readSome(
  file: VfsFile,
  buffer: Buffer,
  length: number,
  position: number,
): Promise<number> {
  try {
    return await file.read(buffer, 0, length, position)
  } catch (error) {
    if (errnoOf(error) === 'EIO') return 0
    throw ioError(error, 'Reading', file.path, 'unreadable')
  }
}

function startsWithHead(bytes: Buffer, logId: string, entry: SealedSegment): boolean {
  const end = bytes.subarray(0, MOST_HEAD_BYTES).indexOf(LF)
  if (end < 0) return false
  const result = decodeHead(bytes, 0, end)
  return result.state === 'ok' && isHeadOf(result.head, logId, entry)
}
