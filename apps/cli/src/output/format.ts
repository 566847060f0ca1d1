const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Bytes for a person: `1.4 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${UNITS[unit] ?? 'B'}`
}

/** A count with thousands apart: `1,234,567`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** `1 record`, `2 records`. */
export function plural(count: number, noun: string): string {
  const ending = count === 1 ? noun : noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${countText(count)} ${ending}`
}

/** Milliseconds for a person: `850 ms`, `12.3 s`, `4 min 05 s`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600)
    return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')} min`
}

/** How long ago, in two steps at most: `12 s`, `4 min 05 s`, `3 h 10 min`, `12 d 4 h`. */
export function ageText(ms: number): string {
  const past = Math.max(0, ms)
  if (past < 60_000) return `${Math.floor(past / 1000)} s`
  if (past < 2 * DAY_MS) return durationText(Math.floor(past / 1000) * 1000)
  return `${Math.floor(past / DAY_MS)} d ${Math.floor((past % DAY_MS) / 3_600_000)} h`
}

const DAY_MS = 86_400_000

/** Milliseconds since 1970 as UTC; `-` where there is no usable time. */
export function timeText(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return '-'
  return new Date(ms).toISOString()
}

/** `41`, `41-57`, `?` for an unknown range. */
export function rangeText(range: { readonly first: number; readonly last: number } | null): string {
  if (range === null) return '?'
  return range.first === range.last ? String(range.first) : `${range.first}-${range.last}`
}
