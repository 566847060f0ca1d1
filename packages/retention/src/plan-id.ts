import {
  PapyraError,
  isPapyraError,
  type RecordKind,
  type RetentionPolicy,
} from '@papyra/contracts'
import { validatePolicy } from './policy.js'

/** All that has to be known to make the same plan again, over the same records. */
export interface PlanKey {
  /** The id of the log. */
  readonly store: string
  readonly policy: RetentionPolicy
  /** Wall time in ms that ages are measured against. */
  readonly at: number
  /** The last number that is judged. */
  readonly through: number
  /** The store's generation, and how many compactions and recoveries it has seen. */
  readonly generation: number
  readonly maintenance: number
  /** Of a kind nothing from this number on goes, whatever the policy says. */
  readonly below?: Readonly<Partial<Record<RecordKind, number>>>
}

const PREFIX = 'p1.'
const LIMITS = ['maxAgeSeconds', 'maxRecords', 'maxTotalBytes'] as const
const KINDS = ['event', 'audit', 'dead_letter'] as const

/**
 * The key as one word of letters, digits, `-`, `_` and `.`, for a command line: it holds everything,
 * so no plan is stored anywhere. The same key gives the same word.
 */
export function encodePlanId(key: PlanKey): string {
  const { store, policy, at, through, generation, maintenance, below = {} } = key
  const limits = limitsOf(validatePolicy(policy), below)
  const body = JSON.stringify([store, at, through, generation, maintenance, ...limits])
  const bytes = new TextEncoder().encode(body)
  const text = btoa(String.fromCharCode(...bytes))
  const safe = text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  return `${PREFIX}${safe}.${sumOf(bytes)}`
}

/** Reads such a word. Throws `invalid_argument` if it is none, was cut or has a slip of the pen. */
export function decodePlanId(text: string): PlanKey {
  if (typeof text !== 'string') throw refuse('it is no text')
  if (/^p\d+\./.test(text) && !text.startsWith(PREFIX))
    throw refuse('another version of this program made it')
  const found = /^p1\.([A-Za-z0-9_-]+)\.([0-9a-f]{8})$/.exec(text)
  const bytes = found === null ? null : bytesOf(found[1] ?? '')
  if (bytes === null || sumOf(bytes) !== found?.[2])
    throw refuse('it was cut short or mistyped, or is no plan')
  try {
    return keyOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (error) {
    if (isPapyraError(error, 'invalid_argument')) throw error
    throw refuse('it holds no plan', error)
  }
}

function keyOf(value: unknown): PlanKey {
  if (!Array.isArray(value)) throw refuse('it holds no plan')
  const [store, at, through, generation, maintenance, ...limits]: unknown[] = value
  const counts = [through, generation, maintenance]
  if (typeof store !== 'string' || typeof at !== 'number') throw refuse('it holds no plan')
  if (!counts.every((n) => Number.isSafeInteger(n) && (n as number) >= 0) || limits.length > 15)
    throw refuse('it holds no plan')
  const below = belowOf(limits.slice(12))
  return {
    store,
    policy: policyOf(limits),
    ...(below !== null && { below }),
    at,
    through: through as number,
    generation: generation as number,
    maintenance: maintenance as number,
  }
}

/** What may go of each kind at most; `null` if nothing is said. */
function belowOf(numbers: readonly unknown[]): NonNullable<PlanKey['below']> | null {
  const said = KINDS.flatMap((kind, i) => {
    const value = numbers[i] ?? 0
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw refuse('it holds no plan')
    return value === 0 ? [] : [[kind, value as number] as const]
  })
  return said.length === 0 ? null : Object.fromEntries(said)
}

/** The limits in a fixed order, 0 where there is none, as far as the last that there is. */
function limitsOf(policy: RetentionPolicy, below: NonNullable<PlanKey['below']>): number[] {
  const groups = [policy, ...KINDS.map((kind) => policy.perKind?.[kind])]
  const all = groups.flatMap((group) => LIMITS.map((limit) => group?.[limit] ?? 0))
  all.push(...KINDS.map((kind) => below[kind] ?? 0))
  while (all.at(-1) === 0) all.pop()
  return all
}

function policyOf(limits: readonly unknown[]): RetentionPolicy {
  const group = (from: number): { readonly [key: string]: unknown } =>
    Object.fromEntries(
      LIMITS.flatMap((limit, i) => {
        const value = limits[from + i] ?? 0
        return value === 0 ? [] : [[limit, value]]
      }),
    )
  const perKind = Object.fromEntries(KINDS.map((kind, i) => [kind, group(3 * (i + 1))]))
  return validatePolicy({ ...group(0), perKind })
}

function bytesOf(safe: string): Uint8Array | null {
  try {
    const text = atob(safe.replaceAll('-', '+').replaceAll('_', '/'))
    return Uint8Array.from(text, (char) => char.charCodeAt(0))
  } catch {
    return null
  }
}

/** CRC-32, bit by bit: the text is short. */
function sumOf(bytes: Uint8Array): string {
  let c = ~0
  for (const byte of bytes) {
    c ^= byte
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  }
  return (~c >>> 0).toString(16).padStart(8, '0')
}

function refuse(why: string, cause?: unknown): PapyraError {
  return new PapyraError('invalid_argument', `This is not the id of a plan: ${why}.`, {
    hint: 'Copy the whole id that a dry run printed, or make a new one with a dry run.',
    cause,
  })
}
