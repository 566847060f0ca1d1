import { describe, expect, test } from 'vitest'
import { manifestPath } from '../../src/segments/names.js'
import { everyFault, memVfs, type MemVfs } from '../../src/testing/index.js'
import { compactTo, kept, type Stays } from './compact-support.js'
import {
  bySeq,
  facts,
  filled,
  manifestOf,
  open,
  readAll,
  segmentPaths,
  strictly,
} from './support.js'

const stays: Stays = (seq) => seq > 4 && seq % 4 !== 0 && seq !== 13
const refused = { code: 'anomalies_found' }

async function write(vfs: MemVfs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await vfs.open(path, 'read-write')
  await file.write(bytes, 0, bytes.length, 0)
  await file.truncate(bytes.length)
  await file.close()
}

function flipped(vfs: MemVfs, path: string, at: number): Uint8Array {
  const bytes = Buffer.from(vfs.bytes(path))
  bytes[at] = (bytes[at] as number) ^ 1
  return bytes
}

describe('a store that takes appends is not compacted', () => {
  test.each([
    ['a segment is missing', (vfs: MemVfs, path: string) => vfs.unlink(path)],
    [
      'a segment is longer than it was sealed',
      (vfs: MemVfs, path: string) =>
        write(vfs, path, Buffer.concat([vfs.bytes(path), Buffer.from('\n')])),
    ],
    ['damage is on record', async () => undefined],
  ])('where %s, whatever the plan: nothing is changed', async (what, damage) => {
    const vfs = memVfs()
    await filled(vfs, 14)
    const path = segmentPaths(vfs)[1] ?? ''
    const onRecord = what === 'damage is on record'
    if (onRecord) await write(vfs, path, flipped(vfs, path, 300))
    const store = await open(vfs)
    if (onRecord) await store.scan()
    await store.begin({ onDamage: 'set_tail_aside' })
    expect(manifestOf(vfs).suspect).toHaveLength(onRecord ? 1 : 0)
    await damage(vfs, path)
    const { history, generation, bytes } = await store.describe()
    const names = await vfs.readdir('/data/shop')
    await expect(compactTo(store, (seq) => seq > 12)).rejects.toMatchObject(refused)
    expect(await store.describe()).toMatchObject({ history, generation, bytes })
    expect(await vfs.readdir('/data/shop')).toEqual(names)
    expect((await store.describe()).metrics.totals.compactionErrors).toBe(1)
    await store.close()
  })

  test("where the manifest on the disk is damaged, or older than the owner's", async () => {
    for (const how of ['flipped', 'older'] as const) {
      const vfs = memVfs()
      await filled(vfs, 14)
      const path = manifestPath('/data/shop')
      const older = Buffer.from(vfs.bytes(path))
      const store = await open(vfs)
      await store.begin()
      await write(vfs, path, how === 'older' ? older : flipped(vfs, path, 40))
      await expect(compactTo(store, stays)).rejects.toMatchObject(refused)
      await store.close().catch(() => undefined)
    }
  })
})

describe('damage that is met on the way', () => {
  test('at every byte of a segment to be rewritten: refused, named, and the rest is whole', async () => {
    const start = memVfs()
    const before = await filled(start, 14)
    const path = segmentPaths(start)[1] ?? ''
    const [, second] = manifestOf(start).segments
    const own: Stays = (seq) => seq !== second?.firstSeq
    let refusals = 0
    const { length } = start.bytes(path)
    for (let at = 0; at < length; at += 23) {
      const vfs = start.clone()
      const store = await open(vfs)
      await store.begin()
      const plan = store.compact({
        trigger: 'request',
        plan: async () => {
          await write(vfs, path, flipped(vfs, path, at))
          const segment = second as NonNullable<typeof second>
          const keep = ({ seq }: { seq: number }): boolean => own(seq)
          return { verdicts: [{ segment, action: 'rewrite', keep }], dropped: [] }
        },
      })
      await expect(plan, `bit at byte ${at}`).rejects.toMatchObject({
        code: 'anomalies_found',
        details: { path },
      })
      refusals++
      const { metrics, generation, history } = await store.describe()
      expect(metrics.totals).toMatchObject({ compactions: 0, recordsDropped: 0 })
      expect({
        generation,
        compactions: history.filter(({ what }) => what === 'compaction'),
      }).toEqual({ generation: 1, compactions: [] })
      expect(manifestOf(vfs).obsolete).toEqual([])
      expect(await vfs.readdir('/data/shop')).toEqual(await start.readdir('/data/shop'))
      await store.append(facts(15, 1))
      await write(vfs, path, start.bytes(path))
      expect(bySeq(await readAll(store)).size).toBe(before.length + 1)
      await store.close()
    }
    expect(refusals).toBeGreaterThan(20)
  })

  test('what was done before it is on record, and what comes after it is not touched', async () => {
    const vfs = memVfs()
    await filled(vfs, 14)
    const store = await open(vfs)
    await store.begin()
    const { segments } = manifestOf(vfs)
    const path = segmentPaths(vfs)[2] ?? ''
    const verdicts = segments.slice(0, 3).map((segment) => ({
      segment,
      action: 'rewrite' as const,
      keep: ({ seq }: { seq: number }): boolean => seq !== segment.firstSeq,
    }))
    // A disk that decays while the run goes on: before it, a touched file would have been noticed.
    const plan = async () => {
      await write(vfs, path, flipped(vfs, path, 300))
      return { verdicts, dropped: [] }
    }
    const run = store.compact({ plan, trigger: 'schedule' })
    await expect(run).rejects.toMatchObject(refused)
    const { history, metrics } = await store.describe()
    expect(history.at(-1)).toMatchObject({ recordsRemoved: 2, detail: 'stopped: anomalies_found' })
    expect(metrics.totals).toMatchObject({ recordsDropped: 2, compactions: 1, compactionErrors: 1 })
    await store.close()
  })
})

test('a store at rest is not compacted if its scan finds anything', async () => {
  const vfs = memVfs()
  await filled(vfs, 14)
  const path = segmentPaths(vfs)[1] ?? ''
  await write(vfs, path, flipped(vfs, path, 300))
  const store = await open(vfs)
  const before = vfs.bytes(manifestPath('/data/shop')).toString()
  await expect(compactTo(store, stays)).rejects.toMatchObject(refused)
  expect(vfs.bytes(manifestPath('/data/shop')).toString()).toBe(before)
  await store.close()
})

describe('any one call of the system that fails', () => {
  test.each([
    ['at rest', false],
    ['while it takes appends', true],
  ])('%s: leaves whole steps, and the next run does the rest', async (_, live) => {
    const start = memVfs()
    const before = await filled(start, 10)
    const few: Stays = (seq) => seq > 4 && seq !== 6 && seq !== 10
    const must = bySeq(kept(before, few))
    const runs = await everyFault(
      () => start.clone(),
      async (vfs, sound, context) => {
        const what = context?.description ?? 'no fault'
        let there: Map<number, string> | null = null
        const store = await open(vfs).catch(() => null)
        if (store === null) return
        try {
          if (live) await store.begin()
          await compactTo(store, few)
        } catch (error) {
          expect(error, what).toMatchObject({ name: 'PapyraError' })
        }
        if (live) await store.append(facts(11, 1)).catch(() => undefined)
        await store.close().catch(() => undefined)
        const again = await open(sound)
        const scan = await again.scan()
        expect(scan.consent, what).toEqual({ acceptLoss: false, force: false })
        await again.recover({ mode: 'repair' })
        there = bySeq(await readAll(again))
        for (const [seq, json] of must) expect(there.get(seq), what).toBe(json)
        await compactTo(again, (seq) => few(seq) || seq > 10)
        await again.close()
        const { records, unnamed } = await strictly(sound)
        expect(
          [...records.keys()].filter((seq) => seq <= 10),
          what,
        ).toEqual([...must.keys()])
        expect(unnamed, what).toEqual([])
      },
      { faults: [{ error: 'EIO' }, { short: 10, error: 'ENOSPC' }], modes: ['once'] },
    )
    expect(runs).toBeGreaterThan(100)
  })
})
