import { manualClock } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { createSegmentStore, openSegmentStore, type SegmentStore } from '../../src/index.js'
import { scanSegments } from '../../src/segments/scan-segments.js'
import { faultVfs, type FaultVfs, type MemVfs } from '../../src/testing/index.js'
import { buildStore, DIR, lostNumbers, putStore, short, type BuiltStore } from './build-store.js'
import { manifestOf } from './support.js'

const store = buildStore()

const pathOf = (i: number): string => store.segments[i]?.path ?? ''

function openIt(vfs: FaultVfs): Promise<SegmentStore> {
  const how = { backend: 'rotation', access: 'write', clock: manualClock(), waitLockMs: 0 } as const
  return openSegmentStore(vfs, DIR, how)
}

/** A store of which the system refuses to open some files for reading. */
async function refusing(
  error: string,
  paths: readonly string[],
  built: BuiltStore = store,
): Promise<{ vfs: FaultVfs; below: MemVfs }> {
  const below = await putStore(built)
  const vfs = faultVfs(below, ({ op, path }) =>
    op === 'open' && paths.includes(path) ? { error } : null,
  )
  return { vfs, below }
}

describe.each(['EACCES', 'EIO'])('a segment whose opening fails with %s', (error) => {
  test.each([0, 1, 2, 3])('number %i: is named, and the others are verified', async (i) => {
    const { vfs } = await refusing(error, [pathOf(i)])
    const { firstSeq, lastSeq, seqs } = store.segments[i] ?? { firstSeq: 0, lastSeq: 0, seqs: [] }
    const scan = await scanSegments(vfs, DIR)
    expect(scan.segments.map(({ state }) => state)).toEqual(
      store.segments.map((_, n) => (n === i ? 'unreadable' : 'sound')),
    )
    expect(scan.anomalies).toMatchObject([
      { code: 'unreadable', path: pathOf(i), seq: { first: firstSeq, last: lastSeq }, loss: false },
    ])
    expect(scan.anomalies[0]?.detail).toContain(error)
    expect(lostNumbers(scan)).toEqual({ named: [], unnamed: 0 })
    expect(scan).toMatchObject({ records: 35 - seqs.length, lastSeq: 35 })
  })

  test.each([1, 3])('number %i: recovery and begin refuse, and nothing is changed', async (i) => {
    const { vfs, below } = await refusing(error, [pathOf(i)])
    const names = await below.readdir(DIR)
    const opened = await openIt(vfs)
    const report = await opened.scan({ coverage: 'auto' })
    expect(report).toMatchObject({ coverage: 'full', clean: false })
    expect(report.anomalyCounts).toEqual({ unreadable: 1 })
    for (const dryRun of [true, false]) {
      const recovery = opened.recover({ mode: 'repair', acceptLoss: true, force: true, dryRun })
      await expect(recovery).rejects.toMatchObject({
        code: 'unreadable',
        details: { path: pathOf(i) },
      })
    }
    await expect(opened.begin()).rejects.toMatchObject({ code: 'anomalies_found' })
    vfs.rule = () => null
    expect(await opened.scan()).toMatchObject({ clean: true, records: 35 })
    await opened.close()
    expect(await below.readdir(DIR)).toEqual([...names, 'store.lock'].sort())
    for (const { path, bytes } of store.segments) expect(below.bytes(path)).toEqual(bytes)
  })
})

test('an owner that is told to go on puts it on record', async () => {
  const { vfs, below } = await refusing('EACCES', [pathOf(1)])
  const opened = await openIt(vfs)
  await opened.begin({ onDamage: 'set_tail_aside' })
  expect(manifestOf(below, DIR).suspect).toEqual([store.segments[1]?.name])
  await opened.close()
})

test('a file that nobody knows and that may not be opened is named, not removed', async () => {
  const stray = `${DIR}/00000000000000000031-00000007.ndjson`
  const { vfs, below } = await refusing('EACCES', [stray])
  below.put(stray, Buffer.from('who knows\n'))
  expect(short(await scanSegments(vfs, DIR))).toEqual(['unreadable 31-00000007.ndjson - n0'])
  const opened = await openIt(vfs)
  const recovery = opened.recover({ mode: 'repair' })
  await expect(recovery).rejects.toMatchObject({ code: 'unreadable' })
  await opened.close()
  expect(below.bytes(stray).toString()).toBe('who knows\n')
})

describe('without a manifest', () => {
  test.each([[[1]], [[3]], [[0, 1, 2, 3]]])(
    'segments %j are named, and recovery refuses',
    async (which) => {
      const { vfs, below } = await refusing('EACCES', which.map(pathOf))
      await below.unlink(`${DIR}/manifest.json`)
      const { anomalies } = await scanSegments(vfs, DIR)
      const named = anomalies.filter(({ code }) => code === 'unreadable').map(({ path }) => path)
      expect(named).toEqual(which.map(pathOf))
      const opened = await openIt(vfs)
      const recovery = opened.recover({ mode: 'repair', acceptLoss: true, force: true })
      await expect(recovery).rejects.toMatchObject({ code: 'unreadable' })
      await opened.close()
      for (const { path, bytes } of store.segments) expect(below.bytes(path)).toEqual(bytes)
    },
  )

  test('the only segment there is is not taken for nothing', async () => {
    const small = buildStore({ segments: [{ firstSeq: 1, lastSeq: 3 }] })
    const { vfs, below } = await refusing('EACCES', [pathOf(0)], small)
    await below.unlink(`${DIR}/manifest.json`)
    for (const mark of [true, false]) {
      if (!mark) await below.unlink(`${pathOf(0)}.mark`)
      const created = createSegmentStore(vfs, DIR)
      await expect(created).rejects.toMatchObject({ code: 'store_exists' })
      const scan = await scanSegments(vfs, DIR)
      expect(scan.anomalyCounts).toMatchObject({ unreadable: 1, manifest_damaged: 1 })
    }
    expect(below.bytes(pathOf(0))).toEqual(small.segments[0]?.bytes)
  })
})
