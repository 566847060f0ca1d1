import { PapyraError } from '@papyra/contracts'
import type { RetentionPlan } from './plan-types.js'
import { hasAgeLimit } from './policy.js'
import { CLOCK_TOLERANCE_MS } from './timestamps.js'

/** Both clocks at one moment: wall time in ms since 1970, monotonic time in ms. */
export interface ClockReading {
  readonly wall: number
  readonly monotonic: number
}

export interface ClockFacts {
  /** Wall time in ms since 1970. */
  readonly now: number
  /** `RetentionPlan.newestUsable`: any finite time from the year 2000 on, also one ahead of `now`. */
  readonly newestUsable: number | null
  /** The clocks when the store was opened. Needs `monotonicNow`. */
  readonly opened?: ClockReading
  /** Monotonic time at `now`, in ms. Needs `opened`. */
  readonly monotonicNow?: number
}

export interface SafetyOptions {
  /** Go on all the same. Default false. */
  readonly force?: boolean
  /** Wall time in ms at which the plan is carried out. Default: its own `now`. */
  readonly now?: number
  /** The clocks when the store was opened, and monotonic time when the plan is carried out. */
  readonly elapsed?: { readonly opened: ClockReading; readonly monotonicNow: number }
}

/**
 * Tells whether ages may be measured against this clock; `null` if so. It is suspect if it is more
 * than 60 s behind the newest record with a plausible time, or if since the store was opened it ran
 * more than 60 s ahead of monotonic time. Exactly 60 s is no cause for suspicion; a fact that is not
 * a finite number is. Throws `invalid_argument` if only one of `opened` and `monotonicNow` is given.
 */
export function checkClock(facts: ClockFacts): { readonly reason: string } | null {
  const { now, newestUsable, opened, monotonicNow } = facts
  if ((opened === undefined) !== (monotonicNow === undefined)) {
    throw new PapyraError('invalid_argument', 'opened and monotonicNow are needed together.')
  }
  const given = [
    now,
    newestUsable ?? 0,
    opened?.wall ?? 0,
    opened?.monotonic ?? 0,
    monotonicNow ?? 0,
  ]
  if (!given.every(Number.isFinite))
    return { reason: 'The clock gave a time that is not a finite number.' }
  if (newestUsable !== null && newestUsable - now > CLOCK_TOLERANCE_MS) {
    return { reason: `The clock is ${seconds(newestUsable - now)} s behind the newest record.` }
  }
  if (opened !== undefined && monotonicNow !== undefined) {
    const ahead = now - opened.wall - (monotonicNow - opened.monotonic)
    if (ahead > CLOCK_TOLERANCE_MS) {
      return {
        reason: `Since the store was opened the clock ran ${seconds(ahead)} s ahead of the time that passed.`,
      }
    }
  }
  return null
}

/**
 * Throws unless it is safe to delete what the plan drops: `clock_suspect` if the policy has an age
 * limit and `checkClock` finds the clock suspect, `drop_all_refused` if there are records and not
 * one would be kept. With `force` it never throws.
 */
export function assertSafe(plan: RetentionPlan, options: SafetyOptions = {}): void {
  if (options.force === true) return
  const { newestUsable } = plan
  const now = options.now ?? plan.now
  const suspicion = hasAgeLimit(plan.policy)
    ? (checkClock({ now, newestUsable, ...options.elapsed }) ?? checkPlanned(plan.now, now))
    : null
  if (suspicion !== null) {
    throw new PapyraError('clock_suspect', `${suspicion.reason} The age limit is not applied.`, {
      details: { now, newestUsable },
    })
  }
  if (plan.total.records > 0 && plan.kept.records === 0) {
    const limits = [...new Set(plan.dropped.map((summary) => summary.limit))]
    throw new PapyraError(
      'drop_all_refused',
      `The retention policy would drop all ${plan.total.records} records (${limits.join(', ')}).`,
      { details: { records: plan.total.records, bytes: plan.total.bytes, limits } },
    )
  }
}

/** A plan that was made in the future was made by a clock that was wrong, or this one is. */
function checkPlanned(planned: number, now: number): { readonly reason: string } | null {
  if (planned - now <= CLOCK_TOLERANCE_MS) return null
  return { reason: `The clock is ${seconds(planned - now)} s behind the time of the plan.` }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}
