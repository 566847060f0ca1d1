import { createHash } from 'node:crypto'
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { MemInode } from './mem-inode.js'
import { Random } from './random.js'

/** A change of a folder that was not synced yet. */
export type DirOp =
  | {
      readonly kind: 'add' | 'remove'
      readonly dir: bigint
      readonly name: string
      readonly inode: bigint
    }
  | {
      readonly kind: 'rename'
      readonly dir: bigint
      readonly name: string
      readonly inode: bigint
      readonly toDir: bigint
      readonly toName: string
    }

/** An error as `node:fs` would throw it; some, EDQUOT among them, have no name there. */
export function systemError(name: string, syscall: string, path: string): Error {
  const errno = -((constants.errno as { [name: string]: number })[name] ?? 0)
  if (errno === 0) throw new RangeError(`there is no system error ${name}`)
  const [code, text] = getSystemErrorMap().get(errno) ?? [`Unknown system error ${errno}`, '']
  const error = new Error(`${code}: ${text || code}, ${syscall} '${path}'`)
  return Object.assign(error, { code, errno, syscall, path })
}

/** Applies a change of a folder to `entries`, which finds the names of a folder by its number. */
export function applyDirOp(entries: (dir: bigint) => Map<string, bigint>, op: DirOp): void {
  const names = entries(op.dir)
  if (op.kind === 'add') names.set(op.name, op.inode)
  else if (names.get(op.name) === op.inode) names.delete(op.name)
  if (op.kind === 'rename') entries(op.toDir).set(op.toName, op.inode)
}

function hash(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64')
}

/** The disk of one machine, with what is synced and what is not. */
export class MemDisk {
  readonly inodes: Map<bigint, MemInode> = new Map()
  /** Changes of folders that were not synced, oldest first. */
  pending: DirOp[] = []
  /** Most bytes that all files together may hold. */
  capacity: number = Number.POSITIVE_INFINITY
  readonly random: Random
  bootId: string
  pids: number = 100
  #next: bigint = 2n
  #timeNs: bigint

  constructor(seed: number, bootId: string, timeNs: bigint = 1_704_067_200_000_000_000n) {
    this.random = new Random(seed)
    this.bootId = bootId
    this.#timeNs = timeNs
    this.inodes.set(1n, new MemInode(1n, 'directory', 0o755, timeNs))
  }

  inode(id: bigint): MemInode {
    const found = this.inodes.get(id)
    if (found === undefined) throw new RangeError(`there is no inode ${id}`)
    return found
  }

  /** Finds what stands at an absolute path; `null` if nothing does. Links in front are followed. */
  find(path: string, syscall: string): MemInode | null {
    const { dir, name } = this.folder(path, syscall)
    if (name === '') return dir
    const id = dir.entries.get(name)
    return id === undefined ? null : this.inode(id)
  }

  need(path: string, syscall: string): MemInode {
    const found = this.find(path, syscall)
    if (found === null) throw systemError('ENOENT', syscall, path)
    return found
  }

  /** The folder that a path is in, and its last part. */
  folder(path: string, syscall: string): { dir: MemInode; name: string } {
    const parts = this.resolve(path, syscall).split('/').slice(1)
    const name = parts.pop() ?? ''
    let dir = this.inode(1n)
    for (const part of parts) {
      const id = dir.entries.get(part)
      if (id === undefined) throw systemError('ENOENT', syscall, path)
      dir = this.inode(id)
      if (dir.type !== 'directory') throw systemError('ENOTDIR', syscall, path)
    }
    return { dir, name }
  }

  /** The path with links in front (with `last`, at the end too) replaced by what they point to. */
  resolve(path: string, syscall: string, last: boolean = false): string {
    if (!path.startsWith('/')) throw systemError('EINVAL', syscall, path)
    let resolved: string[] = []
    const rest = path.split('/')
    for (let hops = 0; rest.length > 0; ) {
      const part = rest.shift() as string
      if (part === '' || part === '.') continue
      if (part === '..') {
        resolved.pop()
        continue
      }
      const link = rest.length > 0 || last ? this.#linkAt([...resolved, part]) : null
      if (link === null) {
        resolved.push(part)
        continue
      }
      if (++hops > 40) throw systemError('ELOOP', syscall, path)
      if (link.startsWith('/')) resolved = []
      rest.unshift(...link.split('/'))
    }
    return `/${resolved.join('/')}`
  }

  create(type: MemInode['type'], mode: number): MemInode {
    const inode = new MemInode(this.#next++, type, mode, this.tick())
    this.inodes.set(inode.id, inode)
    return inode
  }

  change(op: DirOp): void {
    applyDirOp((id) => this.inode(id).entries, op)
    this.pending.push(op)
    this.touch(this.inode(op.dir))
  }

  /** Makes the changes of a folder durable. */
  syncDir(id: bigint): void {
    const touches = (op: DirOp): boolean =>
      op.dir === id || (op.kind === 'rename' && op.toDir === id)
    for (const op of this.pending.filter(touches)) {
      applyDirOp((dir) => this.inode(dir).syncedEntries, op)
    }
    this.pending = this.pending.filter((op) => !touches(op))
  }

  links(id: bigint): number {
    let links = 0
    for (const inode of this.inodes.values()) {
      for (const entry of inode.entries.values()) if (entry === id) links++
    }
    return links
  }

  usedBytes(): number {
    const linked = new Set(
      [...this.inodes.values()].flatMap((inode) => [...inode.entries.values()]),
    )
    let used = 0
    for (const inode of this.inodes.values()) used += linked.has(inode.id) ? inode.size : 0
    return used
  }

  /** The tree of names with a hash of each file's bytes. */
  fingerprint(): string {
    const said = new Map<bigint, string>()
    const tree = (inode: MemInode): string => {
      if (inode.type === 'symlink') return inode.target
      if (inode.type !== 'directory') return hash(inode.content())
      const names = [...inode.entries].sort(([a], [b]) => (a < b ? -1 : 1))
      return `{${names.map(([name, id]) => `${name}:${id}=${at(id)}`).join()}}`
    }
    const at = (id: bigint): string => {
      const text = said.get(id) ?? tree(this.inode(id))
      said.set(id, text)
      return text
    }
    return at(1n)
  }

  /** Every change takes a millisecond of the file system's clock. */
  tick(): bigint {
    this.#timeNs += 1_000_000n
    return this.#timeNs
  }

  touch(inode: MemInode): void {
    inode.mtimeNs = this.tick()
    inode.ctimeNs = inode.mtimeNs
  }

  /** An independent copy: the same bytes, synced or not; no locks. */
  clone(bootId: string = this.bootId): MemDisk {
    const copy = new MemDisk(this.random.state, bootId, this.#timeNs)
    copy.inodes.clear()
    for (const [id, inode] of this.inodes) copy.inodes.set(id, inode.clone())
    copy.pending = [...this.pending]
    copy.capacity = this.capacity
    copy.pids = this.pids
    copy.#next = this.#next
    return copy
  }

  #linkAt(parts: readonly string[]): string | null {
    let inode = this.inode(1n)
    for (const part of parts) {
      const id = inode.entries.get(part)
      if (id === undefined) return null
      inode = this.inode(id)
    }
    return inode.type === 'symlink' ? inode.target : null
  }
}
