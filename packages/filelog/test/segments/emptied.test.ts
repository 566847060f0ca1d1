import { describe, expect, test } from 'vitest'
import { createLogStore, createSegmentStore, openLogStore } from '../../src/index.js'
import { markPath } from '../../src/format/names.js'
import { flipBit, memVfs, type MemVfs } from '../../src/testing/index.js'
import { DIR, fact, filled, manifestOf, open, readAll, segmentPaths, strictly } from './support.js'

/** A store of 14 records of which nothing is left but the names that are kept. */
async function emptied(...keep: readonly string[]): Promise<{ vfs: MemVfs; logId: string }> {
  const vfs = memVfs()
  await filled(vfs, 14)
  const { logId } = manifestOf(vfs)
  for (const name of await vfs.readdir(DIR)) {
    if (!keep.some((end) => name.endsWith(end))) await vfs.unlink(`${DIR}/${name}`)
  }
  return { vfs, logId }
}

const OURS = ['.ndjson', '.mark', '.json']

async function nothingMade(vfs: MemVfs, work: () => Promise<unknown>): Promise<void> {
  const names = (): Promise<string[]> => vfs.readdir(DIR)
  const before = (await names()).filter((name) => OURS.some((end) => name.endsWith(end)))
  await expect(work()).rejects.toMatchObject({ name: 'PapyraError' })
  expect((await names()).filter((name) => OURS.some((end) => name.endsWith(end)))).toEqual(before)
}

describe('a folder in which only a mark is left', () => {
  test('is a damaged store: no new one is made there, and nothing is appended', async () => {
    const { vfs } = await emptied('.mark', '.lock')
    await expect(createSegmentStore(vfs, DIR)).rejects.toMatchObject({ code: 'store_exists' })
    const store = await open(vfs, { create: 'if-missing' })
    const scan = await store.scan()
    expect(scan).toMatchObject({ clean: false, consent: { acceptLoss: true, force: false } })
    expect(scan.anomalyCounts).toEqual({ manifest_damaged: 1, missing_segment: 1 })
    for (const onDamage of ['refuse', 'set_tail_aside'] as const) {
      await nothingMade(vfs, () => store.begin({ onDamage }))
    }
    await store.close()
  })

  test('recovers, with consent, to an empty store that never gives those numbers again', async () => {
    const { vfs, logId } = await emptied('.mark')
    const store = await open(vfs, { expectLogId: logId })
    const refused = store.recover({ mode: 'repair' })
    await expect(refused).rejects.toMatchObject({ code: 'accept_loss_required' })
    const dry = await store.recover({ mode: 'repair', dryRun: true })
    expect(dry).toMatchObject({ changed: true, recordsKept: 0 })
    const report = await store.recover({ mode: 'repair', acceptLoss: true })
    expect(report).toMatchObject({
      changed: true,
      recordsKept: 0,
      after: { clean: true, records: 0 },
    })
    expect(report.losses).toMatchObject([{ seq: { first: 1, last: 14 }, records: 14 }])
    expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
    await store.begin()
    expect(await store.append([fact(1)])).toEqual({ firstSeq: 15, lastSeq: 15 })
    await store.close()
    expect(manifestOf(vfs)).toMatchObject({ logId, losses: [{ code: 'missing_segment' }] })
    const { records, unnamed } = await strictly(vfs)
    expect([[...records.keys()], unnamed]).toEqual([[15], []])
  })

  test('that cannot be read: refused, and no new store is made', async () => {
    const { vfs } = await emptied('.mark')
    const mark = markPath(segmentPathsLeft(await vfs.readdir(DIR)))
    let bytes = vfs.bytes(mark)
    for (const bit of [800, 5000]) bytes = flipBit(bytes, bit)
    vfs.put(mark, bytes)
    await expect(createSegmentStore(vfs, DIR)).rejects.toMatchObject({ code: 'store_exists' })
    const store = await open(vfs, { create: 'if-missing' })
    const { clean, consent } = await store.scan()
    expect({ clean, consent }).toEqual({
      clean: false,
      consent: { acceptLoss: false, force: false },
    })
    for (const acceptLoss of [false, true]) {
      const recovery = store.recover({ mode: 'repair', acceptLoss, force: true })
      await expect(recovery).rejects.toMatchObject({ code: 'unreadable' })
    }
    await nothingMade(vfs, () => store.begin())
    await store.close()
  })

  function segmentPathsLeft(names: readonly string[]): string {
    const name = names.find((one) => one.endsWith('.mark')) ?? ''
    return `${DIR}/${name.slice(0, -'.mark'.length)}`
  }
})

describe('a folder in which nothing is left but the lock', () => {
  test('holds no store, and only who says which one it has to be is told so', async () => {
    const { vfs, logId } = await emptied('.lock')
    await expect(open(vfs)).rejects.toMatchObject({ code: 'store_not_found' })
    const expecting = (): Promise<unknown> =>
      open(vfs, { create: 'if-missing', expectLogId: logId })
    await expect(expecting()).rejects.toMatchObject({ code: 'store_not_found' })
    await nothingMade(vfs, expecting)
    const anew = await open(vfs, { create: 'if-missing' })
    expect((await anew.describe()).logId).not.toBe(logId)
    await anew.begin()
    expect(await readAll(anew)).toEqual([])
    await anew.close()
    expect(segmentPaths(vfs)).toHaveLength(1)
  })

  test('of a single log likewise', async () => {
    const vfs = memVfs()
    const log = '/data/shop.ndjson'
    const { logId } = await createLogStore(vfs, log)
    for (const name of await vfs.readdir('/data')) {
      if (!name.endsWith('.lock')) await vfs.unlink(`/data/${name}`)
    }
    const how = { backend: 'json', access: 'write', create: 'if-missing' } as const
    const expecting = openLogStore(vfs, log, { ...how, expectLogId: logId })
    await expect(expecting).rejects.toMatchObject({ code: 'store_not_found' })
    expect(await vfs.stat(log)).toBeNull()
  })
})
