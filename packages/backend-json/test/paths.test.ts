import { execFileSync } from 'node:child_process'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Backend } from '@papyra/contracts'
import { nodeVfs } from '@papyra/filelog'
import { faultVfs, type Fault, type FaultCall } from '@papyra/filelog/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonBackend, type JsonBackendOptions } from '../src/index.js'

let dir: string
let path: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-paths-'))
  path = join(dir, 'shop.ndjson')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const members = '"system_id":"s","actor_address":null,"event_type":"t","payload":{}'
const fact = { kind: 'event', timestamp: 1_704_067_200_000, members } as const

async function filled(count = 5): Promise<void> {
  const store = await jsonBackend({ path }).open({ access: 'write', create: 'if-missing' })
  await store.begin()
  for (let i = 0; i < count; i++) await store.append([fact])
  await store.close()
}

function open(
  options: Partial<JsonBackendOptions> = {},
  access: 'read' | 'write' = 'write',
): Promise<Backend> {
  return jsonBackend({ path, ...options }).open({ access, waitLockMs: 0 })
}

describe('options', () => {
  test.each([
    [{}],
    [{ path: '' }],
    [{ path: 5 }],
    [{ path: 'a\0b' }],
    [{ path: '/data/' }],
    [{ path: 'a', ack: 'maybe' }],
    [{ path: 'a', maxRecordBytes: 0 }],
    [{ path: 'a', maxWaitingBytes: 1.5 }],
    [{ path: 'a', maxRecordByte: 10 }],
  ])('%j is refused', (options) => {
    expect(() => jsonBackend(options as JsonBackendOptions)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }) as Error,
    )
  })
})

describe('what is no log', () => {
  test('a missing store, a missing folder', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'store_not_found', details: { path } })
    await expect(open({}, 'read')).rejects.toMatchObject({ code: 'store_not_found' })
    const deep = join(dir, 'no', 'such', 'shop.ndjson')
    await expect(open({ path: deep })).rejects.toThrow(join(dir, 'no', 'such'))
  })

  test('a folder, a FIFO, a device', async () => {
    const fifo = join(dir, 'fifo')
    execFileSync('mkfifo', [fifo])
    for (const odd of [dir, fifo, '/dev/null']) {
      for (const access of ['read', 'write'] as const) {
        await expect(open({ path: odd }, access), odd).rejects.toMatchObject({ code: 'not_a_log' })
      }
      await expect(jsonBackend({ path: odd }).create?.()).rejects.toMatchObject({
        code: 'store_exists',
      })
    }
  })

  test('a file in the place of a folder', async () => {
    await writeFile(path, 'x')
    await expect(open({ path: join(path, 'log') })).rejects.toMatchObject({
      code: expect.stringMatching(/^(store_not_found|io_error)$/) as string,
    })
  })

  test('create refuses what is there, and makes missing folders', async () => {
    const deep = join(dir, 'a', 'b', 'shop.ndjson')
    const made = await jsonBackend({ path: deep }).create?.()
    expect(made?.logId).toMatch(/^[0-9a-f]{32}$/)
    await expect(jsonBackend({ path: deep }).create?.()).rejects.toMatchObject({
      code: 'store_exists',
    })
    await expect(
      jsonBackend({ path: deep }).open({ access: 'read', expectLogId: 'other' }),
    ).rejects.toMatchObject({
      code: 'wrong_log',
    })
    const reader = await jsonBackend({ path: deep }).open({
      access: 'read',
      expectLogId: made?.logId ?? '',
    })
    expect((await reader.scan()).clean).toBe(true)
    await reader.close()
  })
})

describe('links and modes', () => {
  test('a symbolic link is followed once, and stays one after a compaction', async () => {
    await filled()
    const linked = join(dir, 'link.ndjson')
    await symlink(path, linked)
    const store = await open({ path: linked })
    expect((await store.describe()).location).toBe(path)
    const other = await open({ path: linked }).catch((error: unknown) => error)
    expect(other).toMatchObject({ code: 'store_locked' })
    await store.compact({ policy: { maxRecords: 2 } })
    await store.close()
    expect((await stat(linked)).ino).toBe((await stat(path)).ino)
    expect((await readFile(path, 'utf8')).match(/"kind":"event"/g)).toHaveLength(2)
  })

  test('a log with two names takes appends, but is not replaced', async () => {
    await filled()
    await link(path, join(dir, 'second'))
    const store = await open()
    await expect(store.compact({ policy: { maxRecords: 2 } })).rejects.toMatchObject({
      code: 'unsupported',
    })
    await store.begin()
    await store.append([fact])
    await store.close()
  })

  test('mode and owner survive compaction and recovery', async () => {
    await filled()
    await chmod(path, 0o640)
    const store = await open()
    await store.compact({ policy: { maxRecords: 3 } })
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    await store.close()
    const bytes = await readFile(path)
    bytes[bytes.indexOf('{"seq":4') + 30] = 0
    await writeFile(path, bytes)
    const damaged = await open()
    await damaged.recover({ mode: 'repair', acceptLoss: true, force: true })
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect((await stat(`${path}.meta.json`)).mode & 0o777).toBe(0o640)
    await damaged.close()
  })
})

describe('a system that refuses', () => {
  const failing = (rule: (call: FaultCall) => Fault): Partial<JsonBackendOptions> => ({
    vfs: faultVfs(nodeVfs, rule),
  })

  test.each(['EACCES', 'EROFS', 'EMFILE'])('%s when the log is opened', async (error) => {
    await filled()
    const rule = (call: FaultCall): Fault =>
      call.op === 'open' && call.path === path ? { error } : null
    await expect(open(failing(rule))).rejects.toMatchObject({
      code: 'io_error',
      details: { errno: error },
    })
    await (await open()).close()
  })

  test('EROFS when the lock file is made: opening for writing fails, reading works', async () => {
    await filled()
    const rule = (call: FaultCall): Fault =>
      call.path.endsWith('.lock') && call.op === 'open' ? { error: 'EROFS' } : null
    await expect(open(failing(rule))).rejects.toMatchObject({ code: 'io_error' })
  })

  test('a full disk: the append is refused, and goes on when there is room', async () => {
    await filled()
    let full = false
    const rule = (call: FaultCall): Fault =>
      full && call.op === 'write' && call.path === path ? { short: 7, error: 'ENOSPC' } : null
    const store = await open(failing(rule))
    await store.begin()
    full = true
    await expect(store.append([fact])).rejects.toMatchObject({ code: 'write_failed' })
    full = false
    expect(await store.append([fact])).toEqual({ firstSeq: 6, lastSeq: 6 })
    expect((await store.scan()).anomalies).toEqual([])
    await store.close()
  })

  test('a disk without room for a copy: compaction refuses before it begins', async () => {
    await filled()
    const vfs = { ...nodeVfs, freeBytes: () => Promise.resolve(10) }
    const store = await open({ vfs })
    await expect(store.compact({ policy: { maxRecords: 2 } })).rejects.toMatchObject({
      code: 'io_error',
    })
    expect((await store.scan()).records).toBe(5)
    await store.close()
  })

  test('a quarantine folder that is a link or a file', async () => {
    await filled()
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from('{"se')]))
    const real = join(dir, 'real')
    await mkdir(real)
    await symlink(real, join(dir, 'linked'))
    const store = await open()
    for (const quarantineDir of [join(dir, 'linked'), path]) {
      await expect(store.recover({ mode: 'quarantine', quarantineDir })).rejects.toMatchObject({
        code: 'quarantine_failed',
      })
    }
    const report = await store.recover({ mode: 'quarantine', quarantineDir: real })
    expect(report.after?.clean).toBe(true)
    expect(report.keptAside[0]).toContain(real)
    await store.close()
  })
})
