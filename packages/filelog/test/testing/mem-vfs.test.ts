import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemInode } from '../../src/testing/mem-inode.js'
import {
  type CrashContext,
  everyCrash,
  everyOmittedSync,
  isSync,
  memVfs,
  type MemVfs,
} from '../../src/testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (vfs: MemVfs, path: string): string => vfs.bytes(path).toString()
const exhaustive = { exhaustiveUpTo: 10_000 }

/** Every content that a file may have after a power cut; `null` where it is gone. */
async function contents(vfs: MemVfs, path: string): Promise<Set<string | null>> {
  const found = new Set<string | null>()
  for (const { vfs: after } of vfs.crashStates(exhaustive)) {
    found.add((await after.stat(path)) === null ? null : read(after, path))
  }
  return found
}

async function withFile(text: string): Promise<MemVfs> {
  const vfs = memVfs()
  vfs.put('/log', text)
  return vfs
}

describe('what a power cut leaves', () => {
  it('keeps what was synced and nothing else for certain', async () => {
    const vfs = memVfs()
    const file = await vfs.open('/log', 'create')
    file.writeSync(bytes('abcd'), 0, 4, 0)
    expect(await contents(vfs, '/log')).toEqual(
      new Set([null, '', 'abcd', 'ab', 'ab\0\0', '\0\0cd', '\0\0\0\0']),
    )
    await file.datasync()
    expect(await contents(vfs, '/log')).toEqual(new Set([null, 'abcd']))
    await vfs.syncDir('/')
    expect(await contents(vfs, '/log')).toEqual(new Set(['abcd']))
  })

  it('mixes old, new and zero bytes of an overwritten place', async () => {
    const vfs = await withFile('abcd')
    const file = await vfs.open('/log', 'read-write')
    file.writeSync(bytes('EFGH'), 0, 4, 0)
    expect(await contents(vfs, '/log')).toEqual(
      new Set(['abcd', 'EFGH', 'EFcd', 'abGH', 'EF\0\0', '\0\0\0\0']),
    )
  })

  it('may lose an earlier write and keep a later one', async () => {
    const vfs = await withFile('')
    const file = await vfs.open('/log', 'read-write')
    file.writeSync(bytes('a'), 0, 1, 0)
    file.writeSync(bytes('b'), 0, 1, 1)
    const found = await contents(vfs, '/log')
    expect([...found].sort()).toEqual(['', '\0', '\0\0', '\0b', 'a', 'a\0', 'ab'])
  })

  it('may undo a truncation that was not synced', async () => {
    const vfs = await withFile('abcd')
    await (await vfs.open('/log', 'read-write')).truncate(1)
    expect(await contents(vfs, '/log')).toEqual(new Set(['abcd', 'a']))
  })

  it('may undo a rename, but shows the old or the new file', async () => {
    const vfs = await withFile('old')
    const file = await vfs.open('/tmp', 'create')
    file.writeSync(bytes('new'), 0, 3, 0)
    await file.sync()
    await vfs.rename('/tmp', '/log')
    expect(await contents(vfs, '/log')).toEqual(new Set(['old', 'new']))
    await vfs.syncDir('/')
    expect(await contents(vfs, '/log')).toEqual(new Set(['new']))
    await vfs.unlink('/log')
    expect(await contents(vfs, '/log')).toEqual(new Set([null, 'new']))
  })

  it('boots again: another boot id, and everything that is left is durable', async () => {
    const vfs = await withFile('old')
    const file = await vfs.open('/log', 'read-write')
    file.writeSync(bytes('x'), 0, 1, 0)
    for (const { vfs: after } of vfs.crashStates()) {
      expect(after.host.bootId).not.toBe(vfs.host.bootId)
      expect((await contents(after, '/log')).size).toBe(1)
    }
  })

  it('gives the same samples for the same seed, other ones for another', async () => {
    const vfs = await withFile('')
    const file = await vfs.open('/log', 'read-write')
    for (let i = 0; i < 20; i++) file.writeSync(bytes(`line ${i}\n`), 0, 7, i * 7)
    const run = (seed: number): string[] =>
      [...vfs.crashStates({ seed, samples: 50 })].map((state) => read(state.vfs, '/log'))
    expect(run(7)).toEqual(run(7))
    expect(run(7)).not.toEqual(run(8))
    expect(new Set(run(7)).size).toBeGreaterThan(40)
  })

  it('leaves the machine that it copies alone', async () => {
    const vfs = await withFile('abcd')
    const file = await vfs.open('/log', 'read-write')
    file.writeSync(bytes('xy'), 0, 2, 0)
    for (const { vfs: after } of vfs.crashStates(exhaustive)) {
      const other = await after.open('/log', 'read-write')
      other.writeSync(bytes('zzzzzz'), 0, 6, 0)
    }
    expect(read(vfs, '/log')).toBe('xycd')
    expect((await contents(vfs, '/log')).size).toBe(6)
  })
})

describe('undoing unsynced operations', () => {
  it('gives the synced bytes back, whatever was done', () => {
    const op = fc.oneof(
      fc.record({ at: fc.nat(40), data: fc.uint8Array({ maxLength: 20 }) }),
      fc.record({ size: fc.nat(60) }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.array(op), (synced, ops) => {
        const inode = new MemInode(5n, 'file', 0o600, 0n)
        inode.load(synced)
        let model = Buffer.from(synced)
        for (const o of ops) {
          if ('size' in o) {
            inode.truncate(o.size)
            const longer = Buffer.alloc(o.size)
            model.copy(longer, 0, 0, o.size)
            model = longer
          } else {
            inode.write(o.data, o.at)
            const longer = Buffer.alloc(
              o.data.length === 0 ? model.length : Math.max(model.length, o.at + o.data.length),
            )
            model.copy(longer)
            longer.set(o.data, o.data.length === 0 ? 0 : o.at)
            model = longer
          }
          expect(inode.content()).toEqual(model)
        }
        while (inode.pending.length > 0) inode.undo()
        expect(inode.content()).toEqual(Buffer.from(synced))
      }),
    )
  })
})

describe('processes of one machine', () => {
  it('ends with its locks and leaves its bytes', async () => {
    const vfs = await withFile('')
    const file = await vfs.open('/log', 'read-write')
    expect(await vfs.lock(file)).not.toBeNull()
    file.writeSync(bytes('abc'), 0, 3, 0)
    const other = vfs.fork()
    const same = await other.open('/log', 'read-write')
    expect(await other.lock(same)).toBeNull()
    const next = vfs.kill()
    expect(await other.lock(same)).not.toBeNull()
    expect(read(next, '/log')).toBe('abc')
    expect(next.host.bootId).toBe(vfs.host.bootId)
    expect(next.host.pid).not.toBe(vfs.host.pid)
    await expect(vfs.stat('/log')).rejects.toThrow('killed')
    expect(() => file.writeSync(bytes('x'), 0, 1, 0)).toThrow(/EBADF/)
  })

  it('is full when it is full', async () => {
    const vfs = await withFile('abc')
    vfs.capacity = 6
    const file = await vfs.open('/log', 'read-write')
    expect(await vfs.freeBytes('/')).toBe(3)
    expect(file.writeSync(bytes('xxxxxx'), 0, 6, 2)).toBe(4)
    expect(() => file.writeSync(bytes('y'), 0, 1, 6)).toThrow(/ENOSPC/)
    expect(file.writeSync(bytes('zz'), 0, 2, 0)).toBe(2)
    vfs.capacity = 7
    expect(file.writeSync(bytes('y'), 0, 1, 6)).toBe(1)
    expect(read(vfs, '/log')).toBe('zzxxxxy')
  })
})

/** Puts `new` in place of `old` the way it should be done. */
async function replace(vfs: MemVfs, say: (done: boolean) => void): Promise<void> {
  const file = await vfs.open('/log.tmp', 'create')
  await file.write(bytes('new'), 0, 3, 0)
  await file.sync()
  await file.close()
  await vfs.rename('/log.tmp', '/log')
  await vfs.syncDir('/')
  say(true)
}

async function checkReplaced(vfs: MemVfs, { witness }: CrashContext<boolean>): Promise<void> {
  expect(witness === true ? ['new'] : ['old', 'new']).toContain(read(vfs, '/log'))
}

describe('everyCrash', () => {
  it('stops at every operation, half-way through writes, and at the end', async () => {
    const start = await withFile('old')
    const report = await everyCrash(replace, checkReplaced, { start })
    expect(report.ops.map((op) => op.name)).toEqual([
      'create',
      'write',
      'sync',
      'rename',
      'syncDir',
    ])
    expect(report.moments).toBe(7)
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(15)
    expect(read(start, '/log')).toBe('old')
  })

  it('notices each sync that is left out', async () => {
    const start = await withFile('old')
    const result = await everyOmittedSync(replace, checkReplaced, { start })
    expect(result).toEqual({ syncs: 2, unnoticed: [] })
  })

  it('finds the empty file that a rename without a sync leaves, and says how', async () => {
    const start = await withFile('old')
    const omit = (op: { name: string }): boolean => op.name === 'sync'
    const report = await everyCrash(replace, checkReplaced, { start, omit, maxFailures: 1 })
    expect(report.failures).toHaveLength(1)
    expect(report.failures[0]?.description).toContain('power cut before syncDir')
    expect(report.ops.filter(isSync)).toHaveLength(2)
  })
})
