import { randomBytes } from 'node:crypto'
import { constants, fstatSync, readFileSync, writeSync, type BigIntStats } from 'node:fs'
import * as fs from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { nodeSockets } from '../control/node-sockets.js'
import { kernelLock } from './kernel-lock.js'
import type { OpenFlag, Vfs, VfsFile, VfsStat } from '../vfs.js'

// A FIFO or a device must never make us wait: opening it is harmless, and `stat` tells what it is.
const ALWAYS = constants.O_NOFOLLOW | constants.O_NONBLOCK
const FLAGS: Readonly<Record<OpenFlag, number>> = {
  read: constants.O_RDONLY | ALWAYS,
  'read-write': constants.O_RDWR | ALWAYS,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | ALWAYS,
}
const BIG = { bigint: true } as const

function toStat(stats: BigIntStats): VfsStat {
  const type = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'symlink'
        : 'other'
  return {
    type,
    size: Number(stats.size),
    inode: stats.ino,
    links: Number(stats.nlink),
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  }
}

/** True if `error` is one of Node's with this code. */
function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && codes.includes(code)
}

class NodeFile implements VfsFile {
  readonly path: string
  readonly #handle: fs.FileHandle

  constructor(path: string, handle: fs.FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** The descriptor, for `kernelLock`. */
  get fd(): number {
    return this.#handle.fd
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    return (await this.#handle.read(buffer, offset, length, position)).bytesRead
  }

  async write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    return (await this.#handle.write(buffer, offset, length, position)).bytesWritten
  }

  writeSync(buffer: Uint8Array, offset: number, length: number, position: number): number {
    return writeSync(this.#handle.fd, buffer, offset, length, position)
  }

  datasync(): Promise<void> {
    return this.#handle.datasync()
  }

  sync(): Promise<void> {
    return this.#handle.sync()
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size)
  }

  async stat(): Promise<VfsStat> {
    return toStat(await this.#handle.stat(BIG))
  }

  statSync(): VfsStat {
    return toStat(fstatSync(this.#handle.fd, BIG))
  }

  chmod(mode: number): Promise<void> {
    return this.#handle.chmod(mode)
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#handle.chown(uid, gid)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

async function open(path: string, flag: OpenFlag, mode: number = 0o600): Promise<NodeFile> {
  return new NodeFile(path, await fs.open(path, FLAGS[flag], mode))
}

async function stat(path: string): Promise<VfsStat | null> {
  try {
    return toStat(await fs.lstat(path, BIG))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  }
}

async function resolve(path: string): Promise<string> {
  try {
    return await fs.realpath(path)
  } catch (error) {
    const folder = dirname(path)
    if (!hasCode(error, 'ENOENT') || folder === path) throw error
    return join(await resolve(folder), basename(path))
  }
}

async function syncDir(path: string): Promise<void> {
  const handle = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function mkdir(path: string): Promise<void> {
  const parent = dirname(path)
  try {
    await fs.mkdir(path, 0o700)
  } catch (error) {
    if (hasCode(error, 'ENOENT') && parent !== path) {
      await mkdir(parent)
      await mkdir(path)
      return
    }
    if (!hasCode(error, 'EEXIST') || !(await fs.stat(path)).isDirectory()) throw error
    return
  }
  await syncDir(parent)
}

async function freeBytes(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await fs.statfs(path)
    return bavail * bsize
  } catch {
    return null
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/**
 * The file system of this machine, through `node:fs`. Nothing in it ever waits for a FIFO or a
 * device, follows a link in the last part of a path, or passes a descriptor on to a child process.
 * A lock belongs to the open file: closing the file, however that happens, ends it.
 */
export const nodeVfs: Vfs = {
  open,
  stat,
  resolve,
  readdir: (path) => fs.readdir(path),
  mkdir,
  rename: (from, to) => fs.rename(from, to),
  unlink: (path) => fs.unlink(path),
  syncDir,
  lock: async (file, shared = false) => {
    if (!(file instanceof NodeFile)) throw new TypeError('the file was not opened by nodeVfs')
    return kernelLock(file.fd, file.path, shared) ? { release: () => file.close() } : null
  },
  freeBytes,
  host: { pid: process.pid, hostname: hostname(), bootId: bootId() },
  randomHex: (n) => randomBytes(n).toString('hex'),
  sockets: nodeSockets,
}
