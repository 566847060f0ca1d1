import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Vfs, nodeVfs } from '@papyra/filelog'
import { memVfs } from '@papyra/filelog/testing'

/** A file system that can be filled up. */
export interface Disk {
  /** What it is, for the summary. */
  readonly name: string
  readonly vfs: Vfs
  /** An empty folder on it. */
  readonly dir: string
  /** Room comes and goes in units of so many bytes. */
  readonly unit: number
  /** Leaves so much room, rounded down to units. */
  fill(free: number): Promise<void>
  /** Gives the room back. */
  release(): Promise<void>
  /** Forgets what was not synced, and shows what the device really holds; where it can. */
  remount?(): Promise<void>
  dispose(): Promise<void>
}

/** Nobody is told how much is free, so that a rewrite begins, and meets the end of the disk itself. */
function blindly(vfs: Vfs): Vfs {
  return { ...vfs, freeBytes: () => Promise.resolve(null) }
}

const PLENTY = 2 ** 40

/** The memory file system: room by the byte. */
export async function memoryDisk(): Promise<Disk> {
  const vfs = memVfs()
  await vfs.mkdir('/data')
  const left = vfs.freeBytes.bind(vfs)
  // Set on the object itself: a copy of it would lack the methods of its class.
  Object.assign(vfs, { freeBytes: () => Promise.resolve(null) })
  return {
    name: 'memory file system, by the byte',
    vfs,
    dir: '/data',
    unit: 1,
    async fill(free) {
      vfs.capacity = PLENTY
      vfs.capacity = PLENTY - ((await left('/data')) ?? 0) + free
    },
    async release() {
      vfs.capacity = PLENTY
    },
    dispose: () => Promise.resolve(),
  }
}

const PAGE = 4096

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'ignore' })
}

/** A tmpfs of its own: what it cannot take, the kernel refuses, in pages. Needs the right to mount. */
export async function tmpfsDisk(bytes: number = 4 * 1024 * 1024): Promise<Disk> {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-full-'))
  run('mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', dir)
  const filler = join(dir, 'filler')
  return {
    name: 'tmpfs, by the page',
    vfs: blindly(nodeVfs),
    dir,
    unit: PAGE,
    async fill(free) {
      const fd = openSync(filler, 'a')
      const { bavail, bsize } = statfsSync(dir)
      const pages = Math.floor((bavail * bsize - free) / PAGE)
      const page = Buffer.alloc(PAGE, 1)
      for (let i = 0; i < pages; i++) writeSync(fd, page)
      closeSync(fd)
    },
    release: async () => rmSync(filler, { force: true }),
    async dispose() {
      run('umount', dir)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** True if such a disk can be made here. */
export async function canMake(make: () => Promise<Disk>): Promise<boolean> {
  try {
    await (await make()).dispose()
    return true
  } catch {
    return false
  }
}

/**
 * A device whose writes are taken and whose syncs fail: ext4 on a thin file on a tmpfs that is full.
 * Needs the right to mount, loop devices and `mkfs.ext4`.
 */
export async function thinDisk(): Promise<Disk> {
  const root = await mkdtemp(join(tmpdir(), 'papyra-thin-'))
  const [below, dir, image] = [
    join(root, 'below'),
    join(root, 'disk'),
    join(root, 'below', 'image'),
  ]
  run('mkdir', below, dir)
  run('mount', '-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', below)
  try {
    run('truncate', '-s', '64m', image)
    // Without a journal, whose own failed writes would make it read-only at once; and without delayed
    // allocation, with which the first sync that fails there tells nobody.
    run('mkfs.ext4', '-q', '-O', '^has_journal', '-E', 'lazy_itable_init=0', image)
    run('mount', '-o', 'loop,errors=continue,nodelalloc', image, dir)
  } catch (error) {
    run('umount', below)
    throw error
  }
  const filler = join(below, 'filler')
  return {
    name: 'thin loop device with ext4',
    vfs: nodeVfs,
    dir,
    unit: PAGE,
    async fill() {
      const fd = openSync(filler, 'a')
      try {
        for (;;) writeSync(fd, Buffer.alloc(PAGE, 1))
      } catch {
        closeSync(fd)
      }
    },
    release: async () => rmSync(filler, { force: true }),
    async remount() {
      run('umount', dir)
      run('mount', '-o', 'loop,errors=continue,nodelalloc', image, dir)
    },
    async dispose() {
      run('umount', dir)
      run('umount', below)
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** The log that is written to: the largest one there is. */
function largestLog(dir: string): number {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  const logs = names.filter((name) => name.endsWith('.ndjson'))
  return Math.max(0, ...logs.map((name) => statSync(join(dir, name)).size))
}

/**
 * A limit of this process on the size of every file (`RLIMIT_FSIZE`): writes beyond it are short, to
 * the byte, on whatever file system there is. Needs `prlimit`.
 */
export async function limitedDisk(): Promise<Disk> {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-limit-'))
  const limit = (bytes: string): void => {
    run('prlimit', '--pid', String(process.pid), `--fsize=${bytes}:`)
  }
  return {
    name: 'limit on the size of files, by the byte',
    vfs: blindly(nodeVfs),
    dir,
    unit: 1,
    fill: async (free) => limit(String(largestLog(dir) + free)),
    release: async () => limit('unlimited'),
    dispose: () => rm(dir, { recursive: true, force: true }),
  }
}

/** True if this process may limit itself, and take that back. */
export function mayLimit(): boolean {
  try {
    run('prlimit', '--pid', String(process.pid), '--fsize=unlimited:')
    return true
  } catch {
    return false
  }
}
