import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { AccountsFile } from '../../src/write/accounts-file.js'
import type { Vfs } from '../../src/vfs.js'
import { everyCrash, everyOmittedSync, type CrashContext } from '../../src/testing/every-crash.js'
import { memVfs, type MemVfs } from '../../src/testing/mem-vfs.js'

const LOG = '/data/shop.ndjson'

async function machine(): Promise<MemVfs> {
  const vfs = memVfs()
  await vfs.mkdir('/data')
  return vfs
}

async function textOf(vfs: Vfs): Promise<string | null> {
  const kept = await new AccountsFile(vfs, LOG).read()
  return kept === null || kept === 'damaged' ? kept : kept.text
}

interface Witness {
  readonly synced: number
  readonly put: number
}

/** Two owners put texts, several between two syncs; the first one is killed before its last sync. */
async function scenario(vfs: Vfs, say: (witness: Witness) => void): Promise<void> {
  let put = 0
  for (let run = 0; run < 2; run++) {
    const file = new AccountsFile(vfs, LOG)
    await file.open()
    for (let synced = run === 0 ? 0 : put - 1; put < 5 * (run + 1); synced = put) {
      for (let i = 0; i < 2; i++) {
        put += 1
        say({ synced, put })
        file.put(`{"n":${put}}`)
      }
      await file.sync()
      say({ synced: put, put })
    }
    if (run > 0) {
      await file.close()
      continue
    }
    put += 1
    say({ synced: put - 1, put })
    file.put(`{"n":${put}}`)
  }
}

async function check(vfs: MemVfs, { witness }: CrashContext<Witness>): Promise<void> {
  const text = await textOf(vfs)
  const { synced, put } = witness ?? { synced: 0, put: 0 }
  const n = text === null ? 0 : (JSON.parse(text) as { n: number }).n
  expect(n).toBeGreaterThanOrEqual(synced)
  expect(n).toBeLessThanOrEqual(put)
}

test('whenever the machine stops, the last synced text or a newer one is read', async () => {
  const start = await machine()
  const report = await everyCrash(scenario, check, { start })
  expect(report.failures).toEqual([])
  expect(report.states).toBeGreaterThan(50)
})

test('that test notices when a sync is left out', async () => {
  const start = await machine()
  const { syncs, unnoticed } = await everyOmittedSync(scenario, check, { start })
  expect(syncs).toBeGreaterThan(7)
  // The sync of the first opening: the file has just been made, and is synced.
  expect(unnoticed.map(({ name }) => name)).toEqual(['datasync'])
})

test('what was put is there at once, for other processes and after this one is gone', async () => {
  const vfs = await machine()
  const file = new AccountsFile(vfs, LOG)
  expect(await textOf(vfs)).toBeNull()
  await file.open()
  expect(await textOf(vfs)).toBeNull()
  for (const text of ['{}', '{"n":1}', `{"long":"${'x'.repeat(880)}"}`]) {
    file.put(text)
    expect(await textOf(vfs)).toBe(text)
  }
  expect(() => file.put('x'.repeat(1000))).toThrow('too long')
  expect(() => file.put('a\nb')).toThrow('too long')
  await file.close()
  await file.close()
  expect(() => file.put('{}')).toThrow('not open')
})

test('each changed bit is found: the other slot, or damage, is told', async () => {
  const vfs = await machine()
  const file = new AccountsFile(vfs, LOG)
  await file.open()
  file.put('{"n":1}')
  await file.sync()
  file.put('{"n":2}')
  await file.close()
  const path = `${LOG}.accounts`
  const opened = await vfs.open(path, 'read-write')
  const sound = Buffer.alloc(2048)
  await opened.read(sound, 0, 2048, 0)
  for (let at = 0; at < 2048; at += 7) {
    const changed = Buffer.from(sound)
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at)
    await opened.write(changed, 0, 2048, 0)
    // The newer text, of turn 2, is in the first slot.
    expect(await textOf(vfs)).toBe(at < 1024 ? '{"n":1}' : '{"n":2}')
  }
  await opened.write(Buffer.alloc(2048), 0, 2048, 0)
  expect(await textOf(vfs)).toBe('damaged')
  await opened.truncate(100)
  expect(await textOf(vfs)).toBe('damaged')
  await opened.close()
  await file.open()
  file.put('{"n":3}')
  expect(await textOf(vfs)).toBe('{"n":3}')
})

test('a write that fails leaves the last text, and the next one is tried at the same place', async () => {
  const vfs = await machine()
  let full = false
  const instead = <T extends object>(target: T, own: Partial<T>): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(name in own ? own : target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  const failing = instead<Vfs>(vfs, {
    async open(...args) {
      const opened = await vfs.open(...args)
      return instead(opened, {
        writeSync(...bytes) {
          if (full) throw Object.assign(new Error('no'), { code: 'EIO' })
          return opened.writeSync(...bytes)
        },
      })
    },
  })
  const file = new AccountsFile(failing, LOG)
  await file.open()
  file.put('{"n":1}')
  await file.sync()
  full = true
  for (let i = 0; i < 3; i++) {
    expect(() => file.put('{"n":2}')).toThrow(expect.objectContaining({ code: 'io_error' }))
    expect(await textOf(vfs)).toBe('{"n":1}')
  }
  full = false
  file.put('{"n":3}')
  expect(await textOf(vfs)).toBe('{"n":3}')
})
