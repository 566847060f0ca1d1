import { isPapyraError } from '@papyra/contracts'
import { expect, test } from 'vitest'
import {
  durationMs,
  readBytes,
  readChoice,
  readCount,
  readSeconds,
  readTime,
} from '../src/args/values.js'

const NOW = Date.parse('2026-03-15T12:30:00Z')

test.each([
  ['2h', NOW - 7_200_000],
  ['7d', NOW - 604_800_000],
  ['1h30m', NOW - 5_400_000],
  ['90s', NOW - 90_000],
  ['now', NOW],
  ['today', Date.parse('2026-03-15T00:00:00Z')],
  ['2026-03-01', Date.parse('2026-03-01T00:00:00Z')],
  ['2026-03-01T08:00', Date.parse('2026-03-01T08:00:00Z')],
  ['2026-03-01 08:00:05.25Z', Date.parse('2026-03-01T08:00:05.250Z')],
  ['2026-03-01T08:00:00+02:00', Date.parse('2026-03-01T06:00:00Z')],
  ['1773577800', 1_773_577_800_000],
  ['1773577800.5', 1_773_577_800_500],
  ['1773577800123', 1_773_577_800_123],
])('time %s', (text, expected) => {
  expect(readTime('--since', text, NOW)).toBe(expected)
})

test.each([
  '',
  'yesterday-ish',
  '5',
  '2026',
  '2026-02-30',
  '2026-13-01',
  '2026-03-01T25:00',
  '-2h',
  '2 hours',
  'NaN',
  '1e9',
  '0x10',
])('no time: %s', (text) => {
  expect(() => readTime('--since', text, NOW)).toThrow(
    expect.objectContaining({ code: 'invalid_argument' }),
  )
})

test.each([
  ['60s', 60_000],
  ['500ms', 500],
  ['1.5h', 5_400_000],
  ['2w', 1_209_600_000],
  ['60', null],
  ['s', null],
  ['1h-30m', null],
  ['1 h', null],
])('duration %s', (text, expected) => {
  expect(durationMs(text)).toBe(expected)
})

test.each([
  ['1000', 1000],
  ['10MiB', 10_485_760],
  ['10MB', 10_000_000],
  ['1 gib', 1_073_741_824],
])('bytes %s', (text, expected) => {
  expect(readBytes('--max-total-bytes', text)).toBe(expected)
})

test.each(['0', '-1', '1.5g', '10M', '1e3', '', 'NaN', '99999999TB'])('no bytes: %s', (text) => {
  expect(() => readBytes('--max-total-bytes', text)).toThrow(
    expect.objectContaining({ code: 'invalid_argument' }),
  )
})

test('counts and seconds are positive and whole', () => {
  expect(readCount('--limit', '7')).toBe(7)
  expect(readSeconds('--max-age-seconds', '30d')).toBe(2_592_000)
  expect(readSeconds('--max-age-seconds', '86400')).toBe(86_400)
  for (const text of ['0', '-5', '1.5', '1e3', '500ms', 'x', '99999999999999999']) {
    expect(() => readSeconds('--max-age-seconds', text)).toThrow()
    expect(() => readCount('--limit', text)).toThrow()
  }
})

test('choices ignore case, and - for _', () => {
  const allowed = ['fail_on_anomaly', 'recover'] as const
  for (const text of ['FAIL_ON_ANOMALY', 'fail-on-anomaly', 'Fail_On-Anomaly']) {
    expect(readChoice('--mode', text, allowed)).toBe('fail_on_anomaly')
  }
  try {
    readChoice('--mode', 'nope', allowed)
    expect.unreachable()
  } catch (error) {
    expect(isPapyraError(error, 'invalid_argument') && error.hint).toBe(
      'Use one of: fail_on_anomaly, recover.',
    )
  }
})
