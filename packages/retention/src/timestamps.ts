import { PapyraError } from '@papyra/contracts'

/** How far clocks may disagree before that matters: 60 s, in milliseconds. */
export const CLOCK_TOLERANCE_MS: number = 60_000

/** The oldest time that is taken for one: 2000-01-01T00:00:00Z, in milliseconds since 1970. */
export const OLDEST_USABLE_MS: number = Date.UTC(2000, 0, 1)

const LAST_DATE_MS = 8.64e15

/** True for a finite time from the year 2000 on, however far ahead of any clock. */
export function isPlausibleTimestamp(timestamp: number): boolean {
  return Number.isFinite(timestamp) && timestamp >= OLDEST_USABLE_MS
}

/**
 * True if an age limit may judge this time: a finite number from the year 2000 to 60 s after `now`,
 * both ends included. Records with any other time are never dropped for their age.
 */
export function isUsableTimestamp(timestamp: number, now: number): boolean {
  return isPlausibleTimestamp(timestamp) && timestamp <= now + CLOCK_TOLERANCE_MS
}

/** Throws `invalid_argument` for a `now` that is no time at all. */
export function checkNow(now: number): void {
  if (typeof now === 'number' && Math.abs(now) <= LAST_DATE_MS) return
  throw new PapyraError(
    'invalid_argument',
    `now must be a time in milliseconds, not ${String(now)}.`,
    {
      hint: 'Pass the wall time of the clock, in milliseconds since 1970.',
    },
  )
}
