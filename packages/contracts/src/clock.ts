import { PapyraError } from './errors.js'

/**
 * Time as a port. Wall time says when something happened and may jump; monotonic time measures how
 * long something took and never goes back. Code that needs either takes a `Clock`, so that a test
 * can move both apart.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Milliseconds since an arbitrary start; never decreases while the process lives. */
  monotonic(): number
}

/** The machine's own clocks: `Date.now()` and `performance.now()`. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  /** Moves wall and monotonic time on by `ms` milliseconds; `invalid_argument` if that is negative. */
  advance(ms: number): void
  /** Sets wall time alone, as an operator or an NTP step would. */
  setWallTime(ms: number): void
}

/** Makes a simulated clock whose wall time starts at `startMs` (default 2024-01-01T00:00:00Z). */
export function manualClock(startMs: number = 1_704_067_200_000): ManualClock {
  let wall = startMs
  let mono = 0
  return {
    now: () => wall,
    monotonic: () => mono,
    advance(ms) {
      if (!(ms >= 0)) throw new PapyraError('invalid_argument', `Time cannot move on by ${ms} ms.`)
      wall += ms
      mono += ms
    },
    setWallTime(ms) {
      wall = ms
    },
  }
}
