import { PapyraError } from '@papyra/contracts'

/** The backends that `papyra init` writes a configuration for. */
export const INIT_BACKENDS = ['json', 'rotation'] as const

/** A value of a flag that cannot be used. */
export function badValue(flag: string, value: string, wanted: string): PapyraError {
  return new PapyraError('invalid_argument', `${flag} cannot be ${JSON.stringify(value)}.`, {
    hint: wanted,
  })
}

/** One of `allowed`, whatever its case and with `-` or `_`. */
export function readChoice<T extends string>(
  flag: string,
  value: string,
  allowed: readonly T[],
): T {
  const plain = (text: string): string => text.toLowerCase().replaceAll('-', '_')
  const found = allowed.find((choice) => plain(choice) === plain(value.trim()))
  if (found === undefined) throw badValue(flag, value, `Use one of: ${allowed.join(', ')}.`)
  return found
}

/** A positive whole number. */
export function readCount(flag: string, value: string): number {
  const count = /^\d{1,16}$/.test(value) ? Number(value) : 0
  if (!Number.isSafeInteger(count) || count < 1) {
    throw badValue(flag, value, 'Use a positive whole number, such as 100.')
  }
  return count
}

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `90s`, `2h`, `1h30m`, `7d` in milliseconds; `null` for anything else, a bare number included. */
export function durationMs(text: string): number | null {
  if (!/^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[smhdw]))+$/.test(text)) return null
  let total = 0
  for (const [, number = '', unit = ''] of text.matchAll(/([\d.]+)(ms|[smhdw])/g)) {
    total += Number(number) * (DURATION_MS[unit] ?? Number.NaN)
  }
  return Number.isFinite(total) ? total : null
}

/** A duration with its unit, in milliseconds. */
export function readDuration(flag: string, value: string): number {
  const ms = durationMs(value)
  if (ms === null)
    throw badValue(flag, value, 'Use a number with its unit, such as 500ms, 60s, 5m, 2h.')
  return ms
}

/** Seconds as a whole number, or a duration such as `30d`. */
export function readSeconds(flag: string, value: string): number {
  if (/^\d+$/.test(value)) return readCount(flag, value)
  const ms = durationMs(value)
  if (ms === null || ms < 1000 || ms % 1000 !== 0) {
    throw badValue(flag, value, 'Use whole seconds, such as 2592000, or a duration, such as 30d.')
  }
  return ms / 1000
}

const SIZE: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

/** Bytes as a whole number, or with a unit: `500MB` (decimal), `512MiB` (binary). */
export function readBytes(flag: string, value: string): number {
  const found = /^(\d{1,16})\s?([a-z]+)?$/i.exec(value)
  const factor = SIZE[(found?.[2] ?? 'b').toLowerCase()]
  const bytes = found === null || factor === undefined ? 0 : Number(found[1]) * factor
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw badValue(
      flag,
      value,
      'Use bytes, such as 1073741824, or a unit: 500MB is decimal, 512MiB binary.',
    )
  }
  return bytes
}

const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s?(Z|[+-]\d\d:?\d\d)?)?$/i

/**
 * A moment in milliseconds since 1970: a duration ago (`2h`, `7d`), `now`, `today`, ISO 8601 (UTC
 * where no zone is given), or seconds or milliseconds since 1970, told apart by their digits.
 */
export function readTime(flag: string, value: string, now: number): number {
  const text = value.trim()
  const moment = relativeTime(text, now) ?? epochTime(text) ?? isoTime(text)
  if (moment !== null && Number.isFinite(moment)) return moment
  throw badValue(
    flag,
    value,
    'Use a duration ago (2h, 7d), ISO 8601 (2026-01-31T08:00:00Z; UTC unless a zone is given), or seconds or milliseconds since 1970.',
  )
}

function relativeTime(text: string, now: number): number | null {
  if (/^now$/i.test(text)) return now
  if (/^today$/i.test(text)) return now - (((now % DAY_MS) + DAY_MS) % DAY_MS)
  const ago = durationMs(text)
  return ago === null ? null : now - ago
}

const DAY_MS = 86_400_000

function epochTime(text: string): number | null {
  if (/^\d{12,16}$/.test(text)) return Number(text)
  if (/^\d{9,11}(?:\.\d{1,9})?$/.test(text)) return Math.round(Number(text) * 1000)
  return null
}

function isoTime(text: string): number | null {
  const found = ISO.exec(text)
  if (found === null) return null
  const [, date = '', time = '00:00', zone = 'Z'] = found
  const iso = `${date}T${time}${zone.toUpperCase()}`
  const moment = Date.parse(iso)
  // Date.parse takes 2026-02-30 for the 2nd of March.
  const day = Number(date.slice(8))
  const real = new Date(Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1, day))
  return real.getUTCDate() === day && real.getUTCMonth() === Number(date.slice(5, 7)) - 1
    ? moment
    : null
}
