import { PapyraError } from '@papyra/contracts'

const UNITS: { readonly [unit: string]: number } = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `500ms`, `90s`, `24h`, `1h30m`, `7d`, `2w` in ms; `null` for anything else, a bare number included. */
export function durationMs(text: unknown): number | null {
  if (typeof text !== 'string' || !/^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[smhdw]))+$/.test(text)) {
    return null
  }
  let total = 0
  for (const [, number = '', unit = ''] of text.matchAll(/([\d.]+)(ms|[smhdw])/g)) {
    total += Number(number) * (UNITS[unit] ?? Number.NaN)
  }
  return total
}

/** The same, for a duration above zero; throws `invalid_argument`, naming it. */
export function requireDuration(name: string, text: unknown): number {
  const ms = durationMs(text)
  if (ms !== null && ms > 0) return ms
  throw new PapyraError(
    'invalid_argument',
    `\`${name}\` must be a duration with its unit, such as 30m, 24h or 7d.`,
  )
}
