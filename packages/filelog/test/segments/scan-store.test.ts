import { setImmediate } from 'node:timers/promises'
import { manualClock } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'
import type { Vfs, VfsStat } from '../../src/index.js'
import { scanSegments } from '../../src/segments/scan-segments.js'
import { memVfs, flipBit, type MemVfs } from '../../src/testing/index.js'
import { countReads } from '../scan/counting-file.js'
import { create, DIR as WRITTEN, facts, filled, manifestOf, open, segmentPaths } from './support.js'
import { buildStore, DIR, putStore, USUAL, type BuiltStore } from './build-store.js'

const NOW = 1_704_067_200_000

/** A file system on which sealed segments are as large as is said, and what was read from it. */
function counting(
  vfs: MemVfs,
  sizes: ReadonlyMap<string, number>,
): { vfs: Vfs; bytes(): number; opened: Set<string> } {
  const counters: (() => number)[] = []
  const opened = new Set<string>()
  const stat = async (path: string): Promise<VfsStat | null> => {
    const there = await vfs.stat(path)
    const size = sizes.get(path)
    return there === null || size === undefined ? there : { ...there, size }
  }
  const proxy = new Proxy(vfs, {
    get(target, name) {
      if (name === 'stat') return stat
      if (name === 'open') {
        return async (path: string, flag: 'read') => {
          opened.add(path)
          const counted = countReads(await target.open(path, flag))
          counters.push(counted.bytes)
          return counted.file
        }
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { vfs: proxy, bytes: () => counters.reduce((sum, n) => sum + n(), 0), opened }
}

/** A store whose sealed segments are said to be of a size, and what a quick scan of it reads. */
async function quickly(sealed: number, size: number): Promise<{ bytes: number; unread: number }> {
  const plans = Array.from({ length: sealed }, (_, i) => ({
    firstSeq: i * 10 + 1,
    lastSeq: i * 10 + 10,
  }))
  const first = 10_001
  const store = buildStore({
    segments: [...plans, { firstSeq: first, lastSeq: first + 20 }],
    manifest: { verifiedAt: NOW },
  })
  const segments = store.manifest.segments.map((entry) => ({ ...entry, bytes: size }))
  const said: BuiltStore = { ...store, manifest: { ...store.manifest, segments } }
  const sizes = new Map(store.segments.slice(0, -1).map(({ path }) => [path, size]))
  const counted = counting(await putStore(said), sizes)
  const clock = manualClock(NOW + 1000)
  const scan = await scanSegments(counted.vfs, DIR, { coverage: 'auto', clock })
  expect(scan).toMatchObject({ coverage: 'quick', anomalies: [] })
  for (const { path } of store.segments.slice(0, -1)) expect(counted.opened).not.toContain(path)
  const manifest = (await putStore(said)).bytes(`${DIR}/manifest.json`).length
  return { bytes: counted.bytes() - manifest, unread: scan.unread?.bytes ?? 0 }
}

describe('a quick scan', () => {
  it('reads the same of a store of 10 MB and of one of 10 GB, the manifest apart', async () => {
    const small = await quickly(1, 10_000_000)
    const large = await quickly(100, 100_000_000)
    expect(small.unread).toBe(10_000_000)
    expect(large.unread).toBe(10_000_000_000)
    expect(large.bytes).toBe(small.bytes)
  })

  it('becomes a full one where a size disagrees, a segment is gone, or there is one too many', async () => {
    const store = buildStore({ ...USUAL, manifest: { verifiedAt: NOW } })
    const path = store.segments[1]?.path ?? ''
    const changes: ((vfs: MemVfs) => void | Promise<void>)[] = [
      (vfs) => vfs.put(path, vfs.bytes(path).subarray(0, -1)),
      (vfs) => vfs.unlink(path),
      (vfs) => vfs.put(`${DIR}/copy.ndjson`, vfs.bytes(path)),
    ]
    for (const change of changes) {
      const vfs = await putStore(store)
      await change(vfs)
      const clock = manualClock(NOW + 1000)
      const scan = await scanSegments(vfs, DIR, { coverage: 'auto', clock })
      expect(scan).toMatchObject({ coverage: 'full', unread: null })
      expect(scan.anomalies).toHaveLength(1)
    }
  })
})

describe('a scan by the owner', () => {
  it('finds nothing wrong while records are appended and segments are sealed', async () => {
    const vfs = memVfs()
    await create(vfs)
    const store = await open(vfs)
    await store.begin()
    const other = await open(vfs.fork(), { access: 'read' })
    let done = false
    const write = async (): Promise<void> => {
      for (let n = 1; n <= 150; n++) await store.append(facts(n, 1, n % 90))
      done = true
    }
    let scans = 0
    const scan = async (from: typeof store): Promise<void> => {
      while (!done) {
        await setImmediate()
        const report = await from.scan()
        expect(report.anomalies).toEqual([])
        scans++
      }
    }
    await Promise.all([write(), scan(store), scan(other)])
    expect(scans).toBeGreaterThan(4)
    expect(manifestOf(vfs, WRITTEN).segments.length).toBeGreaterThan(10)
    const last = await other.scan()
    expect(last).toMatchObject({ clean: true, records: 150 })
    expect(last.notices.map(({ code }) => code)).toEqual(['owner_alive'])
    await store.close()
  })

  it('records when everything was sound, and which segments are not', async () => {
    const vfs = memVfs()
    await filled(vfs, 30)
    const clock = manualClock(NOW)
    const store = await open(vfs, { clock })
    await store.begin()
    clock.advance(5000)
    expect(await store.scan()).toMatchObject({ clean: true, records: 30 })
    expect(manifestOf(vfs)).toMatchObject({ verifiedAt: NOW + 5000, suspect: [] })
    const [first] = segmentPaths(vfs)
    const bytes = vfs.bytes(first ?? '')
    vfs.put(first ?? '', flipBit(bytes, 5000))
    expect((await store.scan()).clean).toBe(false)
    expect(manifestOf(vfs)).toMatchObject({
      verifiedAt: null,
      suspect: [first?.slice(WRITTEN.length + 1)],
    })
    const edit = manifestOf(vfs).edit
    await store.scan()
    expect(manifestOf(vfs).edit).toBe(edit)
    vfs.put(first ?? '', bytes)
    await store.scan()
    expect(manifestOf(vfs)).toMatchObject({ verifiedAt: NOW + 5000, suspect: [] })
    await store.close()
  })

  it('writes nothing where the store is only looked at', async () => {
    const vfs = memVfs()
    await filled(vfs, 30)
    const before = vfs.fingerprint()
    const store = await open(vfs, { access: 'read' })
    expect(await store.scan()).toMatchObject({ clean: true, records: 30 })
    expect(await store.scan({ coverage: 'auto' })).toMatchObject({ clean: true, records: 30 })
    expect(vfs.fingerprint()).toBe(before)
    await store.close()
  })

  it('does not read twice what it read a moment ago, while a living owner goes on', async () => {
    const vfs = memVfs()
    await filled(vfs, 60, { close: false })
    const counted = counting(vfs.fork(), new Map())
    const verified = new Map()
    await scanSegments(counted.vfs, WRITTEN, { ownerAlive: true, verified })
    const once = counted.bytes()
    await scanSegments(counted.vfs, WRITTEN, { ownerAlive: true, verified })
    expect(counted.bytes() - once).toBeLessThan(once / 2)
    expect(verified.size).toBe(manifestOf(vfs).segments.length)
  })
})

describe('a scan by another process while the owner compacts', () => {
  it('never takes what was compacted away for missing, nor what is being made for one too many', async () => {
    const vfs = memVfs()
    await create(vfs)
    const store = await open(vfs)
    await store.begin()
    const other = await open(vfs.fork(), { access: 'read' })
    let done = false
    let scans = 0
    const work = async (): Promise<void> => {
      for (let round = 0; round < 200 && scans < 6; round++) {
        await setImmediate()
        await store.append(facts(round * 20, 20, 60))
        const { segments } = await store.view()
        const sealed = segments.filter(({ state }) => state === 'sealed')
        const oldest = sealed.at(-1)
        const verdicts = [...sealed].reverse().map((segment) => ({
          segment,
          ...(segment === oldest
            ? { action: 'drop' as const }
            : {
                action: 'rewrite' as const,
                keep: ({ seq }: { seq: number }) => seq % 7 !== round % 7,
              }),
        }))
        await store.compact({ plan: async () => ({ verdicts, dropped: [] }), trigger: 'request' })
      }
      done = true
    }
    const scan = async (): Promise<void> => {
      while (!done) {
        await setImmediate()
        const { anomalies } = await other.scan()
        expect(anomalies).toEqual([])
        const seqs: number[] = []
        for await (const { seq } of other.read()) seqs.push(seq)
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
        scans++
      }
    }
    await Promise.all([work(), scan()])
    expect(scans).toBeGreaterThan(3)
    expect(await store.scan()).toMatchObject({ clean: true })
    await store.close()
  })
})
