import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  createSegmentStore,
  nodeVfs,
  openSegmentStore,
  type SegmentStore,
  type Vfs,
} from '../../src/index.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { wrapped } from './compact-support.js'
import { create, DIR, facts, manifestOf, open } from './support.js'

const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

/** Each record is a segment of its own. */
const EACH = { maxRecords: 1 }

/** A file system on which something happens whenever a file was opened to be read, and what was opened. */
function disturbed(vfs: Vfs, happens: () => Promise<void>): { vfs: Vfs; opened: string[] } {
  const opened: string[] = []
  const openFile: Vfs['open'] = async (path, flag, mode) => {
    const file = await vfs.open(path, flag, mode)
    opened.push(path)
    await happens()
    return file
  }
  return { vfs: wrapped(vfs, { open: openFile }), opened }
}

async function living(count: number): Promise<{ vfs: MemVfs; store: SegmentStore }> {
  const vfs = memVfs()
  await create(vfs)
  const store = await open(vfs, { seal: EACH })
  await store.begin()
  for (let n = 1; n <= count; n++) await store.append(facts(n, 1))
  return { vfs, store }
}

const manifests = (opened: readonly string[]): number =>
  opened.filter((path) => path.endsWith('manifest.json')).length

describe('a scan by another process', () => {
  test('while a segment is sealed each time it opens a file: comes to its end at once', async () => {
    const { vfs, store } = await living(30)
    let n = 30
    const seals = async (): Promise<void> => void (await store.append(facts(++n, 1)))
    const beside = disturbed(vfs.fork(), seals)
    const other = await open(beside.vfs, { access: 'read' })
    const report = await other.scan()
    expect(report.anomalies).toEqual([])
    expect(report).toMatchObject({ clean: true, coverage: 'full', unread: null })
    expect(report.records).toBeGreaterThanOrEqual(30)
    const twice = beside.opened.filter((path, i) => beside.opened.indexOf(path) !== i)
    expect(manifests(beside.opened)).toBeLessThan(8)
    expect(twice.filter((path) => path.endsWith('.ndjson')).length).toBeLessThan(6)
    expect(n).toBeGreaterThan(60)
    await other.close()
    await store.close()
  })

  test('while a segment is rewritten or dropped each time: what it could not see it says', async () => {
    const { vfs, store } = await living(40)
    let turn = 0
    const compacts = async (): Promise<void> => {
      turn++
      const sealed = (await store.view()).segments.filter(({ state }) => state === 'sealed')
      const segment = sealed[turn % sealed.length]
      if (segment === undefined || sealed.length < 3) return
      const plan = async () => ({ verdicts: [{ segment, action: 'drop' as const }], dropped: [] })
      await store.compact({ plan, trigger: 'request' })
    }
    const beside = disturbed(vfs.fork(), compacts)
    const other = await open(beside.vfs, { access: 'read' })
    const report = await other.scan()
    expect(report.anomalies).toEqual([])
    expect(report.coverage === 'full').toBe(report.unread === null)
    if (report.unread !== null) expect(report.unread.files).toBeGreaterThan(0)
    expect(manifests(beside.opened)).toBeLessThan(60)
    await other.close()
    await store.close()
  })

  test('names real damage all the same, once, however fast the owner goes on', async () => {
    const { vfs, store } = await living(20)
    const [entry] = manifestOf(vfs).segments.slice(4)
    const path = `${DIR}/${String(entry?.firstSeq).padStart(20, '0')}-00000001.ndjson`
    const bytes = Buffer.from(vfs.bytes(path))
    bytes[bytes.length - 50] = (bytes[bytes.length - 50] as number) ^ 1
    vfs.put(path, bytes)
    let n = 20
    const seals = async (): Promise<void> => void (await store.append(facts(++n, 1)))
    const beside = disturbed(vfs.fork(), seals)
    const other = await open(beside.vfs, { access: 'read' })
    const report = await other.scan()
    expect(report.clean).toBe(false)
    expect(new Set(report.anomalies.map((anomaly) => anomaly.path))).toEqual(new Set([path]))
    expect(manifests(beside.opened)).toBeLessThan(12)
    await other.close()
    await store.close()
  })

  test('a segment that was taken away is missed, though the owner goes on', async () => {
    const { vfs, store } = await living(20)
    const [entry] = manifestOf(vfs).segments.slice(4)
    await vfs.unlink(`${DIR}/${String(entry?.firstSeq).padStart(20, '0')}-00000001.ndjson`)
    let n = 20
    const seals = async (): Promise<void> => void (await store.append(facts(++n, 1)))
    const other = await open(disturbed(vfs.fork(), seals).vfs, { access: 'read' })
    expect((await other.scan()).anomalyCounts).toEqual({ missing_segment: 1 })
    await other.close()
    await store.close()
  })
})

test('on a real file system, beside an owner that seals as fast as it can', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'papyra-'))
  folders.push(folder)
  const dir = join(folder, 'shop')
  await createSegmentStore(nodeVfs, dir)
  const how = { backend: 'rotation', seal: EACH, ack: 'flushed' } as const
  const store = await openSegmentStore(nodeVfs, dir, { ...how, access: 'write' })
  await store.begin()
  let writing = true
  let n = 0
  const write = async (): Promise<void> => {
    while (writing && n < 2000) await store.append(facts(++n, 1))
  }
  const scan = async (): Promise<void> => {
    const other = await openSegmentStore(nodeVfs, dir, { ...how, access: 'read' })
    try {
      for (let scans = 0; scans < 5; scans++) {
        while (n < 20 * (scans + 1)) await setImmediate()
        const from = n
        const report = await other.scan()
        expect(report.anomalies).toEqual([])
        expect(report.records).toBeGreaterThanOrEqual(from - 1)
        expect((await store.scan()).anomalies).toEqual([])
      }
    } finally {
      writing = false
      await other.close()
    }
  }
  await Promise.all([write(), scan()])
  expect(await store.scan()).toMatchObject({ clean: true, records: n })
  await store.close()
})
