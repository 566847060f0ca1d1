import { isPapyraError } from '@papyra/contracts'
import { assertSafe, checkClock, type SafetyOptions } from '@papyra/retention'
import { describe, expect, it } from 'vitest'
import { NOW, planOf, record, series } from './support/records.js'

describe('checkClock', () => {
  it('finds nothing in a store without plausible times', () => {
    expect(checkClock({ now: NOW, newestUsable: null })).toBeNull()
  })

  it('allows a clock to be 60 s behind the newest record, and no more', () => {
    expect(checkClock({ now: NOW, newestUsable: NOW + 60_000 })).toBeNull()
    const suspicion = checkClock({ now: NOW, newestUsable: NOW + 60_001 })
    expect(suspicion?.reason).toContain('60 s behind the newest record')
  })

  it('allows a clock to run 60 s ahead of monotonic time, and no more', () => {
    const opened = { wall: NOW - 3_600_000, monotonic: 500 }
    const facts = { now: NOW, newestUsable: null, opened }
    expect(checkClock({ ...facts, monotonicNow: 500 + 3_540_000 })).toBeNull()
    expect(checkClock({ ...facts, monotonicNow: 500 + 3_539_999 })?.reason).toContain('60 s ahead')
  })

  it('does not mind a clock that was set back since the store was opened', () => {
    const opened = { wall: NOW + 3_600_000, monotonic: 0 }
    expect(checkClock({ now: NOW, newestUsable: NOW, opened, monotonicNow: 10 })).toBeNull()
  })

  it.each([
    { now: Number.NaN, newestUsable: null },
    { now: NOW, newestUsable: Number.NaN },
    { now: NOW, newestUsable: null, opened: { wall: NOW, monotonic: 0 }, monotonicNow: Number.NaN },
  ])('suspects times that are not numbers (%j)', (facts) => {
    expect(checkClock(facts)?.reason).toContain('not a finite number')
  })

  it('refuses half of the facts about elapsed time', () => {
    const facts = { now: NOW, newestUsable: null }
    expect(() => checkClock({ ...facts, monotonicNow: 5 })).toThrow('needed together')
    expect(() => checkClock({ ...facts, opened: { wall: NOW, monotonic: 0 } })).toThrow(
      'needed together',
    )
  })
})

describe('assertSafe', () => {
  async function outcome(
    records: Parameters<typeof planOf>[0],
    policy: Parameters<typeof planOf>[1],
    options?: SafetyOptions,
  ): Promise<string> {
    const plan = await planOf(records, policy)
    try {
      assertSafe(plan, options)
    } catch (error) {
      if (isPapyraError(error)) return error.code
      throw error
    }
    return 'safe'
  }
  const ahead = [...series(1, 3), record(4, { timestamp: NOW + 60_001 })]
  const jumped = { opened: { wall: NOW - 100_000, monotonic: 0 }, monotonicNow: 1000 }

  it('refuses an age limit where the clock is behind the newest record', async () => {
    expect(await outcome(ahead, { maxAgeSeconds: 5 })).toBe('clock_suspect')
    const own = { maxRecords: 1, perKind: { audit: { maxAgeSeconds: 5 } } }
    expect(await outcome(ahead, own)).toBe('clock_suspect')
  })

  it('refuses an age limit where the clock jumped ahead since the store was opened', async () => {
    expect(await outcome(series(1, 3), { maxAgeSeconds: 5 }, { elapsed: jumped })).toBe(
      'clock_suspect',
    )
  })

  it('lets other limits work with a suspect clock', async () => {
    expect(await outcome(ahead, { maxRecords: 2, maxTotalBytes: 500 }, { elapsed: jumped })).toBe(
      'safe',
    )
  })

  it('is content with a clock that is right', async () => {
    const elapsed = { opened: { wall: NOW - 1000, monotonic: 0 }, monotonicNow: 1000 }
    expect(await outcome(series(1, 3), { maxAgeSeconds: 5 }, { elapsed })).toBe('safe')
  })

  it('refuses a plan that drops everything, and names the limit', async () => {
    const plan = await planOf(series(1, 3, { age: 99 }), { maxAgeSeconds: 5 })
    expect(() => assertSafe(plan)).toThrow('would drop all 3 records (maxAgeSeconds)')
    expect(await outcome(series(1, 3, { age: 99 }), { maxAgeSeconds: 5 })).toBe('drop_all_refused')
  })

  it('does not mind an empty store, or one record kept', async () => {
    expect(await outcome([], { maxAgeSeconds: 5 })).toBe('safe')
    expect(await outcome([...series(1, 3, { age: 99 }), record(4)], { maxAgeSeconds: 5 })).toBe(
      'safe',
    )
  })

  it('does everything when forced', async () => {
    const force = true
    expect(await outcome(ahead, { maxAgeSeconds: 5 }, { force, elapsed: jumped })).toBe('safe')
    expect(await outcome(series(1, 3, { age: 99 }), { maxAgeSeconds: 5 }, { force })).toBe('safe')
  })
})
