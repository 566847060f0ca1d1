import type { RetentionPolicy } from '@papyra/contracts'
import { createLiveView, isStreamable } from '@papyra/retention'
import { describe, expect, it } from 'vitest'
import { NOW, record, series } from './support/records.js'

const own = { maxRecords: 5, maxTotalBytes: 50 }
const everyKind = { event: own, audit: own, dead_letter: own }

describe('isStreamable', () => {
  const cases: readonly [string, RetentionPolicy, boolean, boolean][] = [
    ['no limit', {}, true, true],
    ['log-wide age', { maxAgeSeconds: 5 }, true, true],
    ['limits of kinds only', { perKind: { event: own } }, true, true],
    ['log-wide age beside limits of kinds', { maxAgeSeconds: 5, perKind: everyKind }, true, true],
    ['log-wide count', { maxRecords: 5 }, false, true],
    ['log-wide bytes', { maxTotalBytes: 5 }, false, true],
    [
      'a log-wide count beside one of a kind',
      { maxRecords: 5, perKind: { audit: { maxRecords: 1 } } },
      false,
      false,
    ],
    [
      'log-wide bytes beside bytes of a kind',
      { maxTotalBytes: 5, perKind: { audit: { maxTotalBytes: 1 } } },
      false,
      false,
    ],
    [
      'a log-wide count beside bytes of a kind',
      { maxRecords: 5, perKind: { audit: { maxTotalBytes: 1 } } },
      false,
      true,
    ],
    [
      'log-wide limits that may take from no kind',
      { maxRecords: 1, maxTotalBytes: 1, perKind: everyKind },
      true,
      true,
    ],
  ]
  it.each(cases)('%s', (_, policy, whenUnknownMayOccur, whenNone) => {
    expect(isStreamable(policy)).toBe(whenUnknownMayOccur)
    expect(isStreamable(policy, { unknownKinds: 'possible' })).toBe(whenUnknownMayOccur)
    expect(isStreamable(policy, { unknownKinds: 'none' })).toBe(whenNone)
  })
})

describe('createLiveView', () => {
  it('refuses a policy that is not streamable, and a wrong one', () => {
    expect(() => createLiveView({ maxRecords: 5 }, NOW)).toThrow('without counting older records')
    expect(() => createLiveView({ maxRecords: -5 }, NOW)).toThrow('positive whole number')
    expect(() => createLiveView({}, Number.NaN)).toThrow('now must be a time')
  })

  it('is exhausted as soon as the last record that fits was seen', () => {
    const view = createLiveView({ maxRecords: 2 }, NOW, { unknownKinds: 'none' })
    expect(view.exhausted()).toBe(false)
    expect(view.verdict(record(9))).toBeNull()
    expect(view.exhausted()).toBe(false)
    expect(view.verdict(record(8, { kind: 'audit' }))).toBeNull()
    expect(view.exhausted()).toBe(true)
    expect(view.verdict(record(7))).toEqual({ reason: 'count', limit: 'maxRecords' })
  })

  it('is exhausted by bytes that are filled exactly, or by a record that does not fit', () => {
    const exact = createLiveView({ maxTotalBytes: 20 }, NOW, { unknownKinds: 'none' })
    exact.verdict(record(9))
    expect(exact.exhausted()).toBe(false)
    exact.verdict(record(8))
    expect(exact.exhausted()).toBe(true)
    const over = createLiveView({ maxTotalBytes: 25 }, NOW, { unknownKinds: 'none' })
    for (const meta of series(8, 2).reverse()) over.verdict(meta)
    expect(over.exhausted()).toBe(false)
    expect(over.verdict(record(7))).toEqual({ reason: 'bytes', limit: 'maxTotalBytes' })
    expect(over.exhausted()).toBe(true)
  })

  it('tells kinds apart', () => {
    const view = createLiveView({ perKind: { event: { maxRecords: 1 } } }, NOW)
    view.verdict(record(5))
    expect(view.exhausted(['event'])).toBe(true)
    expect(view.exhausted(['event', 'audit'])).toBe(false)
    expect(view.exhausted(['metric'])).toBe(false)
    expect(view.exhausted()).toBe(false)
  })

  it('is never exhausted for all kinds while unknown kinds, which are always kept, may come', () => {
    const perKind = {
      event: { maxRecords: 1 },
      audit: { maxRecords: 1 },
      dead_letter: { maxRecords: 1 },
    }
    const [open, closed] = [
      createLiveView({ perKind }, NOW),
      createLiveView({ perKind }, NOW, { unknownKinds: 'none' }),
    ]
    for (const view of [open, closed]) {
      view.verdict(record(9, { kind: 'event' }))
      view.verdict(record(8, { kind: 'audit' }))
      view.verdict(record(7, { kind: 'dead_letter' }))
    }
    expect(open.exhausted()).toBe(false)
    expect(open.exhausted(['event', 'audit', 'dead_letter'])).toBe(true)
    expect(closed.exhausted()).toBe(true)
    expect(open.verdict(record(3, { kind: 'metric' }))).toBeNull()
  })

  it('is never exhausted by age, because times need not follow numbers', () => {
    const view = createLiveView({ maxAgeSeconds: 10 }, NOW)
    expect(view.verdict(record(9, { age: 99 }))).toEqual({ reason: 'age', limit: 'maxAgeSeconds' })
    expect(view.exhausted(['event'])).toBe(false)
    expect(view.verdict(record(8))).toBeNull()
  })

  it('refuses records in another order, and an unknown kind where there were to be none', () => {
    const view = createLiveView({}, NOW, { unknownKinds: 'none' })
    view.verdict(record(5))
    expect(() => view.verdict(record(5))).toThrow('newest first')
    expect(() => view.verdict(record(6))).toThrow('newest first')
    expect(() => view.verdict(record(4, { kind: 'metric' }))).toThrow('does not know')
  })
})
