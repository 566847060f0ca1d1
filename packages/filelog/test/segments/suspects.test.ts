import { manualClock, type RecordMeta } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import type { SegmentStore } from '../../src/index.js'
import { flipBit, memVfs, type MemVfs } from '../../src/testing/index.js'
import { compactTo } from './compact-support.js'
import { facts, filled, manifestOf, open, segmentPaths } from './support.js'

const refused = { code: 'anomalies_found' }

/** A store that takes appends, and a segment of it that decays while a compaction makes its plan. */
async function decaying(): Promise<{ vfs: MemVfs; store: SegmentStore; path: string }> {
  const vfs = memVfs()
  await filled(vfs, 14)
  const store = await open(vfs)
  await store.begin()
  return { vfs, store, path: segmentPaths(vfs)[1] ?? '' }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Takes the first record out of the segment at `path`, which is damaged just before. */
function rewriting(store: SegmentStore, vfs: MemVfs, path: string): Promise<unknown> {
  const [, entry] = manifestOf(vfs).segments
  if (entry === undefined) throw new Error('there are too few segments')
  const keep = ({ seq }: RecordMeta): boolean => seq !== entry.firstSeq
  const plan = async () => {
    vfs.put(path, flipBit(vfs.bytes(path), 5000))
    return { verdicts: [{ segment: entry, action: 'rewrite' as const, keep }], dropped: [] }
  }
  return store.compact({ plan, trigger: 'request' })
}

describe('damage that a compaction meets in a sealed segment', () => {
  test('is on record, so that the next compaction refuses, and the next start reads everything', async () => {
    const { vfs, store, path } = await decaying()
    await expect(rewriting(store, vfs, path)).rejects.toMatchObject({
      ...refused,
      details: { path },
    })
    expect(manifestOf(vfs)).toMatchObject({ suspect: [nameOf(path)], verifiedAt: null })
    const { edit } = manifestOf(vfs)
    await expect(compactTo(store, (seq) => seq > 12)).rejects.toMatchObject({
      ...refused,
      details: { segment: nameOf(path) },
    })
    expect(manifestOf(vfs).edit, 'written once').toBe(edit)
    await store.append(facts(15, 1))
    await store.close()
    expect(manifestOf(vfs).suspect).toEqual([nameOf(path)])
    const next = await open(vfs)
    expect(await next.scan({ coverage: 'auto' })).toMatchObject({ coverage: 'full', clean: false })
    await next.close()
  })

  test('before anything was done: one that is missing, or that was touched', async () => {
    for (const damage of ['missing', 'touched'] as const) {
      const { vfs, store, path } = await decaying()
      if (damage === 'missing') await vfs.unlink(path)
      else vfs.put(path, flipBit(vfs.bytes(path), 5000))
      await expect(compactTo(store, (seq) => seq > 12)).rejects.toMatchObject(refused)
      expect(manifestOf(vfs), damage).toMatchObject({ suspect: [nameOf(path)], verifiedAt: null })
      await store.close()
    }
  })

  test('at rest too, once the scan was taken for sound', async () => {
    const { vfs, store, path } = await decaying()
    await store.close()
    const rest = await open(vfs)
    await expect(rewriting(rest, vfs, path)).rejects.toMatchObject(refused)
    expect(manifestOf(vfs).suspect).toEqual([nameOf(path)])
    await rest.close()
  })

  test('an error of another kind puts nothing on record', async () => {
    const { vfs, store } = await decaying()
    const plan = (): Promise<never> => Promise.reject(new Error('no plan'))
    await expect(store.compact({ plan, trigger: 'request' })).rejects.toThrow('no plan')
    expect(manifestOf(vfs)).toMatchObject({ suspect: [] })
    await store.close()
  })
})

describe('nobody is stuck with a suspicion that was refuted', () => {
  /** A closed store whose manifest names a suspect that is sound again. */
  async function suspected(): Promise<MemVfs> {
    const { vfs, store, path } = await decaying()
    const sound = vfs.bytes(path)
    await expect(rewriting(store, vfs, path)).rejects.toMatchObject(refused)
    vfs.put(path, sound)
    await store.close()
    expect(manifestOf(vfs).suspect).toHaveLength(1)
    return vfs
  }

  test('a recovery that finds nothing wrong takes it off the record and says that it changed it', async () => {
    const vfs = await suspected()
    const clock = manualClock()
    const store = await open(vfs, { clock })
    const dry = await store.recover({ mode: 'repair', dryRun: true })
    expect(dry).toMatchObject({ changed: true, losses: [], before: { clean: true } })
    expect(manifestOf(vfs).suspect).toHaveLength(1)
    const report = await store.recover({ mode: 'repair' })
    expect(report).toMatchObject({ changed: true, losses: [], after: { clean: true } })
    expect(report).toMatchObject({ recordsKept: 14, bytesSetAside: 0, keptAside: [] })
    expect(manifestOf(vfs)).toMatchObject({ suspect: [], verifiedAt: clock.now() })
    expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
    await compactTo(store, (seq) => seq > 12)
    expect((await store.describe()).metrics.totals.recordsStored).toBe(2)
    await store.close()
  })

  test('a compaction at rest that has read every byte goes on, and takes it off the record', async () => {
    const vfs = await suspected()
    const store = await open(vfs)
    await compactTo(store, (seq) => seq > 12)
    expect(manifestOf(vfs).suspect).toEqual([])
    await store.close()
  })

  test('so do a start that read everything, and a scan of every byte by a living owner', async () => {
    const vfs = await suspected()
    const store = await open(vfs)
    await store.begin()
    expect(manifestOf(vfs).suspect).toEqual([])
    const path = segmentPaths(vfs)[1] ?? ''
    const sound = vfs.bytes(path)
    await expect(rewriting(store, vfs, path)).rejects.toMatchObject(refused)
    vfs.put(path, sound)
    expect((await store.scan()).clean).toBe(true)
    expect(manifestOf(vfs).suspect).toEqual([])
    await compactTo(store, (seq) => seq > 12)
    await store.close()
  })
})
