import { manualClock } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { writeManifestFile } from '../../src/segments/manifest-file.js'
import { flipBit, insertAt, memVfs, type MemVfs } from '../../src/testing/index.js'
import {
  bySeq,
  create,
  DIR,
  fact,
  facts,
  filled,
  manifestOf,
  open,
  readAll,
  strictly,
} from './support.js'

const THREE = { seal: { maxRecords: 3 } } as const

async function eight(close: boolean = true): Promise<MemVfs> {
  const vfs = memVfs()
  await filled(vfs, 8, { open: THREE, close })
  return vfs
}

const segmentAt = (seq: number): string => `${DIR}/${String(seq).padStart(20, '0')}-00000001.ndjson`

describe('begin and close', () => {
  test('a second begin changes nothing; before the first nothing is appended', async () => {
    const vfs = await eight()
    const store = await open(vfs)
    await expect(store.append(facts(9, 1))).rejects.toMatchObject({ code: 'not_begun' })
    expect(await store.begin()).toEqual({ nextSeq: 9, keptAside: [] })
    const { edit } = manifestOf(vfs)
    expect(await store.begin()).toEqual({ nextSeq: 9, keptAside: [] })
    expect(manifestOf(vfs).edit).toBe(edit)
    await store.close()
    await expect(store.append(facts(9, 1))).rejects.toMatchObject({ code: 'closed' })
    await store.close()
  })

  test('says that the store is in use, with the policy, and that it was closed, with figures', async () => {
    const vfs = await eight()
    const clock = manualClock(1_704_100_000_000)
    const store = await open(vfs, { ...THREE, clock })
    await store.begin({ retention: { maxRecords: 5 } })
    expect(manifestOf(vfs)).toMatchObject({
      clean: false,
      closed: null,
      opened: { at: 1_704_100_000_000, pid: vfs.host.pid, bootId: vfs.host.bootId },
      retention: { maxRecords: 5 },
      nextSeq: 9,
    })
    await store.append(facts(9, 1))
    await store.close()
    const after = manifestOf(vfs)
    const size = vfs.bytes(segmentAt(7)).length
    expect(after).toMatchObject({
      clean: true,
      closed: { lastSeq: 9, records: 3, bytes: size },
      nextSeq: 10,
      retention: { maxRecords: 5 },
    })
    // What the close said is what the seal says, without the segment being read again.
    const again = await open(vfs, THREE)
    await again.begin()
    await again.append(facts(10, 1))
    await again.close()
    await strictly(vfs)
  })

  test('after a full scan that found nothing, it says when every byte was verified', async () => {
    const vfs = await eight()
    const clock = manualClock(1_704_100_000_000)
    const store = await open(vfs, { clock })
    await store.scan({ coverage: 'full' })
    await store.begin()
    expect((await store.describe()).verifiedAt).toBe(1_704_100_000_000)
    await store.close()
    expect(manifestOf(vfs).verifiedAt).toBe(1_704_100_000_000)
  })

  test('removes obsolete files and traces, and forgets them', async () => {
    const vfs = await eight()
    const gone = '00000000000000000002-00000001.ndjson'
    vfs.put(`${DIR}/${gone}`, vfs.bytes(segmentAt(1)))
    vfs.put(`${segmentAt(4)}.mark`, vfs.bytes(`${segmentAt(7)}.mark`))
    vfs.put(`${DIR}/manifest.json.0123456789ab.tmp`, 'half')
    vfs.put(`${DIR}/mine.txt`, 'kept')
    await writeManifestFile(vfs, DIR, { ...manifestOf(vfs), obsolete: [gone, 'no.such'] })
    const store = await open(vfs)
    expect((await store.scan()).anomalies).toEqual([])
    await store.begin()
    expect(manifestOf(vfs).obsolete).toEqual([])
    expect((await vfs.readdir(DIR)).sort()).toEqual(
      [
        ...[1, 4, 7].map((n) => segmentAt(n).slice(DIR.length + 1)),
        `${segmentAt(7).slice(DIR.length + 1)}.mark`,
        ...['manifest.json', 'mine.txt', 'store.lock'],
      ].sort(),
    )
    await store.close()
  })

  test('counts across owners, kills and rotations, exactly', async () => {
    const vfs = await eight(false)
    let process_ = vfs.kill()
    for (let n = 9; n < 20; n += 2) {
      const store = await open(process_, THREE)
      await store.begin()
      await store.append(facts(n, 2))
      if (n % 4 === 1) await store.close()
      process_ = process_.kill()
    }
    const reader = await open(process_, { access: 'read' })
    const { metrics } = await reader.describe()
    expect(metrics.totals).toMatchObject({ recordsWritten: 20, recordsStored: 20, rotations: 8 })
    await reader.close()
  })

  test('whenever it is described, also within a rotation, the figures fit together', async () => {
    const vfs = memVfs()
    await create(vfs)
    const store = await open(vfs, THREE)
    await store.begin()
    let done = false
    const writing = (async () => {
      for (let n = 1; n <= 60; n += 2) await store.append(facts(n, 2))
      done = true
    })()
    let last = 0
    let bytes = 0
    let looks = 0
    while (!done) {
      const { metrics, segments, bytes: now } = await store.describe()
      const { recordsStored, recordsWritten, rotations } = metrics.totals
      expect(recordsStored).toBe(recordsWritten)
      expect(recordsStored).toBe(segments?.reduce((sum, { records }) => sum + records, 0))
      expect(rotations).toBe((segments?.length ?? 0) - 1)
      expect(recordsWritten).toBeGreaterThanOrEqual(last)
      expect(now).toBeGreaterThanOrEqual(bytes)
      last = recordsWritten
      bytes = now
      // Timers get their turn too, lest this goes on for ever.
      if (++looks % 10_000 === 0) await new Promise(setImmediate)
    }
    await writing
    expect(looks).toBeGreaterThan(60)
    await store.close()
  })

  test('a reset is a baseline, and takes nothing away', async () => {
    const vfs = await eight()
    const store = await open(vfs, THREE)
    const before = await store.resetMetrics()
    expect(before.totals.recordsWritten).toBe(8)
    expect(before.sinceReset.recordsWritten).toBe(0)
    await store.begin()
    await store.append(facts(9, 4))
    const { sinceReset } = (await store.describe()).metrics
    expect(sinceReset).toMatchObject({ recordsWritten: 4, rotations: 1 })
    const live = await store.resetMetrics()
    expect(live.sinceReset).toMatchObject({ recordsWritten: 0, bytesWritten: 0, rotations: 0 })
    await store.close()
    expect(manifestOf(vfs).history.map(({ what }) => what)).toEqual(['created', 'reset', 'reset'])
    expect(manifestOf(vfs).totals.values.recordsWritten).toBe(12)
  })
})

describe('damage that the gate let pass', () => {
  test('an unfinished tail of the active segment is set aside', async () => {
    const vfs = await eight()
    const tail = '{"seq":9,"kind":"ev'
    const path = segmentAt(7)
    const bytes = vfs.bytes(path)
    vfs.put(path, insertAt(bytes, bytes.length, tail))
    const store = await open(vfs, THREE)
    await expect(store.begin()).rejects.toMatchObject({ code: 'anomalies_found' })
    const { keptAside, nextSeq } = await store.begin({ onDamage: 'set_tail_aside' })
    expect(nextSeq).toBe(9)
    expect(vfs.bytes(keptAside[0] ?? '').toString()).toContain(tail)
    await store.append(facts(9, 3))
    expect(await readAll(store)).toHaveLength(11)
    expect((await store.scan()).anomalies).toEqual([])
    await store.close()
    await strictly(vfs)
  })

  test('damage in a sealed segment is left alone, and noted', async () => {
    const vfs = await eight()
    vfs.put(segmentAt(4), flipBit(vfs.bytes(segmentAt(4)), 3600))
    const store = await open(vfs)
    const found = (await store.scan()).anomalies
    expect(found).toHaveLength(1)
    await store.begin({ onDamage: 'set_tail_aside' })
    expect(manifestOf(vfs).suspect).toEqual([segmentAt(4).slice(DIR.length + 1)])
    await store.append([fact(9)])
    await store.close()
    const again = await open(vfs)
    expect((await again.scan({ coverage: 'full' })).anomalies).toEqual(found)
    await again.close()
  })

  test('a segment that is sealed over damage never counts as sound', async () => {
    const vfs = await eight()
    const path = segmentAt(7)
    vfs.put(path, flipBit(vfs.bytes(path), 2400))
    const store = await open(vfs, THREE)
    const [found] = (await store.scan()).anomalies
    expect(found).toMatchObject({ code: 'corrupt_record', path })
    await store.begin({ onDamage: 'set_tail_aside' })
    await store.append(facts(9, 3))
    await store.append(facts(12, 2))
    await store.close()
    expect(manifestOf(vfs).segments.map(({ checksum }) => checksum.length)).toEqual([8, 8, 0, 8])
    const again = await open(vfs)
    expect((await again.scan({ coverage: 'full' })).anomalies).toMatchObject([
      { code: 'corrupt_record', path, offset: found?.offset, seq: found?.seq },
    ])
    const there = bySeq(await readAllPast(again))
    expect([...there.keys()]).toEqual([1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13])
    await again.close()
  })
})

function readAllPast(store: Awaited<ReturnType<typeof open>>): ReturnType<typeof readAll> {
  return readAll(store, { onDamage: () => undefined })
}
