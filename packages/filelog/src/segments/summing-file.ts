import { checksum, hex8 } from '../format/checksum.js'
import { forEachPart } from '../rewrite/io.js'
import type { VfsFile, VfsStat } from '../vfs.js'

/**
 * A file that is read from its start to its end, and the checksum of what was read: that of the very
 * bytes that its reader got, even if the file changes meanwhile.
 */
export class SummingFile implements VfsFile {
  readonly path: string
  readonly #file: VfsFile
  #sum: number
  /** Up to here everything is in the sum. */
  #pos: number = 0

  constructor(file: VfsFile, seed: number) {
    this.path = file.path
    this.#file = file
    this.#sum = seed
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    const n = await this.#file.read(buffer, offset, length, position)
    const known = this.#pos - position
    if (known < 0 || known >= n) return n
    this.#sum = checksum(buffer.subarray(offset + known, offset + n), this.#sum)
    this.#pos = position + n
    return n
  }

  /** The checksum of the first `size` bytes, of which what was passed over is read now. */
  async sumOf(size: number): Promise<string> {
    await forEachPart(this, { from: Math.min(this.#pos, size), to: size }, () => Promise.resolve())
    return hex8(this.#sum)
  }

  write(): Promise<number> {
    return Promise.reject(new TypeError(`${this.path} was opened for reading`))
  }

  writeSync(): number {
    throw new TypeError(`${this.path} was opened for reading`)
  }

  datasync(): Promise<void> {
    return this.#file.datasync()
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  truncate(): Promise<void> {
    return Promise.reject(new TypeError(`${this.path} was opened for reading`))
  }

  stat(): Promise<VfsStat> {
    return this.#file.stat()
  }

  statSync(): VfsStat {
    return this.#file.statSync()
  }

  chmod(mode: number): Promise<void> {
    return this.#file.chmod(mode)
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#file.chown(uid, gid)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
