import { PapyraError, type RetentionPolicy } from '@papyra/contracts'
import { decodePlanId, type PlanKey } from './plan-id.js'
import { diffPolicies, validatePolicy } from './policy.js'

/** What a compaction was asked to do: apply a policy now, or carry out a plan that was made before. */
export interface PlanRequest {
  readonly policy: RetentionPolicy
  /** `null`: a policy is to be applied now. */
  readonly key: PlanKey | null
}

/** The store as it is, for `requireFresh`. */
export interface StoreState {
  readonly location: string
  /** The id of the log; `null` if it has none. */
  readonly store: string | null
  readonly generation: number
  /** How many compactions and recoveries it has seen. */
  readonly maintenance: number
}

/**
 * Reads a request that names a policy, the id of a plan, or both. Throws `invalid_policy`;
 * `invalid_argument` if there is neither, the id is none, or its policy is another than the one given.
 */
export function readPlanRequest(request: {
  readonly policy?: RetentionPolicy | undefined
  readonly plan?: string | undefined
}): PlanRequest {
  const { policy, plan } = request
  if (plan === undefined) {
    if (policy === undefined) {
      throw new PapyraError(
        'invalid_argument',
        'A compaction needs a policy, or the id of a plan.',
        {
          hint: 'Say what to keep, or give the id that a dry run printed.',
        },
      )
    }
    return { policy: validatePolicy(policy), key: null }
  }
  const key = decodePlanId(plan)
  if (policy === undefined) return { policy: key.policy, key }
  const differences = diffPolicies(validatePolicy(policy), key.policy, ['given', 'planned'])
  if (differences.length === 0) return { policy: key.policy, key }
  throw new PapyraError(
    'invalid_argument',
    `The plan was made with another policy (${differences.join('; ')}).`,
    { hint: 'Leave the policy out: the plan has its own. Or make a new plan.' },
  )
}

/** Throws `stale_plan` unless the store is the one that the plan was made of, as it was then. */
export function requireFresh(key: PlanKey, state: StoreState): void {
  const { location, store, generation, maintenance } = state
  if (key.store !== store) {
    throw stale(location, 'the plan was made of another log', { planned: key.store, store })
  }
  if (key.generation === generation && key.maintenance === maintenance) return
  throw stale(location, 'it was compacted or recovered since the plan was made', {
    planned: key.generation,
    generation,
  })
}

function stale(
  location: string,
  why: string,
  details: { readonly [key: string]: string | number | null },
): PapyraError {
  return new PapyraError('stale_plan', `${location} was not compacted: ${why}.`, {
    hint: 'Make a new plan with a dry run, look at it, and carry that one out.',
    details: { path: location, ...details },
  })
}
