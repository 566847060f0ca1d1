import { describe, expect, it } from 'vitest'
import type { SegmentStore, SegmentStoreOptions } from '../../src/index.js'
import { markPath } from '../../src/format/names.js'
import { encodeManifest } from '../../src/segments/manifest.js'
import { manifestPath, segmentPath } from '../../src/segments/names.js'
import { scanSegments } from '../../src/segments/scan-segments.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import {
  buildSegment,
  buildStore,
  codesOf,
  DIR as BUILT,
  lostNumbers,
  putStore,
  range,
  short,
  USUAL,
  type BuiltSegment,
} from './build-store.js'
import { create, DIR, fact, filled, open, readAll } from './support.js'

const THREE = { seal: { maxRecords: 3 } }

async function begun(vfs: MemVfs, options: Partial<SegmentStoreOptions>): Promise<SegmentStore> {
  const store = await open(vfs, options)
  await store.begin()
  return store
}

async function copyOf(vfs: MemVfs): Promise<Map<string, Uint8Array>> {
  const names = (await vfs.readdir(DIR)).filter((name) => !name.startsWith('store.'))
  return new Map(names.map((name) => [`${DIR}/${name}`, Buffer.from(vfs.bytes(`${DIR}/${name}`))]))
}

async function numbers(store: SegmentStore): Promise<number[]> {
  return (await readAll(store)).map(({ seq }) => seq)
}

describe('a copy of a segment, and an older state of it', () => {
  const copy = buildSegment({ firstSeq: 1, lastSeq: 10, generation: 2, keeps: (n) => n !== 2 })

  async function without(older: BuiltSegment, newer: BuiltSegment = copy) {
    const vfs = await putStore(buildStore())
    await vfs.unlink(manifestPath(BUILT))
    vfs.put(older.path, older.bytes)
    vfs.put(newer.path, newer.bytes)
    return scanSegments(vfs, BUILT)
  }

  it('the copy is taken if the other one ends before it', async () => {
    for (const lastSeq of [1, 2, 9]) {
      const older = buildSegment({ firstSeq: 1, lastSeq, active: true })
      const scan = await without(older)
      expect(scan).toMatchObject({ records: 34, losses: [] })
      expect(scan.store?.segments[0]).toMatchObject({ firstSeq: 1, generation: 2, lastSeq: 10 })
      expect(scan.extras).toEqual([{ path: older.path, what: 'orphan' }])
      expect(scan.anomalies[0]?.detail).toContain(`${older.name} was not taken`)
    }
  })

  it('also if its last records were dropped', async () => {
    const dropped = buildSegment({ ...copy, keeps: (n) => n === 1 })
    const scan = await without(buildSegment({ firstSeq: 1, lastSeq: 9, active: true }), dropped)
    expect(scan.store?.segments[0]).toMatchObject({ firstSeq: 1, generation: 2, lastSeq: 10 })
    expect(scan).toMatchObject({ records: 26, losses: [] })
  })

  it('the other one if it goes as far', async () => {
    const scan = await without(buildSegment({ firstSeq: 1, lastSeq: 10 }))
    expect(scan).toMatchObject({ records: 35, losses: [] })
    expect(scan.store?.segments[0]).toMatchObject({ firstSeq: 1, generation: 1, lastSeq: 10 })
  })
})

describe('the active segment gone', () => {
  async function scanned(change: (vfs: MemVfs, path: string) => Promise<void> | void) {
    const vfs = memVfs()
    await filled(vfs, 5, { close: false, open: { seal: { maxRecords: 3 } } })
    const killed = vfs.kill()
    const path = segmentPath(DIR, { firstSeq: 4, generation: 1 })
    await killed.unlink(path)
    await change(killed, path)
    return { killed, scan: await scanSegments(killed, DIR) }
  }

  it('with its mark: what was in it nobody can tell, and recovery needs consent', async () => {
    for (const change of [
      (vfs: MemVfs, path: string) => vfs.unlink(markPath(path)),
      (vfs: MemVfs, path: string) => vfs.put(markPath(path), 'x'),
    ]) {
      const { killed, scan } = await scanned(change)
      expect(codesOf(scan)).toEqual(['missing_segment'])
      expect(scan.anomalies[0]).toMatchObject({ loss: true, seq: null, records: 0 })
      expect(scan.anomalies[0]?.detail).toContain('cannot be told')
      expect(scan.unproven).toEqual({ after: 3 })
      const store = await open(killed, THREE)
      expect((await store.scan()).consent).toEqual({ acceptLoss: true, force: false })
      const refused = store.recover({ mode: 'repair' })
      await expect(refused).rejects.toMatchObject({ code: 'accept_loss_required' })
      const report = await store.recover({ mode: 'repair', acceptLoss: true })
      expect(report.losses).toMatchObject([{ seq: null, records: 0, code: 'missing_segment' }])
      expect(report.after?.clean).toBe(true)
      expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
      expect(await numbers(store)).toEqual([1, 2, 3])
      await store.close()
    }
  })

  it('and its mark there: that tells how far it went', async () => {
    const { scan } = await scanned(() => undefined)
    expect(short(scan)).toEqual([expect.stringMatching(/^missing_segment .* 4\.\.5 n2 lost$/)])
    expect(lostNumbers(scan)).toEqual({ named: [4, 5], unnamed: 0 })
    expect(scan.unproven).toBeNull()
  })

  it('of a store that was closed, or in which nothing was acknowledged: no doubt is left', async () => {
    const closed = await putStore(buildStore())
    const { path } = buildStore().segments[3] as BuiltSegment
    await closed.unlink(path)
    await closed.unlink(markPath(path))
    const scan = await scanSegments(closed, BUILT)
    expect(lostNumbers(scan)).toEqual({ named: range(31, 35), unnamed: 0 })
    expect(scan.unproven).toBeNull()
    const empty = memVfs()
    await create(empty)
    await begun(empty, THREE)
    const killed = empty.kill()
    await killed.unlink(segmentPath(DIR, { firstSeq: 1, generation: 1 }))
    const none = await scanSegments(killed, DIR)
    expect(codesOf(none)).toEqual(['missing_segment'])
    expect(none).toMatchObject({ losses: [], unproven: null })
  })
})

describe('a later segment that holds nothing but a head', () => {
  const later = segmentPath(DIR, { firstSeq: 4, generation: 1 })

  it('proves that the active one is an older copy', async () => {
    const vfs = memVfs()
    await create(vfs)
    const first = await begun(vfs, THREE)
    await first.append([fact(1)])
    const older = await copyOf(vfs)
    await first.append([fact(2), fact(3)])
    await first.append([fact(4)])
    await first.close()
    vfs.put(later, vfs.bytes(later).subarray(0, vfs.bytes(later).indexOf('\n') + 1))
    for (const [path, content] of older) vfs.put(path, content)
    const scan = await scanSegments(vfs, DIR)
    expect(codesOf(scan)).toEqual(['orphan_segment', 'rolled_back'])
    expect(lostNumbers(scan)).toEqual({ named: [2, 3], unnamed: 0 })
    expect(scan.extras).toEqual([{ path: later, what: 'orphan' }])
    expect(scan.knownEnd).toBe(3)
    const store = await open(vfs, THREE)
    await expect(store.begin()).rejects.toMatchObject({ code: 'anomalies_found' })
    const refused = store.recover({ mode: 'repair' })
    await expect(refused).rejects.toMatchObject({ code: 'accept_loss_required' })
    const report = await store.recover({ mode: 'repair', acceptLoss: true })
    expect(report.losses).toMatchObject([{ seq: { first: 2, last: 3 }, records: 2 }])
    expect(report.after?.clean).toBe(true)
    expect((await store.begin()).nextSeq).toBe(4)
    expect(await numbers(store)).toEqual([1])
    await store.close()
  })

  it('is a trace where it begins just behind what was acknowledged', async () => {
    const plan = { ...USUAL, segments: USUAL.segments, closed: false }
    const vfs = await putStore(buildStore(plan))
    const next = buildSegment({ firstSeq: 36, lastSeq: 35, active: true })
    vfs.put(next.path, next.bytes)
    const scan = await scanSegments(vfs, BUILT)
    expect(scan.anomalies).toEqual([])
    expect(scan.extras).toEqual([{ path: next.path, what: 'trace' }])
  })

  it('numbers that are recorded as lost already are not lost again', async () => {
    const losses = [
      { seq: { first: 36, last: 40 }, records: 5, code: 'rolled_back' as const, at: 1 },
    ]
    const vfs = await putStore(buildStore({ ...USUAL, closed: false, manifest: { losses } }))
    const next = buildSegment({ firstSeq: 41, lastSeq: 40, active: true })
    vfs.put(next.path, next.bytes)
    const scan = await scanSegments(vfs, BUILT)
    expect(scan.anomalies).toEqual([])
    expect(scan.losses).toEqual([])
  })
})

describe('a file of another log over the only segment', () => {
  const plan = { segments: [{ firstSeq: 1, lastSeq: 5 }] }

  it('is no other log while the mark beside it is ours', async () => {
    const store = buildStore(plan)
    const other = buildSegment({ firstSeq: 1, lastSeq: 1, active: true, logId: 'log-b' })
    const vfs = await putStore(store)
    vfs.put(other.path, other.bytes)
    const scan = await scanSegments(vfs, BUILT)
    expect(codesOf(scan)).toEqual(['foreign_log'])
    expect(lostNumbers(scan)).toEqual({ named: range(1, 5), unnamed: 0 })
    expect(scan).toMatchObject({ rebuilt: false, foreign: true })
    expect(scan.store?.logId).toBe(store.manifest.logId)
  })

  it('is one if the mark is of that log too', async () => {
    const vfs = await putStore(buildStore(plan))
    const manifest = buildStore({ ...plan, logId: 'log-b' }).manifest
    vfs.put(manifestPath(BUILT), encodeManifest(manifest))
    const scan = await scanSegments(vfs, BUILT)
    expect(scan).toMatchObject({ rebuilt: true, foreign: true, records: 5, losses: [] })
    expect(scan.store?.logId).toBe('log-a')
  })
})
