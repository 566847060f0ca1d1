import { Buffer } from 'node:buffer'
import type { PapyraError } from '@papyra/contracts'
import type { AppendTarget, LogWriterOptions } from './append-target.js'
import { BatchEncoder, type Chunk } from './batch-encoder.js'
import type { BlockSnapshot } from './block-tracker.js'
import type { MarkWriter } from './mark-file.js'
import { latchedError, refusedError, replacedError, type Unknown } from './writer-errors.js'

/** Below this a blocking write is cheaper than a thread hop. */
const BLOCKING_BYTES = 128 * 1024
const WATCH_MS = 1000

interface Start {
  readonly tracker: BlockSnapshot
  readonly offset: number
}

/** Writes one batch at a time, and undoes it or stops for good if that fails. */
export class LogWriter {
  readonly #options: LogWriterOptions
  readonly #encoder: BatchEncoder
  #target: AppendTarget
  #path: string
  #offset: number
  #nextSeq: number
  #synced: number
  #markSynced: boolean = true
  #latched: PapyraError | null = null
  #watchedAt: number = Number.NEGATIVE_INFINITY

  constructor(options: LogWriterOptions) {
    this.#options = options
    this.#encoder = new BatchEncoder(options.seed, options.onWritten !== undefined)
    this.#nextSeq = options.nextSeq
    this.#synced = options.nextSeq - 1
    this.#target = options
    this.#path = options.path
    this.#offset = options.offset
    this.retarget(options)
  }

  get nextSeq(): number {
    return this.#nextSeq
  }
  get acked(): number {
    return this.#nextSeq - 1
  }
  get synced(): number {
    return this.#synced
  }
  get offset(): number {
    return this.#offset
  }
  /** The checksum of all bytes of the file; `null` if it is not kept up. */
  get sum(): number | null {
    return this.#target.tracker.whole
  }
  get latched(): PapyraError | null {
    return this.#latched
  }
  get mark(): MarkWriter {
    return this.#target.mark
  }
  /** True if everything acknowledged, the mark's word on it too, is synced. */
  get allSynced(): boolean {
    return this.#markSynced && this.#synced === this.acked
  }

  /** Goes on with another file, which ends with the same number; it and its mark are synced. */
  retarget(target: AppendTarget): void {
    const { tracker, offset } = target
    if (tracker.end !== offset || tracker.lastSeq > this.acked) {
      throw new RangeError('the block tracker does not stand at the end of the log')
    }
    this.#target = target
    this.#path = target.path ?? this.#path
    if (target.sum !== undefined) tracker.keepWhole(target.sum)
    this.#offset = offset
    this.#synced = this.acked
    this.#markSynced = true
    this.#watchedAt = Number.NEGATIVE_INFINITY
  }

  /**
   * Writes the facts of all chunks and gives the bytes written. When it resolves the level holds and
   * the mark says so. Throws `write_failed`: nothing of them is stored. Or stops for good, and throws
   * that.
   */
  async commit(chunks: readonly Chunk[]): Promise<number> {
    const { file, tracker, mark } = this.#target
    if (this.#options.clock.monotonic() - this.#watchedAt >= WATCH_MS) await this.#watchPath()
    this.#watchFile()
    const start = { tracker: tracker.snapshot(), offset: this.#offset }
    const firstSeq = this.#nextSeq
    const length = this.#encoder.encode(chunks, firstSeq, tracker)
    const lastSeq = tracker.lastSeq
    try {
      const { buffer } = this.#encoder
      const n =
        length < BLOCKING_BYTES
          ? file.writeSync(buffer, 0, length, start.offset)
          : await file.write(buffer, 0, length, start.offset)
      if (n !== length) throw new Error(`only ${n} of ${length} bytes were written`)
    } catch (error) {
      throw await this.#cutBack(start, lastSeq, error)
    }
    const durable = this.#options.ack === 'durable'
    if (durable) await this.#datasync(lastSeq)
    try {
      mark.write(lastSeq, durable ? lastSeq : this.#synced, start.offset + length)
    } catch (error) {
      throw await this.#cutBack(start, lastSeq, error)
    }
    this.#markSynced = false
    this.#offset = start.offset + length
    this.#nextSeq = lastSeq + 1
    if (durable) this.#synced = lastSeq
    this.#options.onWritten?.(chunks, firstSeq, this.#encoder.lengths)
    return length
  }

  /**
   * Ends the open block with its mark, unless no number is in it, and syncs the file, which is then
   * complete. Throws `write_failed`: then the file is as it was; or stops for good, and throws that.
   */
  async endBlock(): Promise<void> {
    const { file, tracker, mark } = this.#target
    await this.#watchPath()
    this.#watchFile()
    const start = { tracker: tracker.snapshot(), offset: this.#offset }
    const open = start.tracker.block.records > 0 || tracker.lastSeq < this.acked
    const line = Buffer.from(open ? tracker.closeBlock(this.acked) : '')
    try {
      const n = open ? file.writeSync(line, 0, line.length, start.offset) : 0
      if (n !== line.length) throw new Error(`only ${n} of ${line.length} bytes were written`)
    } catch (error) {
      throw await this.#cutBack(start, this.acked, error)
    }
    if (open || this.#synced < this.acked) await this.#datasync(this.acked)
    this.#synced = this.acked
    try {
      mark.write(this.acked, this.acked, start.offset + line.length)
    } catch (error) {
      throw await this.#cutBack(start, this.acked, error)
    }
    this.#markSynced = false
    this.#offset = start.offset + line.length
  }

  /** Syncs what was acknowledged, then the mark. Stops for good if that fails, and throws that. */
  async sync(): Promise<void> {
    if (this.#synced < this.acked) await this.#datasync(this.acked)
    this.#synced = this.acked
    try {
      const { mark } = this.#target
      mark.write(this.acked, this.#synced, this.#offset)
      await mark.sync()
      this.#markSynced = true
    } catch (error) {
      throw this.latch(error, 'Writing the mark')
    }
  }

  /** Stops for good, and gives the error that every later call gets. */
  latch(cause: unknown, doing: string, unknown: Unknown | null = null): PapyraError {
    return this.#latched ?? this.#stop(latchedError(this.#path, cause, doing, unknown))
  }

  #stop(error: PapyraError): PapyraError {
    this.#latched = error
    this.#options.onLatched?.(error)
    return error
  }

  async #datasync(lastSeq: number): Promise<void> {
    try {
      await this.#target.file.datasync()
    } catch (error) {
      throw this.latch(error, 'A sync', [this.#synced + 1, lastSeq])
    }
  }

  /** Takes a batch out of the file again; gives the error for those who wait for it. */
  async #cutBack(start: Start, lastSeq: number, cause: unknown): Promise<PapyraError> {
    const { file, tracker } = this.#target
    try {
      if (file.statSync().size !== start.offset) await file.truncate(start.offset)
      const { size } = file.statSync()
      if (size !== start.offset) throw new Error(`the size is ${size}, not ${start.offset}`)
    } catch (error) {
      return this.latch(error, 'Cutting a failed write back', [this.#nextSeq, lastSeq])
    }
    try {
      // Else a power cut could bring back what was refused.
      if (this.#options.ack === 'durable') await this.#datasync(lastSeq)
    } catch (error) {
      return error as PapyraError
    }
    tracker.restore(start.tracker)
    return this.#refused(cause)
  }

  #refused(cause: unknown): PapyraError {
    return refusedError(this.#path, cause, this.#offset)
  }

  /** Nobody else may have touched the open file since the last batch. */
  #watchFile(): void {
    let found: { links: number; size: number }
    try {
      found = this.#target.file.statSync()
    } catch (error) {
      throw this.#refused(error)
    }
    if (found.links === 0) throw this.#replaced('was removed')
    if (found.size === this.#offset) return
    throw this.#replaced(`has ${found.size} bytes instead of ${this.#offset}`)
  }

  /** The path must still name the open file. */
  async #watchPath(): Promise<void> {
    let same: boolean
    try {
      const there = await this.#options.vfs.stat(this.#path)
      same = there?.inode === this.#target.file.statSync().inode
    } catch (error) {
      throw this.#refused(error)
    }
    if (!same) throw this.#replaced('is no longer at its path')
    this.#watchedAt = this.#options.clock.monotonic()
  }

  #replaced(what: string): PapyraError {
    return this.#stop(replacedError(this.#path, what, [this.#synced + 1, this.acked]))
  }
}
