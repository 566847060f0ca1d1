import { isRecordKind, type RecordKind } from '@papyra/contracts'
import type { RedisBackendOptions } from '../options.js'
import type { GroupEvent } from './events.js'
import { checkName, refuse } from './names.js'

export interface ConsumerGroupOptions {
  /** The store, as for `redisBackend`. */
  readonly store: RedisBackendOptions
  /** Whose records it handles. */
  readonly kind: RecordKind
  /** Letters, digits, `.`, `_` and `-`. */
  readonly group: string
  /** Told of what happens besides the deliveries. What it throws is nobody's. */
  readonly onEvent?: (event: GroupEvent) => void
}

export interface ClaimOptions {
  /** Who takes the records, as a whole name; see `Delivery.consumer`. */
  readonly consumer: string
  /** Only what nobody has touched for so long, in ms. Default 60 000. */
  readonly minIdleMs?: number
  /** A record that was delivered so often goes to the poison instead. 0: never. Default 10. */
  readonly maxDeliveries?: number
  readonly signal?: AbortSignal
}

export interface ConsumeOptions {
  /** Who consumes. Each run adds a word of its own, so that none acknowledges for an earlier one. */
  readonly consumer: string
  /** How many records are fetched at once. Default 16. */
  readonly batch?: number
  /** How long one wait for new records may take, in ms. Default 5000. */
  readonly blockMs?: number
  /** How often to look for records that others hold for too long, in ms. 0: never. Default 30 000. */
  readonly claimEveryMs?: number
  /** What is too long, in ms: longer than handling a batch ever takes. Default 60 000. */
  readonly minIdleMs?: number
  /** A record that was delivered so often goes to the poison instead. 0: never. Default 10. */
  readonly maxDeliveries?: number
  /**
   * What to do when the group has vanished: `resume` (the default) makes it again behind the last
   * record up to which all were handled; `fail` rejects with `group_not_found`.
   */
  readonly onVanished?: 'resume' | 'fail'
  /** Ends the iteration; records that were not acknowledged stay pending. */
  readonly signal?: AbortSignal
}

export interface Consuming extends Required<Omit<ConsumeOptions, 'signal'>> {
  readonly signal: AbortSignal | undefined
}

const NUMBERS = { batch: 16, blockMs: 5000, claimEveryMs: 30_000, minIdleMs: 60_000 } as const
const ZERO_ALLOWED = ['claimEveryMs', 'minIdleMs', 'maxDeliveries']
const MOST = { batch: 1000, blockMs: 60_000 } as const

/** Throws `invalid_argument`. */
export function checkGroup({ kind, group }: ConsumerGroupOptions): void {
  if (!isRecordKind(kind)) throw refuse('kind must be event, audit or dead_letter.')
  checkName('group', group)
}

/** The options with their defaults. Throws `invalid_argument`. */
export function checkConsume(options: ConsumeOptions): Consuming {
  const { onVanished = 'resume', signal } = options
  const consumer = checkName('consumer', options.consumer)
  if (consumer.length > 48) throw refuse('consumer must have at most 48 characters.')
  if (onVanished !== 'resume' && onVanished !== 'fail') {
    throw refuse('onVanished must be resume or fail.')
  }
  const { batch, blockMs, claimEveryMs, minIdleMs } = { ...NUMBERS, ...given(options) }
  const maxDeliveries = options.maxDeliveries ?? 10
  const all = { batch, blockMs, claimEveryMs, minIdleMs, maxDeliveries }
  checkNumbers(all)
  return { ...all, consumer, onVanished, signal }
}

/** The same for a claim. */
export function checkClaim(options: ClaimOptions): Required<Omit<ClaimOptions, 'signal'>> {
  const { consumer, minIdleMs = NUMBERS.minIdleMs, maxDeliveries = 10 } = options
  checkName('consumer', consumer)
  checkNumbers({ minIdleMs, maxDeliveries })
  return { consumer, minIdleMs, maxDeliveries }
}

function given(options: ConsumeOptions): Partial<Record<keyof typeof NUMBERS, number>> {
  return Object.fromEntries(
    Object.keys(NUMBERS).flatMap((name) => {
      const value = options[name as keyof typeof NUMBERS]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function checkNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    const least = ZERO_ALLOWED.includes(name) ? 0 : 1
    const most = (MOST as Readonly<Record<string, number>>)[name] ?? Number.MAX_SAFE_INTEGER
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue
    throw refuse(`${name} must be a whole number from ${least} to ${most}.`)
  }
}
