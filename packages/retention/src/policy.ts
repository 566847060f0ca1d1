import {
  PapyraError,
  RECORD_KINDS,
  isRecordKind,
  type RecordKind,
  type RetentionLimits,
  type RetentionPolicy,
} from '@papyra/contracts'
import { nearestName } from './nearest-name.js'

type LimitKey = keyof RetentionLimits

/** In the order in which the rules are applied: age, count, bytes. */
const LIMIT_KEYS: readonly LimitKey[] = ['maxAgeSeconds', 'maxRecords', 'maxTotalBytes']

/**
 * Checks a policy that came from outside and gives back a frozen copy that holds its limits and
 * nothing else. A limit, a kind or `perKind` that is `undefined` counts as absent; a kind without
 * limits is left out of the copy.
 *
 * Throws `invalid_policy` for a limit that is not a whole number from 1 to 2^53 - 1, for a key or a
 * kind that does not exist, and for anything that is not a plain object. `details.path` names the
 * place.
 */
export function validatePolicy(value: unknown): RetentionPolicy {
  const source = plainObject(value, 'retention')
  const limits = readLimits(source, 'retention', ['perKind'])
  const perKind = Object.hasOwn(source, 'perKind') ? readPerKind(source['perKind']) : {}
  return Object.freeze(
    Object.keys(perKind).length === 0 ? limits : { ...limits, perKind: Object.freeze(perKind) },
  )
}

/** True for a policy without any limit: nothing would ever be dropped under it. */
export function isUnbounded(policy: RetentionPolicy): boolean {
  return [...limitsOf(policy)].length === 0
}

/**
 * The limits in which two policies differ, as text: `maxRecords: configured 100, recorded none`.
 * Empty if they mean the same. `null` is a policy without limits. `names` says what the two are
 * called; default `configured` and `recorded`.
 */
export function diffPolicies(
  a: RetentionPolicy | null,
  b: RetentionPolicy | null,
  names: readonly [string, string] = ['configured', 'recorded'],
): string[] {
  const left = new Map(limitsOf(a ?? {}))
  const right = new Map(limitsOf(b ?? {}))
  const differences: string[] = []
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(name), right.get(name)]
    if (one !== other) {
      differences.push(`${name}: ${names[0]} ${one ?? 'none'}, ${names[1]} ${other ?? 'none'}`)
    }
  }
  return differences
}

/** True if any limit of the policy is an age limit. */
export function hasAgeLimit(policy: RetentionPolicy): boolean {
  return [...limitsOf(policy)].some(([name]) => name.endsWith('maxAgeSeconds'))
}

function* limitsOf(policy: RetentionPolicy): Generator<[string, number]> {
  for (const key of LIMIT_KEYS) {
    const limit = policy[key]
    if (limit !== undefined) yield [key, limit]
  }
  for (const kind of RECORD_KINDS) {
    for (const key of LIMIT_KEYS) {
      const limit = policy.perKind?.[kind]?.[key]
      if (limit !== undefined) yield [`perKind.${kind}.${key}`, limit]
    }
  }
}

function readPerKind(value: unknown): { [K in RecordKind]?: RetentionLimits } {
  if (value === undefined) return {}
  const source = plainObject(value, 'retention.perKind')
  const perKind: { [K in RecordKind]?: RetentionLimits } = {}
  for (const kind of Object.keys(source)) {
    if (!isRecordKind(kind)) throw unknownName('kind', kind, 'retention.perKind', RECORD_KINDS)
    if (source[kind] === undefined) continue
    const path = `retention.perKind.${kind}`
    const limits = readLimits(plainObject(source[kind], path), path, [])
    if (Object.keys(limits).length > 0) perKind[kind] = Object.freeze(limits)
  }
  return perKind
}

function readLimits(
  source: { readonly [key: string]: unknown },
  path: string,
  alsoAllowed: readonly string[],
): RetentionLimits {
  const allowed: readonly string[] = [...LIMIT_KEYS, ...alsoAllowed]
  for (const key of Object.keys(source)) {
    if (!allowed.includes(key)) throw unknownName('key', key, path, allowed)
  }
  const limits: { [K in LimitKey]?: number } = {}
  for (const key of LIMIT_KEYS) {
    if (!Object.hasOwn(source, key) || source[key] === undefined) continue
    limits[key] = positiveInteger(source[key], `${path}.${key}`)
  }
  return limits
}

function positiveInteger(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  const hint =
    value === 0 || value === null
      ? 'Leave the limit out to have none.'
      : 'Use a whole number from 1 to 9007199254740991.'
  throw new PapyraError(
    'invalid_policy',
    `${path} must be a positive whole number, not ${describe(value)}.`,
    { hint, details: { path } },
  )
}

function plainObject(value: unknown, path: string): { readonly [key: string]: unknown } {
  if (isPlainObject(value)) return value
  throw new PapyraError(
    'invalid_policy',
    `${path} must be an object of limits, not ${describe(value)}.`,
    { details: { path } },
  )
}

function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function unknownName(
  what: 'key' | 'kind',
  name: string,
  path: string,
  allowed: readonly string[],
): PapyraError {
  const near = nearestName(name, allowed)
  const known = `The ${what}s are ${allowed.join(', ')}.`
  return new PapyraError('invalid_policy', `${path} has an unknown ${what} ${describe(name)}.`, {
    hint: near === null ? known : `Did you mean \`${near}\`? ${known}`,
    details: { path: `${path}.${shorten(name)}` },
  })
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value))
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return 'a bigint'
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'function' ? 'a function' : `a value of type ${typeof value}`
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
