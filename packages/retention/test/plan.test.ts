import type { RecordMeta } from '@papyra/contracts'
import { planRetention, verdict } from '@papyra/retention'
import { describe, expect, it } from 'vitest'
import { NOW, fate, keptSeqs, planOf, record, series } from './support/records.js'

describe('age', () => {
  it('keeps a record that is exactly as old as allowed, and drops one a millisecond older', async () => {
    const store = [
      record(1, { timestamp: NOW - 10_001 }),
      record(2, { timestamp: NOW - 10_000 }),
      record(3, { timestamp: NOW - 9_999 }),
    ]
    const plan = await planOf(store, { maxAgeSeconds: 10 })
    expect(keptSeqs(plan, store)).toEqual([2, 3])
    expect(plan.dropped).toEqual([
      {
        kind: 'event',
        reason: 'age',
        limit: 'maxAgeSeconds',
        records: 1,
        bytes: 10,
        seq: { first: 1, last: 1 },
      },
    ])
  })

  it('looks at the time of each record, not at its place', async () => {
    const store = [record(1), record(2, { age: 60 }), record(3), record(4, { age: 60 })]
    expect(keptSeqs(await planOf(store, { maxAgeSeconds: 30 }), store)).toEqual([1, 3])
  })

  it('lets the log-wide limit drop kinds that have an age limit of their own, too', async () => {
    const store = [record(1, { kind: 'audit', age: 50 }), record(2, { kind: 'audit', age: 5 })]
    const plan = await planOf(store, {
      maxAgeSeconds: 10,
      perKind: { audit: { maxAgeSeconds: 100 } },
    })
    expect(store.map((meta) => fate(plan, meta))).toEqual(['maxAgeSeconds', 'kept'])
  })

  it('applies the limit of one kind to that kind alone', async () => {
    const store = [record(1, { age: 50 }), record(2, { kind: 'audit', age: 50 })]
    const plan = await planOf(store, { perKind: { audit: { maxAgeSeconds: 10 } } })
    expect(store.map((meta) => fate(plan, meta))).toEqual(['kept', 'perKind.audit.maxAgeSeconds'])
  })

  it.each([
    ['not a number', Number.NaN],
    ['infinite', Number.NEGATIVE_INFINITY],
    ['of a monotonic clock', 12_345],
    ['a millisecond before the year 2000', Date.UTC(2000, 0, 1) - 1],
    ['more than 60 s ahead', NOW + 60_001],
  ])('never drops a record whose time is %s, and reports it', async (_, timestamp) => {
    const store = [record(1), record(4, { timestamp }), record(9, { age: 100 })]
    const plan = await planOf(store, { maxAgeSeconds: 10 })
    expect(keptSeqs(plan, store)).toEqual([1, 4])
    expect(plan.undated).toEqual({ records: 1, seq: { first: 4, last: 4 } })
  })

  it.each([
    ['the first moment of the year 2000', Date.UTC(2000, 0, 1), [2]],
    ['exactly 60 s ahead', NOW + 60_000, [1, 2]],
  ])('judges a record whose time is %s', async (_, timestamp, kept) => {
    const store = [record(1, { timestamp }), record(2)]
    const plan = await planOf(store, { maxAgeSeconds: 10 })
    expect(keptSeqs(plan, store)).toEqual(kept)
    expect(plan.undated).toEqual({ records: 0, seq: null })
  })

  it('lets count and bytes drop undated records, which stay reported', async () => {
    const store = series(1, 3).map((meta) => ({ ...meta, timestamp: Number.NaN }))
    const plan = await planOf(store, { maxAgeSeconds: 1, maxRecords: 1 })
    expect(keptSeqs(plan, store)).toEqual([3])
    expect(plan.undated).toEqual({ records: 3, seq: { first: 1, last: 3 } })
  })
})

describe('count', () => {
  it('keeps the newest by number, whatever their times', async () => {
    const store = [record(1), record(2, { age: 9 }), record(3, { age: 99 })]
    const plan = await planOf(store, { maxRecords: 2 })
    expect(keptSeqs(plan, store)).toEqual([2, 3])
    expect(plan.kept).toEqual({ records: 2, bytes: 20 })
    expect(plan.total).toEqual({ records: 3, bytes: 30 })
  })

  it('drops nothing where the number is exactly the limit', async () => {
    const plan = await planOf(series(1, 5), { maxRecords: 5 })
    expect(plan.dropped).toEqual([])
    expect(plan.rules.event).toEqual([])
  })

  it('does not count what age has dropped, and names the limit that came first', async () => {
    const store = [record(1), record(2, { age: 99 }), record(3), record(4, { age: 99 }), record(5)]
    const plan = await planOf(store, { perKind: { event: { maxAgeSeconds: 10, maxRecords: 2 } } })
    expect(store.map((meta) => fate(plan, meta))).toEqual([
      'perKind.event.maxRecords',
      'perKind.event.maxAgeSeconds',
      'kept',
      'perKind.event.maxAgeSeconds',
      'kept',
    ])
  })
})

describe('bytes', () => {
  it('keeps records that fill the limit exactly, and one byte less drops the oldest', async () => {
    const store = [record(1, { bytes: 30 }), record(2, { bytes: 30 }), record(3, { bytes: 40 })]
    expect(keptSeqs(await planOf(store, { maxTotalBytes: 100 }), store)).toEqual([1, 2, 3])
    expect(keptSeqs(await planOf(store, { maxTotalBytes: 99 }), store)).toEqual([2, 3])
  })

  it('keeps an unbroken run: a small record behind one that does not fit goes too', async () => {
    const store = [record(1, { bytes: 1 }), record(2, { bytes: 90 }), record(3, { bytes: 20 })]
    expect(keptSeqs(await planOf(store, { maxTotalBytes: 100 }), store)).toEqual([3])
  })

  it('never drops the newest record of the log, and says that the limit is unmet', async () => {
    const store = [record(1, { bytes: 1 }), record(2, { bytes: 500 })]
    const plan = await planOf(store, { maxTotalBytes: 100 })
    expect(keptSeqs(plan, store)).toEqual([2])
    expect(plan.unmet).toMatchObject([{ limit: 'maxTotalBytes', wanted: 100, actual: 500 }])
    expect(plan.unmet[0]?.detail).toContain('newest record')
  })

  it('takes as newest the newest that earlier rules leave', async () => {
    const store = [record(1, { bytes: 500 }), record(2, { bytes: 500 }), record(3, { age: 99 })]
    const plan = await planOf(store, { maxAgeSeconds: 10, maxTotalBytes: 100 })
    expect(store.map((meta) => fate(plan, meta))).toEqual([
      'maxTotalBytes',
      'kept',
      'maxAgeSeconds',
    ])
  })

  it('never drops the newest record of a kind for the limit of that kind', async () => {
    const store = [
      record(1, { kind: 'audit', bytes: 5 }),
      record(2, { kind: 'audit', bytes: 500 }),
      record(3),
    ]
    const plan = await planOf(store, { perKind: { audit: { maxTotalBytes: 100 } } })
    expect(keptSeqs(plan, store)).toEqual([2, 3])
    expect(plan.unmet).toMatchObject([
      { limit: 'perKind.audit.maxTotalBytes', wanted: 100, actual: 500 },
    ])
  })

  it('lets the log-wide limit drop the newest of a kind if it is not the newest of the log', async () => {
    const store = [record(1, { kind: 'audit', bytes: 500 }), record(2)]
    const plan = await planOf(store, { maxTotalBytes: 100 })
    expect(keptSeqs(plan, store)).toEqual([2])
    expect(plan.unmet).toEqual([])
  })
})

describe('log-wide limits beside limits of a kind', () => {
  const letters = series(1, 4, { kind: 'dead_letter', age: 5 })

  it('never lets events evict dead letters that have their own limit', async () => {
    const store = [...letters, ...series(5, 1000)]
    const plan = await planOf(store, {
      maxRecords: 10,
      maxTotalBytes: 10_000,
      perKind: { dead_letter: { maxRecords: 4, maxTotalBytes: 40 } },
    })
    expect(keptSeqs(plan, store)).toEqual([1, 2, 3, 4, 999, 1000, 1001, 1002, 1003, 1004])
    expect(plan.unmet).toEqual([])
  })

  it('still lets a log-wide limit of another sort take from them', async () => {
    const store = [...letters, ...series(5, 2)]
    const plan = await planOf(store, {
      maxTotalBytes: 30,
      perKind: { dead_letter: { maxRecords: 4 } },
    })
    expect(keptSeqs(plan, store)).toEqual([4, 5, 6])
  })

  it('takes all it may and reports the rest as unmet', async () => {
    const store = [...letters, ...series(5, 3)]
    const plan = await planOf(store, { maxRecords: 3, perKind: { dead_letter: { maxRecords: 9 } } })
    expect(keptSeqs(plan, store)).toEqual([1, 2, 3, 4])
    expect(plan.unmet).toMatchObject([{ limit: 'maxRecords', wanted: 3, actual: 4 }])
    expect(plan.unmet[0]?.detail).toContain('4 records are kept')
  })

  it('is met where the protected kinds fill it exactly', async () => {
    const store = [...letters, ...series(5, 3)]
    const plan = await planOf(store, { maxRecords: 4, perKind: { dead_letter: { maxRecords: 9 } } })
    expect(keptSeqs(plan, store)).toEqual([1, 2, 3, 4])
    expect(plan.unmet).toEqual([])
  })

  it('takes nothing where every kind has that limit of its own', async () => {
    const store = [record(1), record(2, { kind: 'audit' }), record(3, { kind: 'dead_letter' })]
    const own = { maxRecords: 5 }
    const perKind = { event: own, audit: own, dead_letter: own }
    const plan = await planOf(store, { maxRecords: 1, perKind })
    expect(keptSeqs(plan, store)).toEqual([1, 2, 3])
    expect(plan.unmet).toMatchObject([{ limit: 'maxRecords', wanted: 1, actual: 3 }])
  })
})

describe('unknown kinds', () => {
  it('are never dropped, and count against log-wide limits', async () => {
    const store = [
      record(1, { kind: 'metric', age: 999 }),
      record(2, { kind: 'constructor', age: 999 }),
      ...series(3, 5),
    ]
    const count = await planOf(store, { maxAgeSeconds: 10, maxRecords: 4 })
    expect(keptSeqs(count, store)).toEqual([1, 2, 6, 7])
    const bytes = await planOf(store, { maxTotalBytes: 35 })
    expect(keptSeqs(bytes, store)).toEqual([1, 2, 7])
  })

  it('leave a limit unmet where they alone exceed it', async () => {
    const store = [...series(1, 3, { kind: 'metric' }), record(4)]
    const plan = await planOf(store, { maxRecords: 2 })
    expect(keptSeqs(plan, store)).toEqual([1, 2, 3])
    expect(plan.unmet).toMatchObject([{ limit: 'maxRecords', wanted: 2, actual: 3 }])
  })
})

describe('the verdict', () => {
  it('keeps records that were appended after the plan was made', async () => {
    const store = series(1, 3)
    const plan = await planOf(store, { maxAgeSeconds: 1, maxRecords: 1 })
    expect(verdict(plan, record(4, { age: 999 }))).toBeNull()
    expect(verdict(plan, record(3))).toBeNull()
    expect(verdict(plan, record(2))).toEqual({ reason: 'count', limit: 'maxRecords' })
  })

  it('of a plan for an empty store keeps everything', async () => {
    const plan = await planOf([], { maxRecords: 1, maxAgeSeconds: 1 })
    expect(plan).toMatchObject({
      newestSeq: 0,
      newestUsable: null,
      total: { records: 0, bytes: 0 },
      kept: { records: 0, bytes: 0 },
      dropped: [],
      unmet: [],
      undated: { records: 0, seq: null },
    })
    expect(verdict(plan, record(1, { age: 999 }))).toBeNull()
  })

  it('does not change when the caller changes its policy object afterwards', async () => {
    const policy: { maxRecords: number } = { maxRecords: 2 }
    const store: RecordMeta[] = series(1, 4)
    async function* source(): AsyncGenerator<RecordMeta> {
      policy.maxRecords = 1
      yield* [...store].reverse()
    }
    const plan = await planRetention(source, policy, { now: NOW })
    expect(plan.policy).toEqual({ maxRecords: 2 })
    expect(keptSeqs(plan, store)).toEqual([3, 4])
  })
})

describe('the newest plausible time', () => {
  it('is that of the greatest number, however far ahead, and never an implausible one', async () => {
    const ahead = NOW + 7 * 86_400_000
    const store = [record(1), record(2, { timestamp: ahead }), record(3, { timestamp: 5 })]
    expect((await planOf(store, {})).newestUsable).toBe(ahead)
    expect((await planOf([...store, record(4, { age: 3 })], {})).newestUsable).toBe(NOW - 3000)
  })
})
