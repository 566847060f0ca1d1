import { Buffer } from 'node:buffer'
import { dirname } from 'node:path/posix'
import type { OpenFlag, Vfs, VfsFile, VfsLock, VfsStat } from '../vfs.js'
import { type CrashOptions, crashStates } from './crash-states.js'
import { MemDisk, systemError } from './mem-disk.js'
import { MemFile, statOf } from './mem-file.js'
import {
  countOp,
  type Machine,
  type MemOp,
  type MemOpName,
  type MemVfsOptions,
} from './mem-machine.js'

/** The machine after a power cut and a new boot. */
export interface CrashState {
  readonly vfs: MemVfs
  readonly description: string
}

/**
 * A file system in memory that keeps synced and unsynced apart, seen by one process. Operations take
 * effect at the call, in call order; their promises resolve later. Every path is absolute; `/` exists.
 */
export class MemVfs implements Vfs {
  readonly host: { readonly pid: number; readonly hostname: string; readonly bootId: string }
  readonly #machine: Machine
  readonly #files: Set<MemFile> = new Set()
  #dead: boolean = false

  constructor(machine: Machine) {
    this.#machine = machine
    const { disk } = machine
    this.host = { pid: disk.pids++, hostname: 'machine', bootId: disk.bootId }
  }

  /** Operations that changed or synced something, so far, on the whole machine. */
  get ops(): number {
    return this.#machine.ops
  }

  /** Called before each operation of the machine; see `MemVfsOptions`. */
  set onOp(hook: ((op: MemOp, half: boolean) => void) | undefined) {
    this.#machine.onOp = hook
  }

  /** Which syncs are left out; see `MemVfsOptions`. */
  set omit(rule: ((op: MemOp) => boolean) | undefined) {
    this.#machine.omit = rule
  }

  /** Most bytes that all files together may hold; a write beyond that is short, then fails. */
  set capacity(bytes: number) {
    this.#machine.disk.capacity = bytes
  }

  /** Another process on the same machine. */
  fork(): MemVfs {
    return new MemVfs(this.#machine)
  }

  /** Ends this process: what was written stays, its locks and files are gone. Gives a new process. */
  kill(): MemVfs {
    this.#dead = true
    for (const file of this.#files) file.drop()
    return this.fork()
  }

  /** An independent copy of the machine as a mere kill of all its processes leaves it. */
  clone(): MemVfs {
    return memVfsOn(this.#machine.disk.clone())
  }

  /** What the disk may look like after a power cut at this moment, on a machine that booted again. */
  *crashStates(options?: CrashOptions): Generator<CrashState> {
    for (const { disk, description } of crashStates(this.#machine.disk, options)) {
      yield { vfs: memVfsOn(disk), description }
    }
  }

  async open(path: string, flag: OpenFlag, mode: number = 0o600): Promise<VfsFile> {
    const { disk } = this.#live()
    let inode = disk.find(path, 'open')
    if (flag === 'create') {
      if (inode !== null) throw systemError('EEXIST', 'open', path)
      const { dir, name } = disk.folder(path, 'open')
      this.#op('create', path)
      inode = disk.create('file', mode)
      disk.change({ kind: 'add', dir: dir.id, name, inode: inode.id })
    } else if (inode === null) {
      throw systemError('ENOENT', 'open', path)
    } else if (inode.type === 'symlink') {
      throw systemError('ELOOP', 'open', path)
    } else if (inode.type === 'directory' && flag === 'read-write') {
      throw systemError('EISDIR', 'open', path)
    }
    const hooks = { op: this.#op.bind(this), disk, onClose: (f: MemFile) => this.#files.delete(f) }
    const file = new MemFile(path, inode, flag !== 'read', hooks)
    this.#files.add(file)
    return file
  }

  async stat(path: string): Promise<VfsStat | null> {
    const { disk } = this.#live()
    try {
      const inode = disk.find(path, 'lstat')
      return inode === null ? null : statOf(disk, inode)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as { code?: string }).code ?? '')) return null
      throw error
    }
  }

  async resolve(path: string): Promise<string> {
    return this.#live().disk.resolve(path, 'realpath', true)
  }

  async readdir(path: string): Promise<string[]> {
    const inode = this.#live().disk.need(path, 'scandir')
    if (inode.type !== 'directory') throw systemError('ENOTDIR', 'scandir', path)
    return [...inode.entries.keys()]
  }

  async mkdir(path: string): Promise<void> {
    const { disk } = this.#live()
    const parent = dirname(path)
    if (parent !== path) await this.mkdir(parent)
    const there = disk.find(path, 'mkdir')
    if (there?.type === 'directory') return
    if (there !== null) throw systemError('EEXIST', 'mkdir', path)
    const { dir, name } = disk.folder(path, 'mkdir')
    this.#op('mkdir', path)
    const made = disk.create('directory', 0o700)
    disk.change({ kind: 'add', dir: dir.id, name, inode: made.id })
    await this.syncDir(parent)
  }

  async rename(from: string, to: string): Promise<void> {
    const { disk } = this.#live()
    const source = disk.folder(from, 'rename')
    const target = disk.folder(to, 'rename')
    const inode = disk.need(from, 'rename')
    const old = disk.find(to, 'rename')
    if (old?.type === 'directory' && inode.type !== 'directory') {
      throw systemError('EISDIR', 'rename', to)
    }
    this.#op('rename', to)
    if (old?.id === inode.id) return
    const where = { dir: source.dir.id, name: source.name }
    const there = { toDir: target.dir.id, toName: target.name }
    disk.change({ kind: 'rename', ...where, ...there, inode: inode.id })
    inode.ctimeNs = disk.tick()
  }

  async unlink(path: string): Promise<void> {
    const { disk } = this.#live()
    const { dir, name } = disk.folder(path, 'unlink')
    const inode = disk.need(path, 'unlink')
    if (inode.type === 'directory') throw systemError('EISDIR', 'unlink', path)
    this.#op('unlink', path)
    disk.change({ kind: 'remove', dir: dir.id, name, inode: inode.id })
    inode.ctimeNs = disk.tick()
  }

  async syncDir(path: string): Promise<void> {
    const { disk } = this.#live()
    const inode = disk.need(path, 'open')
    if (inode.type !== 'directory') throw systemError('ENOTDIR', 'open', path)
    if (this.#op('syncDir', path)) disk.syncDir(inode.id)
  }

  async lock(file: VfsFile, shared: boolean = false): Promise<VfsLock | null> {
    this.#live()
    if (!(file instanceof MemFile)) throw new TypeError('the file was not opened by a MemVfs')
    return file.lock(shared) ? { release: () => file.close() } : null
  }

  async freeBytes(_path: string): Promise<number | null> {
    const { disk } = this.#live()
    return Number.isFinite(disk.capacity) ? disk.capacity - disk.usedBytes() : null
  }

  randomHex(n: number): string {
    const { random } = this.#live().disk
    return Buffer.from(Array.from({ length: n }, () => random.below(256))).toString('hex')
  }

  /** For tests: the bytes of a file as anybody sees them now. */
  bytes(path: string): Buffer {
    return this.#machine.disk.need(path, 'open').content()
  }

  /** For tests: the same text for machines whose files and names are the same, synced or not. */
  fingerprint(): string {
    return this.#machine.disk.fingerprint()
  }

  /** For tests: puts a durable file there, in place of what was there; not counted. */
  put(path: string, bytes: Uint8Array | string, mode: number = 0o600): void {
    const { disk } = this.#machine
    this.#place(path, 'file', mode).load(Buffer.from(bytes as Uint8Array))
    disk.syncDir(disk.folder(path, 'open').dir.id)
  }

  /** For tests: puts something durable there that is no regular file. */
  special(path: string, type: 'symlink' | 'other', target: string = ''): void {
    this.#place(path, type, 0o600).target = target
  }

  /** For tests: a second name for a file. */
  link(from: string, to: string): void {
    const { disk } = this.#live()
    const { dir, name } = disk.folder(to, 'link')
    this.#op('link', to)
    disk.change({ kind: 'add', dir: dir.id, name, inode: disk.need(from, 'link').id })
  }

  #place(path: string, type: VfsStat['type'], mode: number): ReturnType<MemDisk['create']> {
    const { disk } = this.#machine
    const { dir, name } = disk.folder(path, 'open')
    const there = disk.find(path, 'open')
    if (there?.type === type) return there
    const inode = disk.create(type, mode)
    disk.change({ kind: 'add', dir: dir.id, name, inode: inode.id })
    disk.syncDir(dir.id)
    return inode
  }

  #live(): Machine {
    if (this.#dead) throw new Error('this process was killed')
    return this.#machine
  }

  #op(name: MemOpName, path: string, half?: { apply(): void; undo(): void }): boolean {
    return countOp(this.#live(), name, path, half)
  }
}

/** A process on a machine with this disk. */
function memVfsOn(disk: MemDisk, options: MemVfsOptions = {}): MemVfs {
  return new MemVfs({ disk, omit: options.omit, onOp: options.onOp, ops: 0 })
}

/** A new, empty machine, and a first process on it. */
export function memVfs(options: MemVfsOptions = {}): MemVfs {
  return memVfsOn(new MemDisk(options.seed ?? 1, 'boot-1'), options)
}
