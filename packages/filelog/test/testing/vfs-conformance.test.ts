import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { memVfs } from '../../src/testing/index.js'
import type { Vfs, VfsFile } from '../../src/vfs.js'
import { nodeVfs } from '../../src/write/node-vfs.js'

const roots: string[] = []
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

interface Place {
  readonly vfs: Vfs
  readonly dir: string
  readonly fifo: (path: string) => void
  readonly symlink: (target: string, path: string) => void
}

function onNode(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'papyra-vfs-'))
  roots.push(dir)
  return {
    vfs: nodeVfs,
    dir,
    fifo: (path) => void execFileSync('mkfifo', [path]),
    symlink: (target, path) => void execFileSync('ln', ['-s', target, path]),
  }
}

async function onMemory(): Promise<Place> {
  const vfs = memVfs()
  await vfs.mkdir('/data')
  return {
    vfs,
    dir: '/data',
    fifo: (path) => vfs.special(path, 'other'),
    symlink: (target, path) => vfs.special(path, 'symlink', target),
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function put(vfs: Vfs, path: string, text: string): Promise<VfsFile> {
  const file = await vfs.open(path, 'create')
  expect(await file.write(bytes(text), 0, bytes(text).length, 0)).toBe(bytes(text).length)
  return file
}

async function text(file: VfsFile): Promise<string> {
  const buffer = new Uint8Array(1000)
  return new TextDecoder().decode(buffer.subarray(0, await file.read(buffer, 0, 1000, 0)))
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  )

describe.each([
  ['node', onNode],
  ['memory', onMemory],
])('a vfs: %s', (_name, make) => {
  it('creates a file once, mode 0600 unless told otherwise', async () => {
    const { vfs, dir } = await make()
    const file = await put(vfs, join(dir, 'a'), 'hello')
    expect(await code(vfs.open(join(dir, 'a'), 'create'))).toBe('EEXIST')
    const { type, mode, size, links } = await file.stat()
    expect({ type, mode, size, links }).toEqual({ type: 'file', mode: 0o600, size: 5, links: 1 })
    const other = await vfs.open(join(dir, 'b'), 'create', 0o640)
    expect((await other.stat()).mode).toBe(0o640)
    await Promise.all([file.close(), other.close()])
  })

  it('opens nothing that is not there, and follows no link in the last part', async () => {
    const { vfs, dir, symlink } = await make()
    expect(await code(vfs.open(join(dir, 'no'), 'read'))).toBe('ENOENT')
    expect(await code(vfs.open(join(dir, 'no'), 'read-write'))).toBe('ENOENT')
    expect(await code(vfs.open(join(dir, 'no', 'deep'), 'create'))).toBe('ENOENT')
    expect(await vfs.stat(join(dir, 'no'))).toBeNull()
    await (await put(vfs, join(dir, 'a'), 'x')).close()
    expect(await code(vfs.open(join(dir, 'a', 'b'), 'read'))).toBe('ENOTDIR')
    expect(await vfs.stat(join(dir, 'a', 'b'))).toBeNull()
    symlink(join(dir, 'a'), join(dir, 'link'))
    expect(await code(vfs.open(join(dir, 'link'), 'read'))).toBe('ELOOP')
    expect(await code(vfs.open(join(dir, 'link'), 'create'))).toBe('EEXIST')
    expect((await vfs.stat(join(dir, 'link')))?.type).toBe('symlink')
  })

  it('resolves links, also for a name that is not there yet', async () => {
    const { vfs, dir, symlink } = await make()
    await vfs.mkdir(join(dir, 'real'))
    symlink('real', join(dir, 'alias'))
    const real = await vfs.resolve(join(dir, 'real'))
    expect(await vfs.resolve(join(dir, 'alias', 'new'))).toBe(join(real, 'new'))
    expect(await vfs.resolve(join(dir, 'alias', '..', 'alias'))).toBe(real)
    expect(await vfs.resolve(join(dir, 'alias', 'no', 'deep'))).toBe(join(real, 'no', 'deep'))
  })

  it('never waits for a FIFO', async () => {
    const { vfs, dir, fifo } = await make()
    fifo(join(dir, 'fifo'))
    for (const flag of ['read', 'read-write'] as const) {
      const file = await vfs.open(join(dir, 'fifo'), flag)
      expect((await file.stat()).type).toBe('other')
      await file.close()
    }
    const folder = await vfs.open(dir, 'read')
    expect((await folder.stat()).type).toBe('directory')
    await folder.close()
    expect(await code(vfs.open(dir, 'read-write'))).toBe('EISDIR')
  })

  it('reads and writes at places, in one call', async () => {
    const { vfs, dir } = await make()
    const file = await put(vfs, join(dir, 'a'), 'hello')
    expect(file.writeSync(bytes('xxJJxx'), 2, 2, 1)).toBe(2)
    expect(await text(file)).toBe('hJJlo')
    expect(file.writeSync(bytes('!'), 0, 1, 7)).toBe(1)
    expect(await text(file)).toBe('hJJlo\0\0!')
    const buffer = new Uint8Array(4).fill(46)
    expect(await file.read(buffer, 1, 2, 3)).toBe(2)
    expect([...buffer]).toEqual([46, 108, 111, 46])
    expect(await file.read(buffer, 0, 4, 8)).toBe(0)
    await file.truncate(2)
    expect(await text(file)).toBe('hJ')
    await file.truncate(4)
    expect(await text(file)).toBe('hJ\0\0')
    expect(file.statSync().size).toBe(4)
    await file.close()
    await file.close()
    expect(await code(file.stat())).toBe('EBADF')
    const readOnly = await vfs.open(join(dir, 'a'), 'read')
    expect(() => readOnly.writeSync(bytes('x'), 0, 1, 0)).toThrow(/EBADF/)
    await readOnly.close()
  })

  it('keeps the inode over a rename, and counts links', async () => {
    const { vfs, dir } = await make()
    const a = await put(vfs, join(dir, 'a'), 'new')
    const b = await put(vfs, join(dir, 'b'), 'old')
    const { inode } = await a.stat()
    await vfs.rename(join(dir, 'a'), join(dir, 'b'))
    await vfs.syncDir(dir)
    expect(await vfs.readdir(dir)).toEqual(['b'])
    expect((await vfs.stat(join(dir, 'b')))?.inode).toBe(inode)
    expect((await b.stat()).links).toBe(0)
    expect(await text(b)).toBe('old')
    await vfs.unlink(join(dir, 'b'))
    expect(a.statSync().links).toBe(0)
    expect(await vfs.readdir(dir)).toEqual([])
    expect(await code(vfs.unlink(join(dir, 'b')))).toBe('ENOENT')
    expect(await code(vfs.rename(join(dir, 'b'), join(dir, 'c')))).toBe('ENOENT')
    await Promise.all([a.close(), b.close()])
  })

  it('changes times with the bytes', async () => {
    const { vfs, dir } = await make()
    const file = await put(vfs, join(dir, 'a'), 'one')
    const before = await file.stat()
    // The system's own clock moves in steps of a few milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 30))
    file.writeSync(bytes('two'), 0, 3, 0)
    const after = await file.stat()
    expect(after.mtimeNs > before.mtimeNs).toBe(true)
    expect(after.ctimeNs > before.ctimeNs).toBe(true)
    await file.chmod(0o644)
    expect((await file.stat()).mode).toBe(0o644)
    await file.chown(after.uid, after.gid)
    await file.close()
  })

  it('makes folders with their parents', async () => {
    const { vfs, dir } = await make()
    await vfs.mkdir(join(dir, 'x', 'y', 'z'))
    await vfs.mkdir(join(dir, 'x', 'y', 'z'))
    expect((await vfs.stat(join(dir, 'x', 'y', 'z')))?.type).toBe('directory')
    await (await put(vfs, join(dir, 'file'), '')).close()
    expect(await code(vfs.mkdir(join(dir, 'file')))).toBe('EEXIST')
    expect(await code(vfs.syncDir(join(dir, 'file')))).toBe('ENOTDIR')
    expect(await code(vfs.readdir(join(dir, 'none')))).toBe('ENOENT')
  })

  it('locks an open file against every other open file', async () => {
    const { vfs, dir } = await make()
    const path = join(dir, 'a')
    const first = await put(vfs, path, '')
    const second = await vfs.open(path, 'read')
    const third = await vfs.open(path, 'read')
    const lock = await vfs.lock(first)
    expect(lock).not.toBeNull()
    expect(await vfs.lock(second)).toBeNull()
    expect(await vfs.lock(second, true)).toBeNull()
    expect(await vfs.lock(first)).not.toBeNull()
    await vfs.rename(path, join(dir, 'b'))
    expect(await vfs.lock(second)).toBeNull()
    await lock?.release()
    expect(await vfs.lock(second, true)).not.toBeNull()
    expect(await vfs.lock(third, true)).not.toBeNull()
    expect(await vfs.lock(third)).toBeNull()
    await second.close()
    expect(await vfs.lock(third)).not.toBeNull()
    await third.close()
  })

  it('says who and where we are', async () => {
    const { vfs, dir } = await make()
    expect(vfs.host.pid).toBeGreaterThan(0)
    expect(vfs.host.hostname).not.toBe('')
    expect(vfs.host.bootId).not.toBe('')
    expect(vfs.randomHex(6)).toMatch(/^[0-9a-f]{12}$/)
    expect(vfs.randomHex(6)).not.toBe(vfs.randomHex(6))
    const free = await vfs.freeBytes(dir)
    expect(free === null || free > 0).toBe(true)
  })
})
