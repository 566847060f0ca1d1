import {
  PapyraError,
  type RetentionLimits,
  type RetentionPolicy,
  type StoreDescription,
} from '@papyra/contracts'
import type { Args } from './args/args.js'
import type { Context } from './context.js'
import type { Store } from './store.js'

const LIMITS = ['maxRecords', 'maxAgeSeconds', 'maxTotalBytes'] as const

/** The policy that the flags state; `null` if they state none. */
export function flagPolicy(args: Args): RetentionPolicy | null {
  const limits: { [K in keyof RetentionLimits]: RetentionLimits[K] | undefined } = {
    maxRecords: args.count('max-records'),
    maxAgeSeconds: args.seconds('max-age-seconds'),
    maxTotalBytes: args.bytes('max-total-bytes'),
  }
  const stated = LIMITS.flatMap((name) =>
    limits[name] === undefined ? [] : [[name, limits[name]] as const],
  )
  return stated.length === 0 ? null : Object.fromEntries(stated)
}

/** The limits of a policy, as text: `maxAgeSeconds=86400 perKind.event.maxRecords=10`. */
export function policyText(policy: RetentionPolicy | null): string {
  const texts = limitTexts(policy)
  return texts.length === 0 ? 'none' : texts.join(' ')
}

function limitTexts(policy: RetentionPolicy | null): string[] {
  if (policy === null) return []
  const own = (limits: RetentionLimits, prefix: string): string[] =>
    LIMITS.flatMap((name) =>
      limits[name] === undefined ? [] : [`${prefix}${name}=${limits[name]}`],
    )
  const kinds = Object.entries(policy.perKind ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return [...own(policy, ''), ...kinds.flatMap(([kind, limits]) => own(limits, `perKind.${kind}.`))]
}

/** True for no policy, and for one without a limit. */
export function isUnlimited(policy: RetentionPolicy | null): boolean {
  return limitTexts(policy).length === 0
}

/** A policy, and who says so. */
export interface NamedPolicy {
  readonly policy: RetentionPolicy
  /** Such as `the flags`, the path of a configuration, or `the store, recorded by its last owner`. */
  readonly name: string
}

/** Every policy with a limit, the one that counts first: flags, configuration, recorded. */
export function statedPolicies(
  store: Store,
  flags: RetentionPolicy | null,
  { retention: recorded }: StoreDescription,
): readonly NamedPolicy[] {
  const sources = [
    { name: 'the flags', policy: flags },
    { name: store.retentionOrigin ?? 'the configuration', policy: store.settings.retention },
    { name: 'the store, recorded by its last owner', policy: recorded },
  ]
  return sources.flatMap(({ name, policy }) =>
    policy === null || isUnlimited(policy) ? [] : [{ name, policy }],
  )
}

/**
 * The policy to compact by: that of the flags, else of the configuration, else the one recorded with
 * the store. Says which, and warns where they differ. `retention_missing` (78) if there is none.
 */
export async function choosePolicy(
  { out }: Context,
  store: Store,
  flags: RetentionPolicy | null,
  description: StoreDescription,
): Promise<RetentionPolicy> {
  const [chosen, ...others] = statedPolicies(store, flags, description)
  if (chosen === undefined) {
    throw new PapyraError(
      'retention_missing',
      'No retention policy is given, configured or recorded with the store: nothing would ever be removed.',
      {
        hint: 'Give --max-records, --max-age-seconds or --max-total-bytes, or set retention in the configuration.',
      },
    )
  }
  await out.note(`policy: ${policyText(chosen.policy)}  (from ${chosen.name})`)
  for (const { name, policy } of others) {
    if (policyText(policy) === policyText(chosen.policy)) continue
    await out.warn(`it differs from the policy of ${name}: ${policyText(policy)}`)
  }
  return chosen.policy
}
