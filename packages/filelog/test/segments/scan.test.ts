import { manualClock } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'
import { encodeManifest } from '../../src/segments/manifest.js'
import { manifestPath } from '../../src/segments/names.js'
import { scanSegments } from '../../src/segments/scan-segments.js'
import { buildSegment, buildStore, DIR, putStore, short, USUAL } from './build-store.js'

describe('scanning a sound store of segments', () => {
  it('finds nothing wrong, and counts', async () => {
    const store = buildStore()
    const scan = await scanSegments(await putStore(store), DIR)
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({
      records: 35,
      firstSeq: 1,
      lastSeq: 35,
      knownEnd: 35,
      rebuilt: false,
    })
    expect(scan).toMatchObject({ coverage: 'full', unread: null, unproven: null, foreign: false })
    expect(scan.bytes).toBe(store.segments.reduce((sum, { bytes }) => sum + bytes.length, 0))
    expect(scan.segments.map(({ state }) => state)).toEqual(['sound', 'sound', 'sound', 'sound'])
    expect(scan.segments.map((one) => one.scan !== null)).toEqual([false, false, false, true])
    expect([scan.extras, scan.traces, scan.notices]).toEqual([[], [], []])
  })

  it('takes a store that was killed, with an empty active segment, as sound', async () => {
    const segments = [...USUAL.segments.slice(0, 3), { firstSeq: 31, lastSeq: 30 }]
    const scan = await scanSegments(await putStore(buildStore({ segments, closed: false })), DIR)
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({ records: 30, lastSeq: 30, unproven: null })
  })

  it('takes rewritten and dropped segments as sound', async () => {
    const segments = [
      { firstSeq: 11, lastSeq: 20, generation: 3, keeps: (seq: number) => seq % 3 === 0 },
      { firstSeq: 31, lastSeq: 40 },
      { firstSeq: 41, lastSeq: 44, generation: 2 },
    ]
    const scan = await scanSegments(await putStore(buildStore({ segments })), DIR)
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({ records: 17, firstSeq: 12, lastSeq: 44 })
  })

  it('says which numbers are not proven after a power cut', async () => {
    const store = buildStore({ ...USUAL, closed: false, bootId: 'boot-0' })
    const scan = await scanSegments(await putStore(store), DIR)
    expect(short(scan)).toEqual([])
    expect(scan.unproven).toEqual({ after: 35 })
    expect(scan.notices.map(({ code }) => code)).toEqual(['unproven_tail'])
  })

  it('tells of traces, and that they are no damage', async () => {
    const vfs = await putStore(buildStore())
    const empty = buildSegment({ firstSeq: 36, lastSeq: 35, active: true })
    vfs.put(empty.path, empty.bytes)
    vfs.put(`${empty.path}.mark`, '')
    vfs.put(`${manifestPath(DIR)}.0123456789ab.tmp`, 'half')
    const rewritten = buildSegment({ firstSeq: 11, lastSeq: 20, generation: 2, keeps: () => false })
    vfs.put(rewritten.path, rewritten.bytes)
    const scan = await scanSegments(vfs, DIR)
    expect(short(scan)).toEqual([])
    expect(scan.extras.map(({ what }) => what)).toEqual(['trace', 'trace'])
    expect(scan.traces).toHaveLength(2)
    expect(scan.notices).toMatchObject([{ code: 'interrupted_work', count: 4 }])
    const alive = await scanSegments(vfs, DIR, { ownerAlive: true })
    expect(alive.notices.map(({ code }) => code)).toEqual(['owner_alive'])
  })

  it('tells of kinds that it does not know, and of recorded losses', async () => {
    const kind = (seq: number): string => (seq % 5 === 0 || seq === 37 ? 'invoice' : 'event')
    const plans = [...USUAL.segments.slice(0, 3), { firstSeq: 31, lastSeq: 37 }]
    const segments = plans.map((one) => ({ ...one, kind }))
    const losses = [
      { seq: { first: 5, last: 6 }, records: 2, code: 'sequence_gap' as const, at: 1 },
    ]
    const scan = await scanSegments(
      await putStore(buildStore({ segments, manifest: { losses } })),
      DIR,
    )
    expect(scan.notices.map(({ code, count }) => `${code} ${count}`)).toEqual([
      'recorded_loss 2',
      'unknown_kind 6',
      'unknown_kind 1',
    ])
  })

  it('refuses a later format, and a folder without a store', async () => {
    const store = buildStore()
    const vfs = await putStore(store)
    vfs.put(manifestPath(DIR), encodeManifest({ ...store.manifest, format: 2 }))
    const scan = await scanSegments(vfs, DIR)
    expect(scan).toMatchObject({ store: null, anomalyCounts: { newer_format: 1 } })
    await vfs.mkdir('/data/empty')
    vfs.put('/data/file', 'x')
    await expect(scanSegments(vfs, '/data/empty')).rejects.toMatchObject({
      code: 'store_not_found',
    })
    await expect(scanSegments(vfs, '/data/none')).rejects.toMatchObject({ code: 'store_not_found' })
    await expect(scanSegments(vfs, '/data/file')).rejects.toMatchObject({ code: 'not_a_log' })
  })
})

describe('scanning only what came since the last clean close', () => {
  const hour = 3_600_000
  const verifiedAt = 1_704_067_200_000

  it('leaves sealed segments unread while the last verification is young', async () => {
    const store = buildStore({ ...USUAL, manifest: { verifiedAt } })
    const clock = manualClock(verifiedAt + hour)
    const scan = await scanSegments(await putStore(store), DIR, { coverage: 'auto', clock })
    expect(short(scan)).toEqual([])
    const sealed = store.segments.slice(0, 3).reduce((sum, { bytes }) => sum + bytes.length, 0)
    expect(scan).toMatchObject({
      coverage: 'quick',
      unread: { files: 3, bytes: sealed, verifiedAt },
    })
    expect(scan).toMatchObject({ records: 35, firstSeq: 1, lastSeq: 35 })
    expect(scan.segments.map(({ state }) => state)).toEqual(['unread', 'unread', 'unread', 'sound'])
  })

  it.each([
    ['too old', { manifest: { verifiedAt } }, 25 * hour],
    ['in the future', { manifest: { verifiedAt } }, -1],
    ['never', {}, hour],
    ['after an unclean end', { closed: false, manifest: { verifiedAt } }, hour],
    ['with a suspect', { manifest: { verifiedAt, suspect: ['x'] } }, hour],
  ])('reads everything: %s', async (_name, plan, later) => {
    const store = buildStore({ ...USUAL, ...plan })
    const clock = manualClock(verifiedAt + later)
    const scan = await scanSegments(await putStore(store), DIR, { coverage: 'auto', clock })
    expect(scan).toMatchObject({ coverage: 'full', unread: null, anomalies: [] })
  })
})
