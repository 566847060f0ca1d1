import { isPapyraError, type RecordMeta, type RetentionPolicy } from '@papyra/contracts'
import { planGroups, planRetention, type RetentionPlan } from '@papyra/retention'
import { describe, expect, it } from 'vitest'
import { NOW, record, series } from './support/records.js'
import { Segment, newestFirst } from './support/segments.js'

/** Ten segments of ten records, 10 s apart, each of one time: segment i is (9 - i) * 10 s old. */
function tens(kindOf: (seq: number) => string = () => 'event'): Segment[] {
  return Array.from({ length: 10 }, (_, i) => {
    const age = (9 - i) * 10
    const records = series(i * 10 + 1, 10, { age })
    return new Segment(records.map((meta) => ({ ...meta, kind: kindOf(meta.seq) })))
  })
}

async function planned(
  segments: readonly Segment[],
  policy: RetentionPolicy,
): Promise<RetentionPlan> {
  return await planRetention(() => newestFirst(segments), policy, { now: NOW })
}

async function actions(
  segments: readonly Segment[],
  policy: RetentionPolicy,
): Promise<{ actions: string; reads: number[] }> {
  const groups = await planGroups(await planned(segments, policy), segments)
  return {
    actions: groups.map(({ action }) => action[0]).join(''),
    reads: segments.map(({ reads }) => reads),
  }
}

const none = Array.from({ length: 10 }, () => 0)
const only = (index: number, reads: number): number[] =>
  none.map((_, i) => (i === index ? reads : 0))

describe('which segments are read', () => {
  it.each([
    ['an age limit between two segments', { maxAgeSeconds: 45 }, 'dddddkkkkk', none],
    ['no limit', {}, 'kkkkkkkkkk', none],
    ['a count that ends between two segments', { maxRecords: 30 }, 'dddddddkkk', none],
    ['a count that ends inside one', { maxRecords: 35 }, 'ddddddrkkk', only(6, 2)],
    ['bytes that end inside one', { maxTotalBytes: 399 }, 'ddddddrkkk', only(6, 2)],
    ['a limit of another kind', { perKind: { audit: { maxRecords: 1 } } }, 'kkkkkkkkkk', none],
    ['an age and a count', { maxAgeSeconds: 45, maxRecords: 20 }, 'ddddddddkk', none],
  ])('with %s', async (_, policy, expected, reads) => {
    expect(await actions(tens(), policy)).toEqual({ actions: expected, reads })
  })

  it('where kinds differ, a segment that only loses a whole kind is not read to know that', async () => {
    const segments = tens((seq) => (seq % 10 === 0 ? 'dead_letter' : 'event'))
    const policy = { maxAgeSeconds: 85, perKind: { event: { maxAgeSeconds: 45 } } }
    expect(await actions(segments, policy)).toEqual({ actions: 'drrrrkkkkk', reads: none })
  })

  it('one that an age cuts through is read', async () => {
    const segments = tens()
    const [first] = segments
    const mixed = series(1, 10).map((meta, i) => ({ ...meta, timestamp: NOW - i * 10_000 }))
    if (first !== undefined) segments[0] = new Segment(mixed)
    expect(await actions(segments, { maxAgeSeconds: 45 })).toEqual({
      actions: 'rddddkkkkk',
      reads: only(0, 2),
    })
  })

  it('the newest is read as far as its newest time, and no farther', async () => {
    const records = series(1, 50).map((meta, i) => ({ ...meta, timestamp: NOW - 1000 * (50 - i) }))
    const segment = new Segment(records, 5)
    const plan = await planned([segment], { maxRecords: 100 })
    expect(plan.newestUsable).toBe(NOW - 1000)
    expect(segment).toMatchObject({ reads: 1, recordsRead: 5 })
  })

  it('of those with some records without a time only the first and the last', async () => {
    const segments = tens()
    const undated = (i: number): Segment =>
      new Segment(
        series(i * 10 + 1, 10).map((meta, n) => (n === 4 ? { ...meta, timestamp: 0 } : meta)),
      )
    for (const i of [2, 4, 6]) segments[i] = undated(i)
    const plan = await planned(segments, { maxRecords: 1000 })
    expect(plan.undated).toEqual({ records: 3, seq: { first: 25, last: 65 } })
    expect(segments.map(({ reads }) => reads)).toEqual([0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
  })
})

describe('summaries that cannot be', () => {
  const source = (change: Partial<Segment['kinds'][number]>) => async () => {
    const segment = new Segment(series(1, 5))
    const kinds = segment.kinds.map((kind) => ({ ...kind, ...change }))
    return await planRetention(
      async function* () {
        yield { kinds, metas: () => segment.metas() }
      },
      {},
      { now: NOW },
    )
  }
  it.each([{ records: 6 }, { bytes: 4 }, { firstSeq: 0 }, { lastSeq: 0.5 }, { bytes: Number.NaN }])(
    'are refused: %j',
    async (change) => {
      const error: unknown = await source(change)().catch((reason: unknown) => reason)
      expect(isPapyraError(error, 'invalid_argument')).toBe(true)
    },
  )

  it('and so are segments in the wrong order', async () => {
    const segments = [new Segment(series(6, 5)), new Segment(series(1, 5))]
    const error: unknown = await planned(segments, {}).catch((reason: unknown) => reason)
    expect(isPapyraError(error, 'invalid_argument')).toBe(true)
  })
})

it('an aborted signal stops planning of groups', async () => {
  const segments = tens()
  const plan = await planned(segments, { maxRecords: 5 })
  const signal = AbortSignal.abort()
  await expect(planGroups(plan, segments, { signal })).rejects.toMatchObject({ code: 'aborted' })
})

it('records that the plan has not seen stay, and their segment is read to tell them apart', async () => {
  const old: RecordMeta[] = series(1, 5, { age: 100 })
  const plan = await planned([new Segment(old)], { maxAgeSeconds: 50 })
  const grown = new Segment([...old, record(6, { age: 100 })])
  const [group] = await planGroups(plan, [grown])
  expect(group).toMatchObject({ action: 'rewrite', kept: { records: 1 } })
  expect(group?.keptSeq).toEqual({ first: 6, last: 6 })
})
