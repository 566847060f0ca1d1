import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { manualClock } from '@papyra/contracts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rotationBackend, type RotationBackendOptions } from '../src/index.js'

let folder: string
let dir: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'papyra-rotation-'))
  dir = join(folder, 'shop')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const members = '"system_id":"s","actor_address":null,"event_type":"t","payload":{}'
const fact = { kind: 'event', timestamp: 1_704_067_200_000, members } as const

describe('options', () => {
  test.each([
    [null],
    [{}],
    [{ dir: '' }],
    [{ dir: 5 }],
    [{ dir: 'a\0b' }],
    [{ dir: 'a', path: 'b' }],
    [{ dir: 'a', ack: 'maybe' }],
    [{ dir: 'a', maxRecordBytes: 0 }],
    [{ dir: 'a', maxWaitingBytes: 1.5 }],
    [{ dir: 'a', segment: 5 }],
    [{ dir: 'a', segment: null }],
    [{ dir: 'a', segment: { maxByte: 5 } }],
    [{ dir: 'a', segment: { maxBytes: 0 } }],
    [{ dir: 'a', segment: { maxAgeSeconds: -1 } }],
    [{ dir: 'a', segment: { maxRecords: '10' } }],
    [{ dir: 'a', segment: { maxRecords: Number.NaN } }],
  ])('%j is refused', (options) => {
    expect(() => rotationBackend(options as RotationBackendOptions)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }) as Error,
    )
  })

  test('say what the backend is and where', () => {
    const definition = rotationBackend({ dir: `${relative(process.cwd(), dir)}/` })
    expect(definition).toMatchObject({
      name: 'rotation',
      location: dir,
      capabilities: { onlineCompaction: true, plans: true, ackLevels: ['flushed', 'durable'] },
    })
  })

  test('limits of a segment: records, seconds, bytes', async () => {
    const clock = manualClock()
    const shape = async (segment: RotationBackendOptions['segment']): Promise<unknown> => {
      const at = join(folder, Object.keys(segment ?? { none: 0 }).join())
      const store = await rotationBackend({ dir: at, clock, ...(segment && { segment }) }).open({
        ...{ access: 'write', create: 'if-missing' },
      })
      await store.begin()
      for (let i = 0; i < 6; i++) {
        await store.append([fact])
        clock.advance(1000)
      }
      const { segments } = await store.describe()
      await store.close()
      return segments?.map(({ records }) => records)
    }
    expect(await shape(undefined)).toEqual([6])
    expect(await shape({ maxRecords: 4 })).toEqual([4, 2])
    expect(await shape({ maxAgeSeconds: 3 })).toEqual([3, 3])
    expect(await shape({ maxBytes: 600 })).toEqual([2, 2, 2])
  })
})

describe('the folder', () => {
  test('a missing store, a file, a folder with other files', async () => {
    const missing = rotationBackend({ dir }).open({ access: 'write' })
    await expect(missing).rejects.toMatchObject({ code: 'store_not_found', details: { path: dir } })
    await writeFile(join(folder, 'file'), 'x')
    const file = rotationBackend({ dir: join(folder, 'file') })
    for (const access of ['read', 'write'] as const) {
      await expect(file.open({ access })).rejects.toMatchObject({ code: 'not_a_log' })
    }
    await expect(file.create?.()).rejects.toMatchObject({ code: 'not_a_log' })
    await mkdir(dir)
    await writeFile(join(dir, 'notes.txt'), 'x')
    await expect(rotationBackend({ dir }).open({ access: 'read' })).rejects.toMatchObject({
      code: 'store_not_found',
    })
  })

  test('create makes missing folders, refuses what is there, and gives the id', async () => {
    const deep = join(folder, 'a', 'b', 'shop')
    const made = await rotationBackend({ dir: deep }).create?.()
    expect(made?.logId).toMatch(/^[0-9a-f]{32}$/)
    expect((await readdir(deep)).sort()).toEqual([
      '00000000000000000001-00000001.ndjson',
      '00000000000000000001-00000001.ndjson.mark',
      'manifest.json',
      'store.lock',
    ])
    await expect(rotationBackend({ dir: deep }).create?.()).rejects.toMatchObject({
      code: 'store_exists',
    })
    const wrong = rotationBackend({ dir: deep }).open({ access: 'read', expectLogId: 'other' })
    await expect(wrong).rejects.toMatchObject({ code: 'wrong_log' })
    const how = { access: 'read', expectLogId: made?.logId ?? '' } as const
    const reader = await rotationBackend({ dir: deep }).open(how)
    expect((await reader.scan()).clean).toBe(true)
    await reader.close()
  })

  test('a second owner is refused, by whatever name it comes', async () => {
    const link = join(folder, 'link')
    await symlink(dir, link)
    await mkdir(dir)
    const store = await rotationBackend({ dir }).open({ access: 'write', create: 'if-missing' })
    const second = rotationBackend({ dir: link }).open({ access: 'write', waitLockMs: 0 })
    await expect(second).rejects.toMatchObject({
      code: 'store_locked',
      details: { path: dir, pid: process.pid },
    })
    const reader = await rotationBackend({ dir: link }).open({ access: 'read' })
    expect((await reader.describe()).owner).toMatchObject({ pid: process.pid })
    await reader.close()
    await store.close()
  })
})
