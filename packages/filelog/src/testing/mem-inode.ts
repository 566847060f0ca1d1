import { Buffer } from 'node:buffer'
import type { VfsStat } from '../vfs.js'

/** Something done to a file's bytes that was not synced yet, with what is needed to undo it. */
export type FileOp =
  | {
      readonly kind: 'write'
      readonly at: number
      readonly data: Buffer
      readonly before: Buffer
      readonly sizeBefore: number
    }
  | {
      readonly kind: 'truncate'
      readonly size: number
      readonly cut: Buffer
      readonly sizeBefore: number
    }

/** One file, folder, link or device of the memory file system. */
export class MemInode {
  readonly id: bigint
  readonly type: VfsStat['type']
  mode: number
  uid: number = 0
  gid: number = 0
  mtimeNs: bigint
  ctimeNs: bigint
  size: number = 0
  /** What was done since the last sync, oldest first. */
  pending: FileOp[] = []
  /** For folders: names as anybody sees them now, and as they were last synced. */
  entries: Map<string, bigint> = new Map()
  syncedEntries: Map<string, bigint> = new Map()
  /** For links. */
  target: string = ''
  /** Open files that hold a lock on this inode; true for exclusive. */
  readonly locks: Map<object, boolean> = new Map()
  #bytes: Buffer = Buffer.alloc(0)

  constructor(id: bigint, type: VfsStat['type'], mode: number, timeNs: bigint) {
    this.id = id
    this.type = type
    this.mode = mode
    this.mtimeNs = timeNs
    this.ctimeNs = timeNs
  }

  /** A copy of the bytes. */
  content(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.size))
  }

  read(target: Uint8Array, position: number): number {
    if (position >= this.size) return 0
    const end = Math.min(this.size, position + target.length)
    target.set(this.#bytes.subarray(position, end))
    return end - position
  }

  write(data: Uint8Array, at: number): void {
    if (data.length === 0) return
    const before = Buffer.from(this.#bytes.subarray(Math.min(at, this.size), this.#end(at, data)))
    const op: FileOp = {
      kind: 'write',
      at,
      data: Buffer.from(data),
      before,
      sizeBefore: this.size,
    }
    this.#grow(at + data.length)
    this.#bytes.set(data, at)
    this.pending.push(op)
  }

  truncate(size: number): void {
    const cut = Buffer.from(this.#bytes.subarray(Math.min(size, this.size), this.size))
    this.pending.push({ kind: 'truncate', size, cut, sizeBefore: this.size })
    this.#resize(size)
  }

  /** Takes the newest unsynced operation back. */
  undo(): void {
    const op = this.pending.pop()
    if (op === undefined) return
    this.#resize(op.sizeBefore)
    if (op.kind === 'write') this.#bytes.set(op.before, Math.min(op.at, op.sizeBefore))
    else this.#bytes.set(op.cut, Math.min(op.size, op.sizeBefore))
  }

  /** Everything done so far is on the disk. */
  synced(): void {
    this.pending = []
  }

  /** Sets the bytes as they are on the disk. */
  load(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes)
    this.size = bytes.length
    this.pending = []
  }

  /** An independent copy without locks. */
  clone(): MemInode {
    const copy = new MemInode(this.id, this.type, this.mode, this.mtimeNs)
    copy.uid = this.uid
    copy.gid = this.gid
    copy.ctimeNs = this.ctimeNs
    copy.load(this.#bytes.subarray(0, this.size))
    copy.pending = [...this.pending]
    copy.entries = new Map(this.entries)
    copy.syncedEntries = new Map(this.syncedEntries)
    copy.target = this.target
    return copy
  }

  #end(at: number, data: Uint8Array): number {
    return Math.max(Math.min(at, this.size), Math.min(this.size, at + data.length))
  }

  #grow(size: number): void {
    if (size > this.size) this.#resize(size)
  }

  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.size)
      this.#bytes = larger
    } else if (size > this.size) {
      this.#bytes.fill(0, this.size, size)
    }
    this.size = size
  }
}
