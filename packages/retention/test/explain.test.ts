import { explain } from '@papyra/retention'
import { describe, expect, it } from 'vitest'
import { NOW, planOf, record, series } from './support/records.js'

describe('explain', () => {
  it('names the limit, its number and the times for age', async () => {
    const store = [record(1, { age: 86_401 }), record(2)]
    const plan = await planOf(store, { maxAgeSeconds: 86_400 })
    expect(explain(plan, record(1, { age: 86_401 }))).toBe(
      'Record 1 (event, 10 bytes) is dropped by maxAgeSeconds: records may be at most 86400 s old, ' +
        'which is from 2023-12-31T00:00:00.000Z on, and its time is 2023-12-30T23:59:59.000Z.',
    )
  })

  it('names the limit and the boundary for count and bytes, of a kind and of the log', async () => {
    const store = series(1, 10)
    const count = await planOf(store, { perKind: { event: { maxRecords: 4 } } })
    expect(explain(count, record(6))).toBe(
      'Record 6 (event, 10 bytes) is dropped by perKind.event.maxRecords: ' +
        '4 records of this kind are kept, and for this kind that is from number 7 on.',
    )
    const bytes = await planOf(store, { maxTotalBytes: 39 })
    expect(explain(bytes, record(7))).toBe(
      'Record 7 (event, 10 bytes) is dropped by maxTotalBytes: ' +
        '39 bytes of the whole log are kept, and for this kind that is from number 8 on.',
    )
  })

  it.each([
    ['within every limit', record(3), 'it is within every limit'],
    ['undated', record(3, { timestamp: Number.NaN }), 'it has no usable time'],
    ['newer than the plan', record(4), 'it was written after the plan was made'],
    ['of an unknown kind', record(1, { kind: 'metric' }), 'does not know its kind'],
  ])('says why a record is kept that is %s', async (_, meta, reason) => {
    const plan = await planOf(series(1, 3), { maxAgeSeconds: 10, maxRecords: 1 })
    expect(explain(plan, meta)).toMatch(/^Record \d \(.*\) is kept: /)
    expect(explain(plan, meta)).toContain(reason)
  })

  it('never prints control or bidi characters out of a kind', async () => {
    const plan = await planOf(series(1, 3), {})
    const text = explain(plan, record(2, { kind: `\u001b[2J\u202e\n${'x'.repeat(500)}` }))
    expect(text).toMatch(/^[\x20-\x7e…]{1,250}$/)
  })

  it('copes with the largest limit and the earliest clock', async () => {
    const plan = await planOf([record(1)], { maxAgeSeconds: Number.MAX_SAFE_INTEGER })
    expect(explain(plan, record(1))).toContain('is kept')
    const early = await planOf([record(1)], { maxAgeSeconds: 1 }, -8.64e15)
    expect(explain(early, record(1))).toContain('no usable time')
    expect(plan.now).toBe(NOW)
  })
})
