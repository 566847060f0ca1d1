import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openHours, type DailyWindow } from '../src/daily-window.js'
import { startSchedule, type Plan } from '../src/scheduler.js'
import { settled, simulatedTime } from './fixtures/simulated-time.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const NIGHT = Date.parse('2026-03-01T00:00:00Z')

type Some = Partial<Plan> & Pick<Plan, 'every'>

/** A schedule whose runs take no time, in simulated time from the first of March on. */
function runs(plan: Some): {
  readonly time: ReturnType<typeof simulatedTime>
  readonly starts: string[]
  readonly schedule: ReturnType<typeof startSchedule>
} {
  const time = simulatedTime(NIGHT)
  const starts: string[] = []
  const schedule = startSchedule({
    clock: time.clock,
    timer: time.timer,
    random: () => 0,
    last: () => Promise.resolve(null),
    goesOn: () => true,
    work: async () => {
      starts.push(new Date(time.clock.now()).toISOString().slice(5, 16))
    },
    ...plan,
  })
  return { time, starts, schedule }
}

describe('when it starts', () => {
  test('every so often, the first time after so long', async () => {
    const { time, starts, schedule } = runs({ every: '8h' })
    await time.run(DAY)
    expect(starts).toEqual(['03-01T08:00', '03-01T16:00', '03-02T00:00'])
    await schedule.stop()
    await time.run(DAY)
    expect([starts.length, time.waiting()]).toEqual([3, 0])
  })

  test('a store that remembers its last run is not put off by restarts', async () => {
    const first = runs({ every: '24h', last: () => Promise.resolve(NIGHT - 23 * HOUR) })
    await first.time.run(HOUR)
    expect(first.starts).toEqual(['03-01T01:00'])
    const late = runs({ every: '24h', last: () => Promise.resolve(NIGHT - 9 * DAY) })
    await late.time.run(1)
    expect(late.starts).toEqual(['03-01T00:00'])
    for (const last of [
      () => Promise.resolve(NIGHT + 9 * DAY),
      () => Promise.reject(new Error('unknown')),
    ]) {
      const other = runs({ every: '24h', last })
      await other.time.run(DAY)
      expect(other.starts).toEqual(['03-02T00:00'])
    }
  })

  test('only in the window, and every day at the same time', async () => {
    const window = { from: '02:00', to: '05:00' }
    const { time, starts } = runs({ every: '24h', window, random: () => 0.5, jitter: 0.05 })
    await time.run(4 * DAY)
    expect(starts).toEqual(['03-02T02:36', '03-03T02:36', '03-04T02:36'])
  })

  test('the jitter never leads out of the window', async () => {
    const window = { from: '23:30', to: '00:30' }
    const { time, starts } = runs({ every: '24h', window, random: () => 0.999, jitter: 1 })
    await time.run(3 * DAY)
    expect(starts).toEqual(['03-02T00:29', '03-03T00:29'])
  })

  test('more often than once a window, as often as it fits', async () => {
    const { time, starts } = runs({ every: '1h', window: { from: '02:00', to: '05:00' } })
    await time.run(DAY + 3 * HOUR)
    expect(starts.map((start) => start.slice(6))).toEqual([
      '02:00',
      '03:00',
      '04:00',
      '02:00',
      '03:00',
    ])
  })

  test('a machine that slept through the window waits for the next one', async () => {
    const { time, starts } = runs({ every: '1h', window: { from: '02:00', to: '03:00' } })
    await time.run(HOUR)
    time.clock.setWallTime(NIGHT + 7 * HOUR)
    await time.run(18 * HOUR)
    expect(starts).toEqual([])
    await time.run(2 * HOUR)
    expect(starts).toEqual(['03-02T02:00'])
  })

  test('a wall clock that is set changes nothing for who waits without a window', async () => {
    const { time, starts } = runs({ every: '8h' })
    await time.run(HOUR)
    time.clock.setWallTime(NIGHT - 400 * DAY)
    await time.run(7 * HOUR)
    expect(starts).toHaveLength(1)
  })

  test('intervals longer than a timer can be', async () => {
    const { time, starts } = runs({ every: '8w' })
    await time.run(8 * 7 * DAY - 1)
    expect(starts).toEqual([])
    await time.run(1)
    expect(starts).toHaveLength(1)
  })
})

describe('one at a time', () => {
  test('a run that takes longer than the interval is followed by the next at once', async () => {
    let finish: () => void = () => undefined
    let started = 0
    const { time, schedule } = runs({
      every: '1h',
      work: () => {
        started += 1
        return new Promise<void>((resolve) => (finish = resolve))
      },
    })
    await time.run(5 * HOUR)
    expect([started, time.waiting()]).toEqual([1, 0])
    finish()
    await time.run(1)
    expect(started).toBe(2)
    finish()
    await time.run(HOUR - 2)
    expect(started).toBe(2)
    await time.run(2)
    expect(started).toBe(3)
    const stopped = schedule.stop()
    finish()
    await stopped
  })

  test('stop aborts the run under way and waits for it', async () => {
    let seen: AbortSignal | undefined
    let finish: () => void = () => undefined
    const { time, schedule } = runs({
      every: '1h',
      work: (signal) => {
        seen = signal
        return new Promise<void>((resolve) => (finish = resolve))
      },
    })
    await time.run(HOUR)
    let stopped = false
    const stopping = schedule.stop().then(() => (stopped = true))
    await settled()
    expect([seen?.aborted, stopped]).toEqual([true, false])
    finish()
    await stopping
    await schedule.stop()
    await time.run(DAY)
    expect(time.waiting()).toBe(0)
  })

  test('it ends by itself when it is no longer wanted', async () => {
    let open = true
    const { time, starts } = runs({ every: '1h', goesOn: () => open })
    await time.run(2 * HOUR)
    open = false
    await time.run(5 * HOUR)
    expect([starts.length, time.waiting()]).toEqual([2, 0])
  })
})

test.each([
  { every: '0s' },
  { every: '5' },
  { every: 5 as never },
  { every: '-5m' },
  { every: '1h', jitter: -0.1 },
  { every: '1h', jitter: 1.1 },
  { every: '1h', jitter: Number.NaN },
  { every: '1h', window: { from: '02:00', to: '2' } },
])('%o is refused', (plan) => {
  expect(() => runs(plan)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']
const hour = (n: number): string => `${String(n).padStart(2, '0')}:00`

test('whatever the timing: inside the window, one at a time, never rarer than it must', async () => {
  const window = fc
    .tuple(fc.nat(23), fc.integer({ min: 1, max: 23 }), fc.constantFrom(...zones))
    .map(([from, length, timeZone]): DailyWindow => {
      return { from: hour(from), to: hour((from + length) % 24), timeZone }
    })
  await fc.assert(
    fc.asyncProperty(
      fc.option(window, { nil: null }),
      fc.integer({ min: 20, max: 60 * 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1 }),
      fc.array(fc.integer({ min: 0, max: 3 * HOUR }), { minLength: 1 }),
      fc.nat(364),
      async (daily, everyMinutes, jitter, chances, lasts, day) => {
        const begin = Date.parse('2026-01-01T00:00:00Z') + day * DAY
        const time = simulatedTime(begin)
        const every = everyMinutes * MINUTE
        const starts: number[] = []
        const ends: number[] = []
        let under = 0
        let drawn = 0
        const schedule = startSchedule({
          every: `${everyMinutes}m`,
          ...(daily === null ? {} : { window: daily }),
          jitter,
          clock: time.clock,
          timer: time.timer,
          random: () => chances[drawn++ % chances.length] ?? 0,
          last: () => Promise.resolve(null),
          goesOn: () => true,
          work: async () => {
            under += 1
            expect(under).toBe(1)
            starts.push(time.clock.now())
            await new Promise<void>((resolve) => {
              time.timer.after(lasts[starts.length % lasts.length] ?? 0, resolve)
            })
            ends.push(time.clock.now())
            under -= 1
          },
        })
        await time.run(12 * DAY)
        const hours = daily === null ? null : openHours(daily)
        for (const start of starts) expect(hours?.isOpen(start) ?? true).toBe(true)
        // A day and an hour of waiting for a window, twice where the clocks leave it out.
        const closed = hours === null ? 0 : 2 * DAY + 2 * HOUR
        const longest = every * (1 + jitter) + closed + 2
        let from = begin
        for (const [index, start] of starts.entries()) {
          expect(start - from).toBeLessThanOrEqual(longest)
          from = Math.max(start, ends[index] ?? start)
        }
        expect(begin + 12 * DAY - from).toBeLessThanOrEqual(longest + 3 * HOUR)
        await Promise.race([schedule.stop(), time.run(4 * HOUR)])
      },
    ),
    { seed: 20_260_302, numRuns: 40 },
  )
})
