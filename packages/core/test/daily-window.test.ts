import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openHours } from '../src/daily-window.js'

const at = (text: string): number => Date.parse(text)
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16)

describe('when a window opens and closes', () => {
  test.each([
    ['before it', '02:00', '05:00', '2026-03-01T00:30Z', '2026-03-01T02:00', '2026-03-01T05:00'],
    ['inside', '02:00', '05:00', '2026-03-01T03:30Z', '2026-03-01T03:30', '2026-03-01T05:00'],
    ['as it closes', '02:00', '05:00', '2026-03-01T05:00Z', '2026-03-02T02:00', '2026-03-02T05:00'],
    [
      'over midnight',
      '22:00',
      '01:00',
      '2026-03-01T12:00Z',
      '2026-03-01T22:00',
      '2026-03-02T01:00',
    ],
    [
      'behind midnight',
      '22:00',
      '01:00',
      '2026-03-01T00:59Z',
      '2026-03-01T00:59',
      '2026-03-01T01:00',
    ],
    [
      'to the end of the day',
      '23:00',
      '24:00',
      '2026-03-01T01:00Z',
      '2026-03-01T23:00',
      '2026-03-02T00:00',
    ],
  ])('%s', (_what, from, to, now, opens, closes) => {
    const hours = openHours({ from, to })
    const opened = hours.opens(at(now))
    expect([iso(opened), iso(hours.closes(opened))]).toEqual([opens, closes])
    expect(hours.isOpen(opened)).toBe(true)
    expect(hours.isOpen(hours.closes(opened))).toBe(false)
  })

  test.each([
    // Berlin is an hour ahead in winter, two in summer; New York five behind, then four.
    ['winter', 'Europe/Berlin', '2026-01-10T00:00Z', '2026-01-10T01:00', '2026-01-10T04:00'],
    ['summer', 'Europe/Berlin', '2026-07-10T00:00Z', '2026-07-10T00:00', '2026-07-10T03:00'],
    ['New York', 'America/New_York', '2026-07-10T00:00Z', '2026-07-10T06:00', '2026-07-10T09:00'],
    // On 29 March 02:00 is left out: the window begins at 03:00 summer time, an hour short.
    [
      'clocks forward',
      'Europe/Berlin',
      '2026-03-28T20:00Z',
      '2026-03-29T01:00',
      '2026-03-29T03:00',
    ],
    // On 25 October 02:00 comes twice: the window begins at the first, and is an hour longer.
    ['clocks back', 'Europe/Berlin', '2026-10-24T20:00Z', '2026-10-25T00:00', '2026-10-25T04:00'],
    ['half-hour zone', 'Asia/Kolkata', '2026-03-28T12:00Z', '2026-03-28T20:30', '2026-03-28T23:30'],
  ])('02:00 to 05:00 in %s', (_what, timeZone, now, opens, closes) => {
    const hours = openHours({ from: '02:00', to: '05:00', timeZone })
    const opened = hours.opens(at(now))
    expect([iso(opened), iso(hours.closes(opened))]).toEqual([opens, closes])
  })

  test('a window that a change of the clocks leaves out opens a day later', () => {
    const hours = openHours({ from: '02:15', to: '02:45', timeZone: 'Europe/Berlin' })
    expect(iso(hours.opens(at('2026-03-28T20:00Z')))).toBe('2026-03-30T00:15')
  })
})

const minute = fc.integer({ min: 0, max: 1439 })
const time = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`

test('from any moment, in any zone: the first that is inside, and the first that no longer is', () => {
  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  ]
  fc.assert(
    fc.property(
      minute,
      minute,
      fc.constantFrom(...zones),
      fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2027-01-01T00:00Z') }),
      (from, to, timeZone, now) => {
        fc.pre(from !== to)
        const hours = openHours({ from: time(from), to: time(to), timeZone })
        // The oracle walks minute by minute, by what the clock on the wall shows.
        const shown = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' })
        const inside = (ms: number): boolean => {
          const [h = 0, m = 0] = shown.format(ms).split(':').map(Number)
          const local = h * 60 + m
          return from < to ? local >= from && local < to : local >= from || local < to
        }
        const walk = (start: number, until: boolean): number => {
          if (inside(start) === until) return start
          for (let ms = Math.floor(start / 60_000 + 1) * 60_000; ; ms += 60_000) {
            if (inside(ms) === until) return ms
          }
        }
        const opened = hours.opens(now)
        expect(opened).toBe(walk(now, true))
        expect(hours.closes(opened)).toBe(walk(opened, false))
        expect(hours.isOpen(now)).toBe(inside(now))
      },
    ),
    { seed: 20_260_301, numRuns: 60 },
  )
})

test.each([
  [{ from: '2:00', to: '05:00' }, 'window.from'],
  [{ from: '02:00', to: '25:00' }, 'window.to'],
  [{ from: '24:00', to: '05:00' }, 'window.from'],
  [{ from: '02:00', to: '02:00' }, 'same time'],
  [{ from: '00:00', to: '24:00' }, 'same time'],
  [{ from: '02:00', to: '05:00', timeZone: 'Mars/Base' }, 'Mars/Base'],
])('%o is refused', (window, what) => {
  expect(() => openHours(window)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(what) }),
  )
})
