import { PapyraError } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { createSegmentStore, openSegmentStore } from '../../src/index.js'
import { segmentsOwner } from '../../src/segments/owner.js'
import { cutAt, lineRanges, memVfs, type MemVfs } from '../../src/testing/index.js'
import { create, DIR, facts, filled, manifestOf, open, readAll, segmentPaths } from './support.js'

const THREE = { seal: { maxRecords: 3 } } as const

async function eight(close: boolean = true): Promise<MemVfs> {
  const vfs = memVfs()
  await filled(vfs, 8, { open: THREE, close })
  return vfs
}

describe('what is a store', () => {
  test('no folder, an empty one, one with other files: none', async () => {
    const vfs = memVfs()
    await expect(open(vfs)).rejects.toMatchObject({
      code: 'store_not_found',
      details: { path: DIR },
    })
    await vfs.mkdir(DIR)
    vfs.put(`${DIR}/notes.txt`, 'x')
    for (const access of ['read', 'write'] as const) {
      await expect(open(vfs, { access })).rejects.toMatchObject({ code: 'store_not_found' })
    }
    await expect(open(vfs, { access: 'read', create: 'if-missing' })).rejects.toMatchObject({
      code: 'store_not_found',
    })
    const store = await open(vfs, { create: 'if-missing' })
    await store.begin()
    await store.append(facts(1, 1))
    await store.close()
    expect(vfs.bytes(`${DIR}/notes.txt`).toString()).toBe('x')
  })

  test('nothing is made beside files that look like segments', async () => {
    const vfs = memVfs()
    await vfs.mkdir(DIR)
    vfs.put(`${DIR}/old.ndjson`, 'x')
    await expect(create(vfs)).rejects.toMatchObject({ code: 'store_exists' })
    await expect(open(vfs, { create: 'if-missing' })).rejects.toMatchObject({
      code: 'store_exists',
      details: { path: DIR, found: `${DIR}/old.ndjson` },
    })
    await expect(open(vfs)).rejects.toMatchObject({ code: 'store_not_found' })
    expect((await vfs.readdir(DIR)).sort()).toEqual(['old.ndjson', 'store.lock'])
  })

  test('a file, a pipe: not_a_log', async () => {
    const vfs = memVfs()
    await vfs.mkdir('/data')
    vfs.put(DIR, 'x')
    await expect(open(vfs)).rejects.toMatchObject({ code: 'not_a_log', details: { path: DIR } })
    await expect(create(vfs)).rejects.toMatchObject({ code: 'not_a_log' })
    vfs.special('/data/pipe', 'other')
    await expect(
      openSegmentStore(vfs, '/data/pipe', { backend: 'rotation', access: 'read' }),
    ).rejects.toMatchObject({ code: 'not_a_log' })
  })

  test('a link to the folder is followed', async () => {
    const vfs = await eight()
    vfs.special('/data/link', 'symlink', DIR)
    const store = await openSegmentStore(vfs, '/data/link', { backend: 'rotation', access: 'read' })
    expect(store.path).toBe(DIR)
    await store.close()
  })

  test('without its manifest it is a damaged store, and no new one is made there', async () => {
    const vfs = await eight()
    const { logId } = manifestOf(vfs)
    await vfs.unlink(`${DIR}/manifest.json`)
    await expect(createSegmentStore(vfs, DIR)).rejects.toMatchObject({ code: 'store_exists' })
    const store = await open(vfs, { create: 'if-missing', expectLogId: logId })
    expect((await store.scan()).clean).toBe(false)
    expect((await store.describe()).logId).toBe(logId)
    expect((await store.describe()).segments).toHaveLength(3)
    await expect(store.begin()).rejects.toMatchObject({ code: 'anomalies_found' })
    await expect(store.begin({ onDamage: 'set_tail_aside' })).rejects.toMatchObject({
      code: 'anomalies_found',
    })
    await store.close()
  })

  test('the first segment alone, without a record, is a creation that was killed', async () => {
    const vfs = memVfs()
    await create(vfs)
    await vfs.unlink(`${DIR}/manifest.json`)
    await expect(open(vfs)).rejects.toMatchObject({ code: 'store_not_found' })
    const torn = vfs.clone()
    torn.put(segmentAt(1), Buffer.alloc(30))
    for (const half of [vfs, torn]) {
      await create(half)
      const store = await open(half)
      expect((await store.scan()).anomalies).toEqual([])
      await store.close()
    }
  })

  test('but with a record, or a mark that tells of one, it is a store', async () => {
    const vfs = memVfs()
    await filled(vfs, 2)
    await vfs.unlink(`${DIR}/manifest.json`)
    const cut = vfs.clone()
    const bytes = cut.bytes(segmentAt(1))
    cut.put(segmentAt(1), cutAt(bytes, lineRanges(bytes)[0]?.[1] ?? 0))
    for (const damaged of [vfs, cut]) {
      await expect(create(damaged)).rejects.toMatchObject({ code: 'store_exists' })
      await (await open(damaged)).close()
    }
  })

  test('expectLogId', async () => {
    const vfs = await eight()
    const { logId } = manifestOf(vfs)
    await (await open(vfs, { expectLogId: logId })).close()
    for (const access of ['read', 'write'] as const) {
      await expect(open(vfs, { access, expectLogId: 'x' })).rejects.toMatchObject({
        code: 'wrong_log',
        details: { expected: 'x', found: logId },
      })
    }
    // What was refused holds nothing.
    await (await open(vfs)).close()
  })
})

const segmentAt = (seq: number): string => `${DIR}/${String(seq).padStart(20, '0')}-00000001.ndjson`

describe('ownership', () => {
  test('one owner; the second is told who it is, also when the lock file was deleted', async () => {
    const vfs = await eight()
    const store = await open(vfs)
    const other = vfs.fork()
    const { pid } = vfs.host
    await expect(open(other)).rejects.toMatchObject({
      code: 'store_locked',
      details: { path: DIR, pid },
    })
    await vfs.unlink(`${DIR}/store.lock`)
    await expect(open(other)).rejects.toMatchObject({ code: 'store_locked' })
    expect(await segmentsOwner(other, DIR)).not.toBeNull()
    await store.close()
    expect(await segmentsOwner(other, DIR)).toBeNull()
    await (await open(other)).close()
  })

  test('a new lock file, and a new segment, have the mode and owner of the manifest', async () => {
    const vfs = await eight()
    await vfs.unlink(`${DIR}/store.lock`)
    for (const path of [`${DIR}/manifest.json`, segmentAt(7)]) {
      const file = await vfs.open(path, 'read-write')
      await file.chown(33, 44)
      await file.chmod(0o640)
      await file.close()
    }
    const store = await open(vfs, THREE)
    await store.begin()
    await store.append(facts(9, 2))
    await store.close()
    const looks = { mode: 0o640, uid: 33, gid: 44 }
    for (const path of ['/manifest.json', '/store.lock']) {
      expect(await vfs.stat(DIR + path), path).toMatchObject(looks)
    }
    expect(await vfs.stat(segmentPaths(vfs).at(-1) ?? '')).toMatchObject(looks)
  })

  test('a reader writes nothing, and sees what another process appends', async () => {
    const vfs = await eight()
    const store = await open(vfs, THREE)
    await store.begin()
    await store.append(facts(9, 1))
    const reader = await open(vfs.fork(), { access: 'read' })
    const before = vfs.ops
    const seen = await reader.describe()
    expect(seen).toMatchObject({ lastSeq: 9, clean: false, owner: { pid: vfs.host.pid } })
    expect(seen.segments?.map(({ records }) => records)).toEqual([3, 3, 3])
    expect(seen.metrics.totals).toMatchObject({ recordsStored: 9, recordsWritten: 9 })
    expect(seen.bytes).toBe((await store.describe()).bytes)
    await expect(reader.append(facts(1, 1))).rejects.toMatchObject({ code: 'read_only' })
    await expect(reader.begin()).rejects.toMatchObject({ code: 'read_only' })
    expect(vfs.ops).toBe(before)
    await reader.close()
    await store.close()
  })

  test('where there are no locks it can be read, but not owned', async () => {
    const vfs = await eight()
    Object.assign(vfs, {
      lock: () => Promise.reject(new PapyraError('lock_unavailable', 'There is no flock.')),
    })
    const reader = await open(vfs, { access: 'read' })
    expect(await readAll(reader)).toHaveLength(8)
    expect((await reader.describe()).owner).toBeNull()
    await expect(open(vfs)).rejects.toMatchObject({ code: 'lock_unavailable' })
  })
})
