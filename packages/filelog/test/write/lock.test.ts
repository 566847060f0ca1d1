import { manualClock } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'
import { everyFault, faultVfs, memVfs, type MemVfs } from '../../src/testing/index.js'
import { acquireLock } from '../../src/write/lock.js'
import { probeOwner, probeOwnerFacts } from '../../src/write/probe-owner.js'
import { outcome } from './queue-harness.js'

const LOG = '/shop.ndjson'
const clock = manualClock()
const now = { waitMs: 0, clock }

function machine(mode: number = 0o640): MemVfs {
  const vfs = memVfs()
  vfs.put(LOG, 'log\n', mode)
  return vfs
}

describe('acquireLock', () => {
  it('says who owns the store, in a file that looks like the log', async () => {
    const vfs = machine()
    const lock = await acquireLock(vfs, LOG, now)
    const { pid, hostname: host, bootId } = vfs.host
    const said = JSON.parse(vfs.bytes(`${LOG}.lock`).toString()) as object
    expect(said).toEqual({ pid, host, since: clock.now(), boot_id: bootId })
    expect((await vfs.stat(`${LOG}.lock`))?.mode).toBe(0o640)
    await lock.announce({ socket: '/run/x' })
    expect(await probeOwnerFacts(vfs.fork(), LOG)).toMatchObject({ pid, socket: '/run/x' })
    await lock.release()
    await lock.release()
    expect(vfs.bytes(`${LOG}.lock`).length).toBe(0)
    expect(await probeOwner(vfs, LOG)).toBeNull()
  })

  it('leaves the lock file to the owner of the log', async () => {
    const vfs = machine()
    await (await vfs.open(LOG, 'read-write')).chown(1000, 1001)
    await acquireLock(vfs, LOG, now)
    expect(await vfs.stat(`${LOG}.lock`)).toMatchObject({ uid: 1000, gid: 1001 })
  })

  it('is refused within one process, by any path to the log', async () => {
    const vfs = machine()
    vfs.special('/alias', 'symlink', LOG)
    const lock = await acquireLock(vfs, LOG, now)
    for (const path of [LOG, '/alias', '/./shop.ndjson']) {
      expect(await outcome(acquireLock(vfs, path, now))).toBe('store_locked')
    }
    await lock.release()
    const both = [acquireLock(vfs, LOG, now), acquireLock(vfs, '/alias', now)]
    expect((await Promise.all(both.map(outcome))).sort()).toEqual(['ok', 'store_locked'])
  })

  it('waits for an owner to go', async () => {
    const vfs = machine()
    const lock = await acquireLock(vfs, LOG, now)
    for (const other of [vfs, vfs.fork()]) {
      const waiting = acquireLock(other, LOG, { waitMs: 60_000, clock })
      await new Promise((resolve) => setTimeout(resolve, 120))
      await lock.release()
      await (await waiting).release()
    }
  })

  it('is free when the owner died, whatever the lock file says', async () => {
    const vfs = machine()
    await acquireLock(vfs, LOG, now)
    const next = vfs.kill()
    expect(next.bytes(`${LOG}.lock`).length).toBeGreaterThan(0)
    expect(await probeOwner(next, LOG)).toBeNull()
    await (await acquireLock(next, LOG, now)).release()
  })

  it('starts again if the lock file is removed while it is being locked', async () => {
    const inner = machine()
    const vfs = faultVfs(inner)
    let removed = 0
    vfs.rule = ({ op, nth }) => {
      if (op !== 'lock' || nth > 2) return null
      removed++
      void inner.unlink(`${LOG}.lock`)
      return null
    }
    const lock = await acquireLock(vfs, LOG, now)
    expect(removed).toBe(3)
    expect(await outcome(acquireLock(inner.fork(), LOG, now))).toBe('store_locked')
    await lock.release()
  })

  it('locks the log itself too, and its next inode', async () => {
    const vfs = machine()
    const lock = await acquireLock(vfs, LOG, now)
    const file = await vfs.open(LOG, 'read-write')
    await lock.lockLog(file)
    await vfs.unlink(`${LOG}.lock`)
    const other = vfs.fork()
    const second = await acquireLock(other, LOG, now)
    const same = await other.open(LOG, 'read-write')
    expect(await outcome(second.lockLog(same))).toBe('store_locked')
    await second.release()
    await same.close()
    expect(await probeOwner(other, LOG)).toEqual({ pid: null, host: null, since: null })
    const next = await vfs.open(`${LOG}.next`, 'create')
    await lock.lockLog(next)
    await vfs.rename(`${LOG}.next`, LOG)
    await file.close()
    expect(await probeOwner(other, LOG)).not.toBeNull()
    expect(await outcome(lock.lockLog(await vfs.open(LOG, 'read')))).toBe('store_locked')
    await next.close()
    expect(await probeOwner(other, LOG)).toBeNull()
  })

  it('notices a log that was replaced before it was locked', async () => {
    const vfs = machine()
    const lock = await acquireLock(vfs, LOG, now)
    const file = await vfs.open(LOG, 'read-write')
    vfs.put('/new', 'new')
    await vfs.rename('/new', LOG)
    expect(await outcome(lock.lockLog(file))).toBe('store_replaced')
  })

  it('holds on a full disk, where the name of the owner finds no room', async () => {
    const vfs = machine()
    vfs.capacity = 4
    const lock = await acquireLock(vfs, LOG, now)
    expect(await outcome(acquireLock(vfs.fork(), LOG, now))).toBe('store_locked')
    expect(await probeOwner(vfs.fork(), LOG)).toEqual({ pid: null, host: null, since: null })
    await lock.release()
  })

  it('refuses a lock file that is none', async () => {
    const vfs = machine()
    vfs.special(`${LOG}.lock`, 'other')
    expect(await outcome(acquireLock(vfs, LOG, now))).toBe('io_error')
    await vfs.unlink(`${LOG}.lock`)
    vfs.special(`${LOG}.lock`, 'symlink', LOG)
    expect(await outcome(acquireLock(vfs, LOG, now))).toBe('io_error')
    expect(vfs.bytes(LOG).toString()).toBe('log\n')
  })

  it('is nobody’s when taking it fails in any way', async () => {
    const runs = await everyFault(
      machine,
      async (vfs, sound, context) => {
        const took = await acquireLock(vfs, LOG, now).then(
          (lock) => lock.release(),
          (error: { code: string }) => error.code,
        )
        if (took !== undefined) expect(['io_error', 'EIO'], context?.description).toContain(took)
        const again = await acquireLock(sound, LOG, now)
        await again.release()
      },
      { faults: [{ error: 'EIO' }], modes: ['once'] },
    )
    expect(runs).toBeGreaterThan(8)
  })
})

describe('probeOwner', () => {
  it('changes nothing, and needs no lock file', async () => {
    const vfs = machine()
    const ops = vfs.ops
    expect(await probeOwner(vfs, LOG)).toBeNull()
    expect(await probeOwner(vfs, '/nothing')).toBeNull()
    expect(vfs.ops).toBe(ops)
    const lock = await acquireLock(vfs, LOG, now)
    const before = vfs.ops
    const other = vfs.fork()
    const both = await Promise.all([probeOwner(other, LOG), probeOwner(vfs, LOG)])
    expect(both[0]).toEqual({ pid: vfs.host.pid, host: 'machine', since: clock.now() })
    expect(both[1]).toEqual(both[0])
    expect(vfs.ops).toBe(before)
    await lock.release()
  })

  it('sees the owner through the log where the lock file may not be read', async () => {
    const inner = machine()
    const lock = await acquireLock(inner, LOG, now)
    const file = await inner.open(LOG, 'read')
    await lock.lockLog(file)
    const vfs = faultVfs(inner.fork(), ({ op, path }) =>
      op === 'open' && path.endsWith('.lock') ? { error: 'EACCES' } : null,
    )
    expect(await probeOwner(vfs, LOG)).toEqual({ pid: null, host: null, since: null })
    vfs.rule = ({ op }) => (op === 'open' ? { error: 'EACCES' } : null)
    expect(await outcome(probeOwner(vfs, LOG))).toBe('unreadable')
  })
})
