import type { VfsFile, VfsStat } from '../vfs.js'
import { type MemDisk, systemError } from './mem-disk.js'
import type { MemInode } from './mem-inode.js'
import type { MemOpName } from './mem-machine.js'

/** What an open file needs of its process. */
export interface FileHooks {
  readonly disk: MemDisk
  op(name: MemOpName, path: string, half?: { apply(): void; undo(): void }): boolean
  onClose(file: MemFile): void
}

export function statOf(disk: MemDisk, inode: MemInode): VfsStat {
  const { type, size, id, mode, uid, gid, mtimeNs, ctimeNs } = inode
  return { type, size, inode: id, links: disk.links(id), mode, uid, gid, mtimeNs, ctimeNs }
}

/** One open file of a `MemVfs`. */
export class MemFile implements VfsFile {
  readonly path: string
  readonly #inode: MemInode
  readonly #writable: boolean
  readonly #hooks: FileHooks
  #open: boolean = true

  constructor(path: string, inode: MemInode, writable: boolean, hooks: FileHooks) {
    this.path = path
    this.#inode = inode
    this.#writable = writable
    this.#hooks = hooks
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    const inode = this.#live('read')
    if (inode.type === 'directory') throw systemError('EISDIR', 'read', this.path)
    if (inode.type !== 'file') throw systemError('EAGAIN', 'read', this.path)
    return inode.read(buffer.subarray(offset, offset + length), position)
  }

  async write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    return this.writeSync(buffer, offset, length, position)
  }

  writeSync(buffer: Uint8Array, offset: number, length: number, position: number): number {
    const inode = this.#live('write', true)
    if (inode.type !== 'file') throw systemError('EAGAIN', 'write', this.path)
    const { disk } = this.#hooks
    const free = disk.capacity - disk.usedBytes()
    const fits = Math.max(0, Math.min(length, inode.size - position + free))
    if (fits === 0 && length > 0) throw systemError('ENOSPC', 'write', this.path)
    const data = buffer.subarray(offset, offset + fits)
    const half = {
      apply: () => inode.write(data.subarray(0, fits >>> 1), position),
      undo: () => inode.undo(),
    }
    // The death of a process never tears a whole sector: the system copies it in one go.
    const whole = fits < 2 || (fits === 512 && position % 512 === 0)
    this.#hooks.op('write', this.path, whole ? undefined : half)
    inode.write(data, position)
    disk.touch(inode)
    return fits
  }

  async datasync(): Promise<void> {
    const inode = this.#live('fdatasync')
    if (this.#hooks.op('datasync', this.path)) inode.synced()
  }

  async sync(): Promise<void> {
    const inode = this.#live('fsync')
    if (this.#hooks.op('sync', this.path)) inode.synced()
  }

  async truncate(size: number): Promise<void> {
    const inode = this.#live('ftruncate', true)
    this.#hooks.op('truncate', this.path)
    inode.truncate(size)
    this.#hooks.disk.touch(inode)
  }

  async stat(): Promise<VfsStat> {
    return this.statSync()
  }

  statSync(): VfsStat {
    return statOf(this.#hooks.disk, this.#live('fstat'))
  }

  async chmod(mode: number): Promise<void> {
    const inode = this.#live('fchmod')
    this.#hooks.op('chmod', this.path)
    inode.mode = mode
    inode.ctimeNs = this.#hooks.disk.tick()
  }

  async chown(uid: number, gid: number): Promise<void> {
    const inode = this.#live('fchown')
    this.#hooks.op('chown', this.path)
    inode.uid = uid
    inode.gid = gid
    inode.ctimeNs = this.#hooks.disk.tick()
  }

  async close(): Promise<void> {
    this.drop()
    this.#hooks.onClose(this)
  }

  /** Takes the lock if nobody else's forbids it. */
  lock(shared: boolean): boolean {
    const { locks } = this.#live('flock')
    for (const [holder, exclusive] of locks) {
      if (holder !== this && (exclusive || !shared)) return false
    }
    locks.set(this, !shared)
    return true
  }

  /** Ends the file without a word, as the death of its process does. */
  drop(): void {
    this.#open = false
    this.#inode.locks.delete(this)
  }

  #live(syscall: string, writing: boolean = false): MemInode {
    if (!this.#open || (writing && !this.#writable)) throw systemError('EBADF', syscall, this.path)
    return this.#inode
  }
}
