/** `unknown` is never counted as a pass; `skip`: it does not apply to this store. */
export const CHECK_STATES = ['pass', 'warn', 'fail', 'unknown', 'skip'] as const
export type CheckState = (typeof CHECK_STATES)[number]

/**
 * How to mend it: the arguments of `papyra`, to which the caller adds which store is meant; or what is
 * to be done otherwise.
 */
export type Mend = { readonly papyra: readonly string[] } | { readonly other: string }

/** One question about a store, and its answer. */
export interface Check {
  /** Stable, such as `retention.explicit`. */
  readonly id: string
  readonly state: CheckState
  /** Why it matters, in one sentence. */
  readonly why: string
  /** What was seen, with figures. Holds no payloads. */
  readonly evidence: string
  /** `null` where there is nothing to mend, or no one way to do it. */
  readonly mend: Mend | null
}

export type CheckCounts = { readonly [State in CheckState]: number }

export function countStates(checks: readonly Pick<Check, 'state'>[]): CheckCounts {
  const counts = { pass: 0, warn: 0, fail: 0, unknown: 0, skip: 0 }
  for (const { state } of checks) counts[state] += 1
  return counts
}

export const papyra = (...words: readonly string[]): Mend => ({ papyra: words })
export const otherwise = (other: string): Mend => ({ other })
