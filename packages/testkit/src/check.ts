import type { CheckSettings } from './check-settings.js'
import type { Subject } from './subject.js'
import { World } from './world.js'

/** The groups of checks, in the order in which they run. */
export const CHECK_GROUPS = [
  'harness',
  'lifecycle',
  'append',
  'read',
  'retention',
  'compaction',
  'plans',
  'scan',
  'recovery',
  'metrics',
  'unsupported',
  'model',
] as const
export type CheckGroup = (typeof CHECK_GROUPS)[number]

/** What a check needs: a capability that is a flag, or something that the subject brings. */
export type Need =
  | 'persistent'
  | 'exclusiveOwner'
  | 'checksums'
  | 'recovery'
  | 'compaction'
  | 'onlineCompaction'
  | 'dryRun'
  | 'plans'
  | 'another'
  | 'create'
  | 'damage'
  | 'plant'
  | 'recordLimit'

/** One promise of the contract, and how to find out whether a backend keeps it. */
export interface Check {
  /** Stable name, `<group>.<what>`. */
  readonly id: string
  readonly group: CheckGroup
  /** The promise, one sentence. */
  readonly promise: string
  /** The check is skipped unless the subject has all of these. */
  readonly needs?: readonly Need[]
  /** The check is skipped if the subject has any of these. */
  readonly lacks?: readonly Need[]
  /** Resolves if the promise is kept; rejects otherwise. */
  run(world: World): Promise<void>
}

/** How a check ended that did not fail. */
export type CheckOutcome =
  | { readonly status: 'passed' }
  | { readonly status: 'skipped'; readonly reason: string }

function has(subject: Subject, need: Need): boolean {
  switch (need) {
    case 'another':
      return subject.another !== undefined
    case 'create':
      return subject.definition.create !== undefined
    case 'damage':
      return subject.damage !== undefined
    case 'plant':
      return subject.plant !== undefined
    case 'recordLimit':
      return subject.maxRecordBytes !== null
    default:
      return subject.definition.capabilities[need]
  }
}

/** Why a check does not apply to a subject; `null` if it does. */
export function whySkipped(check: Check, subject: Subject): string | null {
  const missing = (check.needs ?? []).filter((need) => !has(subject, need))
  if (missing.length > 0) return `needs ${missing.join(', ')}`
  const present = (check.lacks ?? []).filter((need) => has(subject, need))
  return present.length > 0 ? `only without ${present.join(', ')}` : null
}

/**
 * Runs one check on a new subject, closes what it opened and disposes of every subject it made.
 * Rejects with what the check found (an `AssertionError`, or the backend's own error).
 */
export async function runCheck(
  check: Check,
  create: () => Promise<Subject>,
  settings: CheckSettings = {},
): Promise<CheckOutcome> {
  const world = new World(await create(), create, settings)
  try {
    const reason = whySkipped(check, world.subject)
    if (reason !== null) return { status: 'skipped', reason }
    await check.run(world)
    return { status: 'passed' }
  } finally {
    await world.dispose()
  }
}
