import { Buffer } from 'node:buffer'
import { LF } from '../format/frame.js'
import type { VfsFile } from '../vfs.js'
import { COPY_BYTES, withIo, writeAll } from './io.js'

/** After so many bytes a sync is begun while the copy goes on. */
const SYNC_BYTES = 32 * 1024 * 1024
const LINE_END = Buffer.from('\n')

/**
 * Writes a new file from its start to its end: while one buffer is being written the other fills, and
 * every 32 MiB a sync runs along, so that the last one has little left to do. An error of a write or
 * of a sync rejects one of the next calls, `finish` at the latest; nothing is gone on from then.
 */
export class WriteBehind {
  readonly #file: VfsFile
  readonly #sum: (bytes: Buffer, start: number, end: number) => void
  #out: Buffer = Buffer.allocUnsafe(COPY_BYTES)
  #other: Buffer = Buffer.allocUnsafe(COPY_BYTES)
  /** Bytes in `#out`, and from where on they are not summed yet. */
  #used = 0
  #summed = 0
  /** Where `#out` goes. */
  #position: number
  #syncedTo: number
  #writing: Promise<void> = Promise.resolve()
  #syncing: Promise<void> = Promise.resolve()

  /**
   * `sum` is told of the bytes of records that were put, in their order, at `sumUp` at the latest.
   */
  constructor(
    file: VfsFile,
    position: number,
    sum: (bytes: Buffer, start: number, end: number) => void,
  ) {
    this.#file = file
    this.#position = position
    this.#syncedTo = position
    this.#sum = sum
  }

  /** Where the next byte goes. */
  get size(): number {
    return this.#position + this.#used
  }

  /** Takes `chunk[start, end)` and a line end. Until a promise resolves `chunk` must stay. */
  putLine(chunk: Buffer, start: number, end: number): Promise<void> | undefined {
    const length = end - start
    if (this.#used + length >= this.#out.length) {
      return this.put(chunk, start, end).then(() => this.put(LINE_END, 0, 1))
    }
    chunk.copy(this.#out, this.#used, start, end)
    this.#out[this.#used + length] = LF
    this.#used += length + 1
    return undefined
  }

  /** Takes `chunk[start, end)`. Until the promise resolves `chunk` must stay as it is. */
  async put(chunk: Buffer, start: number, end: number): Promise<void> {
    for (let at = start; at < end; ) {
      if (this.#used === this.#out.length) await this.#flush()
      const some = Math.min(end - at, this.#out.length - this.#used)
      chunk.copy(this.#out, this.#used, at, at + some)
      this.#used += some
      at += some
    }
  }

  /** Takes bytes that are no records'. */
  async putUnsummed(bytes: Buffer): Promise<void> {
    this.sumUp()
    if (this.#used + bytes.length > this.#out.length) await this.#flush()
    if (bytes.length > this.#out.length) {
      await this.#writing
      await writeAll(this.#file, bytes, this.#position)
      this.#position += bytes.length
      return
    }
    this.#used += bytes.copy(this.#out, this.#used)
    this.#summed = this.#used
  }

  /** Takes bytes whose sum is known. Until the promise resolves `chunk` must stay as it is. */
  async putSummed(chunk: Buffer, start: number, end: number): Promise<void> {
    this.sumUp()
    for (let at = start; at < end; ) {
      if (this.#used === this.#out.length) await this.#flush()
      const some = Math.min(end - at, this.#out.length - this.#used)
      chunk.copy(this.#out, this.#used, at, at + some)
      this.#used += some
      this.#summed = this.#used
      at += some
    }
  }

  /**
   * Takes bytes whose sum is known, and begins to write them from where they are. Until the promise
   * that it resolves with is settled they must stay.
   */
  async putBlock(
    chunk: Buffer,
    start: number,
    end: number,
  ): Promise<{ readonly written: Promise<void> }> {
    if (this.#used > 0) await this.#flush()
    await this.#writing
    const position = this.#position
    this.#position += end - start
    this.#writing = writeAll(this.#file, chunk.subarray(start, end), position)
    this.#writing.catch(() => undefined)
    const written = this.#writing
    if (this.#position - this.#syncedTo >= SYNC_BYTES) await this.#beginSync()
    return { written }
  }

  /** Tells of the records' bytes that were not told of yet. */
  sumUp(): void {
    if (this.#summed < this.#used) this.#sum(this.#out, this.#summed, this.#used)
    this.#summed = this.#used
  }

  /** Writes all that was put. */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#writing
    await this.#syncing
  }

  /** Makes durable what was put so far. */
  async sync(): Promise<void> {
    await this.#flush()
    await this.#beginSync()
    await this.#syncing
  }

  /** Waits until nothing is written or synced any more, well or not. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#syncing])
  }

  /** Begins to write what is in `#out`, once what stands before it is written. */
  async #flush(): Promise<void> {
    this.sumUp()
    await this.#writing
    const [full, length, position] = [this.#out, this.#used, this.#position]
    this.#out = this.#other
    this.#other = full
    this.#used = 0
    this.#summed = 0
    this.#position += length
    this.#writing = writeAll(this.#file, full, position, length)
    // Whoever waits for it is told.
    this.#writing.catch(() => undefined)
    if (this.#position - this.#syncedTo >= SYNC_BYTES) await this.#beginSync()
  }

  async #beginSync(): Promise<void> {
    await this.#writing
    await this.#syncing
    this.#syncedTo = this.#position
    this.#syncing = withIo('Syncing', this.#file.path, () => this.#file.datasync())
    this.#syncing.catch(() => undefined)
  }
}
