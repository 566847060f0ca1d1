import { isDeepStrictEqual } from 'node:util'
import { PapyraError, type CompactOptions, type RetentionPolicy } from '@papyra/contracts'
import type { ArrayStore } from './store.js'

/** All that a plan depends on; its id is this, printed. */
export interface PlanKey {
  readonly logId: string
  readonly policy: RetentionPolicy
  readonly at: number
  readonly through: number
  /** Compactions and recoveries that the store had seen. */
  readonly maintenance: number
}

const PREFIX = 'plan:'

const sumOf = (text: string): number =>
  [...text].reduce((sum, char) => (sum * 31 + (char.codePointAt(0) ?? 0)) % 0x7fffffff, 7)

function maintenanceOf({ totals }: ArrayStore): number {
  return totals.compactions + totals.recoveries
}

export function planIdOf(store: ArrayStore, policy: RetentionPolicy, at: number): string {
  const { logId, nextSeq } = store
  const key: PlanKey = {
    logId,
    policy,
    at,
    through: nextSeq - 1,
    maintenance: maintenanceOf(store),
  }
  const text = Buffer.from(JSON.stringify(key)).toString('base64url')
  return `${PREFIX}${text}.${String(sumOf(text))}`
}

/** How plans are checked, so that a broken backend can leave a part out. */
export interface PlanChecks {
  readonly id: boolean
  readonly policy: boolean
  readonly stale: boolean
  readonly store: boolean
}

export const soundPlanChecks: PlanChecks = { id: true, policy: true, stale: true, store: true }

/** What a compaction was asked for: the plan it has to carry out, or a policy. */
export function requestOf(
  options: CompactOptions,
  store: ArrayStore,
  checks: PlanChecks,
): { readonly policy: RetentionPolicy; readonly key: PlanKey | null } {
  const { plan, policy } = options
  if (plan === undefined) {
    if (policy !== undefined) return { policy, key: null }
    throw new PapyraError('invalid_argument', 'There is neither a policy nor a plan.')
  }
  const key = read(plan, checks)
  if (checks.policy && policy !== undefined && !isDeepStrictEqual(policy, key.policy)) {
    throw new PapyraError('invalid_argument', 'The plan was made with another policy.')
  }
  if (checks.store && key.logId !== store.logId) {
    throw new PapyraError('stale_plan', 'The plan is of another store.')
  }
  if (checks.stale && key.maintenance !== maintenanceOf(store)) {
    throw new PapyraError('stale_plan', 'The store was compacted or recovered since.')
  }
  return { policy: key.policy, key }
}

function read(plan: string, checks: PlanChecks): PlanKey {
  const [text = '', sum = ''] = plan.slice(PREFIX.length).split('.')
  try {
    if (checks.id && !(plan.startsWith(PREFIX) && sum === String(sumOf(text))))
      throw new TypeError()
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as PlanKey
  } catch {
    throw new PapyraError('invalid_argument', 'This is not the id of a plan.')
  }
}
