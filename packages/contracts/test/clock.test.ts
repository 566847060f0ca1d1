import { manualClock, systemClock } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'

describe('the manual clock', () => {
  it('starts at 2024-01-01 with monotonic time zero, or where it is told to', () => {
    const clock = manualClock()
    expect(new Date(clock.now()).toISOString()).toBe('2024-01-01T00:00:00.000Z')
    expect(clock.monotonic()).toBe(0)
    expect(manualClock(5).now()).toBe(5)
  })

  it('stands still until it is moved, and then moves both times', () => {
    const clock = manualClock(1000)
    expect([clock.now(), clock.now(), clock.monotonic()]).toEqual([1000, 1000, 0])
    clock.advance(250)
    expect([clock.now(), clock.monotonic()]).toEqual([1250, 250])
  })

  it('sets wall time apart from monotonic time, back as well', () => {
    const clock = manualClock(1000)
    clock.advance(10)
    clock.setWallTime(400)
    expect([clock.now(), clock.monotonic()]).toEqual([400, 10])
    clock.advance(1)
    expect([clock.now(), clock.monotonic()]).toEqual([401, 11])
  })

  it.each([-1, Number.NaN])('refuses to advance by %d: monotonic time never goes back', (ms) => {
    const clock = manualClock(1000)
    expect(() => clock.advance(ms)).toThrow(`by ${ms} ms`)
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 0])
  })

  it('shares nothing with another one', () => {
    const [one, other] = [manualClock(0), manualClock(0)]
    one.advance(5)
    expect(other.now()).toBe(0)
  })
})

describe('the system clock', () => {
  it('gives wall time in milliseconds and monotonic time that never goes back', () => {
    const before = Date.now()
    const wall = systemClock.now()
    expect(wall).toBeGreaterThanOrEqual(before)
    expect(wall).toBeLessThanOrEqual(Date.now())
    const readings = Array.from({ length: 100 }, () => systemClock.monotonic())
    expect(readings).toEqual([...readings].sort((a, b) => a - b))
  })
})
