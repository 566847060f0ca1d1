import { describe, expect, test } from 'vitest'
import type { SegmentStore } from '../../src/index.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { compactTo, countingVfs, kept, verdictsBy, type Stays } from './compact-support.js'
import { segmentName } from '../../src/segments/names.js'
import {
  bySeq,
  DIR,
  facts,
  filled,
  manifestOf,
  open,
  readAll,
  segmentPaths,
  strictly,
} from './support.js'

/** Of the older ones every third number, from 15 on all. */
const thinned: Stays = (seq) => seq % 3 === 0 || seq >= 15
const late: Stays = (seq) => seq > 12

async function store(
  vfs: MemVfs,
  count: number,
  begin: boolean,
): Promise<{ store: SegmentStore; before: Awaited<ReturnType<typeof filled>> }> {
  const before = await filled(vfs, count)
  const opened = await open(vfs)
  if (begin) await opened.begin()
  return { store: opened, before }
}

test('no file is taken for one of its own because of its name', async () => {
  const vfs = memVfs()
  const { store: opened } = await store(vfs, 24, true)
  const { generation } = manifestOf(vfs)
  const [first] = manifestOf(vfs).segments
  // Whoever put it there, and whatever it holds: it is not ours to remove.
  const name = segmentName({ firstSeq: first?.firstSeq ?? 0, generation: generation + 1 })
  const path = `${DIR}/${name}`
  vfs.put(path, Buffer.from('somebody wants this back'))
  const dry = await opened.measure(await opened.view(), {
    verdicts: await verdictsBy(opened, thinned),
    dropped: [],
  })
  const done = await compactTo(opened, thinned)
  expect(done?.after.generation).toBe(generation + 2)
  expect(done?.after.bytes).toBe(dry)
  expect(vfs.bytes(path).toString()).toBe('somebody wants this back')
  await opened.close()
})

describe.each([
  ['at rest', false],
  ['that takes appends', true],
])('compaction of a store %s', (_, live) => {
  test.each([
    ['rewrites segments', thinned],
    ['drops segments', late],
    ['drops some and rewrites others', (seq: number) => seq > 4 && seq % 2 === 0],
    ['takes something out of the newest segment', (seq: number) => seq !== 23],
    ['drops everything but one record', (seq: number) => seq === 11],
    ['drops everything', () => false],
  ])('%s, and leaves what stays byte for byte', async (_what, stays) => {
    const vfs = memVfs()
    const { store: opened, before } = await store(vfs, 24, live)
    const bytes = (await opened.describe()).bytes
    const result = await compactTo(opened, stays)
    const expected = kept(before, stays)
    expect(result).toMatchObject({
      before: { generation: 1, records: 24, bytes },
      after: { generation: 2, records: expected.length },
      verified: true,
    })
    expect(await readAll(opened)).toEqual(expected)
    expect((await opened.scan()).anomalies).toEqual([])
    if (!live) expect((await opened.begin()).nextSeq).toBe(25)
    expect(await opened.append(facts(25, 2))).toEqual({ firstSeq: 25, lastSeq: 26 })
    const { metrics, history } = await opened.describe()
    expect(metrics.totals).toMatchObject({
      recordsDropped: 24 - expected.length,
      compactions: 1,
      recordsStored: expected.length + 2,
      recordsWritten: 26,
    })
    expect(history.at(-1)).toMatchObject({
      what: 'compaction',
      generation: 2,
      recordsRemoved: 24 - expected.length,
      bytesRemoved: metrics.totals.bytesReclaimed,
      detail: '',
      trigger: 'request',
    })
    await opened.close()
    const { records, unnamed, manifest } = await strictly(vfs)
    expect([...records.keys()]).toEqual([...expected.map(({ seq }) => seq), 25, 26])
    expect(unnamed).toEqual([])
    expect(manifest.obsolete).toEqual([])
    const again = await open(vfs)
    expect((await again.scan({ coverage: 'full' })).anomalies).toEqual([])
    await again.close()
  })

  test('reclaims exactly what the files of the segments shrink by', async () => {
    const vfs = memVfs()
    const { store: opened } = await store(vfs, 24, live)
    const sizes = (): number => manifestOf(vfs).segments.reduce((sum, { bytes }) => sum + bytes, 0)
    const was = sizes()
    await compactTo(opened, thinned)
    const { totals } = (await opened.describe()).metrics
    expect(totals.bytesReclaimed).toBe(was - sizes())
    await opened.close()
  })

  test('changes nothing where nothing has to go', async () => {
    const vfs = memVfs()
    const { store: opened } = await store(vfs, 12, live)
    const { ops } = vfs
    expect(await compactTo(opened, () => true)).toBeNull()
    expect(vfs.ops).toBe(ops)
    await opened.close()
  })

  test('a second run goes on from the first: segments that were rewritten are again', async () => {
    const vfs = memVfs()
    const { store: opened, before } = await store(vfs, 24, live)
    await compactTo(opened, thinned)
    const second: Stays = (seq) => seq % 6 === 0 || seq >= 18
    expect(await compactTo(opened, second)).toMatchObject({ after: { generation: 3 } })
    expect(await readAll(opened)).toEqual(kept(kept(before, thinned), second))
    await opened.close()
    await strictly(vfs)
  })
})

describe('what a compaction reads', () => {
  test('of segments that go as a whole: nothing', async () => {
    const mem = memVfs()
    await filled(mem, 24)
    const { vfs, read } = countingVfs(mem)
    const opened = await open(vfs)
    await opened.begin()
    const verdicts = await verdictsBy(opened, late)
    const gone = verdicts.flatMap(({ action, segment }) => (action === 'drop' ? [segment] : []))
    expect(gone.length).toBeGreaterThan(1)
    read.clear()
    const plan = { verdicts, dropped: [] }
    await opened.compact({ plan: () => Promise.resolve(plan), trigger: 'request' })
    const paths = [...read.keys()]
    for (const { firstSeq } of gone) {
      const name = String(firstSeq).padStart(20, '0')
      expect(paths.filter((path) => path.includes(`${name}-00000001`))).toEqual([])
    }
    await opened.close()
  })

  test('of a segment that is rewritten: its file once, and the new one once', async () => {
    const mem = memVfs()
    await filled(mem, 24)
    const { vfs, read } = countingVfs(mem)
    const opened = await open(vfs)
    await opened.begin()
    const [first] = manifestOf(mem).segments
    const path = segmentPaths(mem)[0] ?? ''
    const keep = ({ seq }: { seq: number }): boolean => seq !== 2
    const verdicts = [
      { segment: first as NonNullable<typeof first>, action: 'rewrite', keep } as const,
    ]
    read.clear()
    await opened.compact({
      plan: () => Promise.resolve({ verdicts, dropped: [] }),
      trigger: 'request',
    })
    const after = manifestOf(mem).segments[0]?.bytes ?? 0
    expect(read.get(segmentPaths(mem)[0] ?? '')).toBe(after)
    // Head and marks are looked at by themselves, and it is no larger than one look.
    expect(read.get(path)).toBeLessThanOrEqual((first?.bytes ?? 0) * 3)
    await opened.close()
  })
})

describe('appends between the plan and its end', () => {
  test('stay, also in a segment that was to go as a whole', async () => {
    const vfs = memVfs()
    const { store: opened } = await store(vfs, 23, true)
    const active = manifestOf(vfs).active.firstSeq
    const stays: Stays = (seq) => seq < active
    const before = await readAll(opened)
    await compactTo(opened, stays, {
      between: async () => void (await opened.append(facts(24, 1))),
    })
    const after = await readAll(opened)
    expect(after.map(({ seq }) => seq)).toEqual([...kept(before, stays).map(({ seq }) => seq), 24])
    await opened.close()
    await strictly(vfs)
  })

  test('go on all the time, rotations too', async () => {
    const vfs = memVfs()
    const { store: opened, before } = await store(vfs, 24, true)
    let done = false
    const work = compactTo(opened, thinned).finally(() => {
      done = true
    })
    let n = 25
    while (!done || n < 60) await opened.append(facts(n++, 1))
    expect((await work)?.verified).toBe(true)
    const expected = kept(before, thinned).map(({ seq }) => seq)
    for (let seq = 25; seq < n; seq++) expected.push(seq)
    expect((await readAll(opened)).map(({ seq }) => seq)).toEqual(expected)
    await opened.close()
    const { records } = await strictly(vfs)
    expect([...records.keys()]).toEqual(expected)
  })

  test('readers keep what stays, each record once, in both directions', async () => {
    for (const order of ['oldest', 'newest'] as const) {
      const vfs = memVfs()
      const { store: opened, before } = await store(vfs, 24, true)
      const seen: number[] = []
      for await (const { seq } of opened.read({ order })) {
        seen.push(seq)
        if (seen.length === 5) await compactTo(opened, thinned)
      }
      expect(new Set(seen).size).toBe(seen.length)
      const stay = kept(before, thinned).map(({ seq }) => seq)
      expect(stay.filter((seq) => !seen.includes(seq))).toEqual([])
      await opened.close()
    }
  })
})

describe('a run that is stopped', () => {
  test('by a signal leaves whole steps on record, and the next run does the rest', async () => {
    const vfs = memVfs()
    const { store: opened, before } = await store(vfs, 24, true)
    const stop = new AbortController()
    let steps = 0
    const real = await verdictsBy(opened, thinned)
    const verdicts = real.map((verdict) => {
      if (verdict.action !== 'rewrite') return verdict
      if (++steps === 3) {
        const keep = (meta: Parameters<typeof verdict.keep>[0]): boolean => {
          stop.abort()
          return verdict.keep(meta)
        }
        return { ...verdict, keep }
      }
      return verdict
    })
    const plan = { verdicts, dropped: [] }
    const run = opened.compact({
      plan: () => Promise.resolve(plan),
      trigger: 'schedule',
      signal: stop.signal,
    })
    await expect(run).rejects.toMatchObject({ code: 'aborted' })
    const { history, metrics } = await opened.describe()
    const left = await readAll(opened)
    expect(left.length).toBeLessThan(24)
    expect(left.length).toBeGreaterThan(kept(before, thinned).length)
    expect(metrics.totals).toMatchObject({ compactions: 1, recordsDropped: 24 - left.length })
    expect(history.filter(({ what }) => what === 'compaction')).toMatchObject([
      { recordsRemoved: 24 - left.length, detail: 'stopped: aborted', trigger: 'schedule' },
    ])
    const summed = history.at(-1)?.dropped ?? []
    expect(summed.reduce((sum, { records }) => sum + records, 0)).toBe(24 - left.length)
    expect(manifestOf(vfs).obsolete).toEqual([])
    await compactTo(opened, thinned)
    expect(await readAll(opened)).toEqual(kept(before, thinned))
    expect((await opened.describe()).metrics.totals).toMatchObject({ compactions: 2 })
    await opened.close()
    expect(bySeq(kept(before, thinned))).toEqual((await strictly(vfs)).records)
  })
})

test('where there is no room for a copy, what goes as a whole goes first', async () => {
  const vfs = memVfs()
  const { store: opened, before } = await store(vfs, 24, true)
  const stays: Stays = (seq) => seq > 12 && seq !== 14
  const order: string[] = []
  vfs.onOp = ({ name, path }) => {
    if (name === 'create' || name === 'unlink') order.push(`${name} ${path.slice(-35, -7)}`)
  }
  const free = vfs.freeBytes.bind(vfs)
  let calls = 0
  vfs.freeBytes = async (path) => (++calls === 1 ? 10 : free(path))
  await compactTo(opened, stays)
  vfs.onOp = undefined
  const firstUnlink = order.findIndex((op) => op.startsWith('unlink 00'))
  const firstCreate = order.findIndex((op) => op.startsWith('create 00'))
  expect(firstUnlink).toBeGreaterThanOrEqual(0)
  expect(firstCreate).toBeGreaterThan(firstUnlink)
  expect(await readAll(opened)).toEqual(kept(before, stays))
  await opened.close()
})
