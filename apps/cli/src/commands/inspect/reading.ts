import {
  isPapyraError,
  type Backend,
  type ReadQuery,
  type RetentionPolicy,
  type StoredRecord,
} from '@papyra/contracts'
import type { Context } from '../../context.js'
import { placeText } from '../../output/scan-view.js'
import { isUnlimited, policyText } from '../../policy.js'
import { readRetained, type RetainedQuery } from '../../retained.js'
import type { Store } from '../../store.js'
import type { Filters } from './filters.js'

/** What of a store is to be read. */
export interface Wanted {
  readonly kind?: string
  readonly filters: Filters
  readonly reverse: boolean
  readonly limit: number
  readonly all: boolean
  /** Told of records of unknown kinds where retention is applied and no kind is named. */
  readonly onOther?: (record: StoredRecord) => void
}

/** Records within retention, and what had to be passed over. */
export interface Reading {
  readonly records: AsyncIterable<StoredRecord>
  /** Tells of damage that was passed over, once. */
  readonly onDamage: NonNullable<ReadQuery['onDamage']>
  /** True if damage was met so far. */
  damaged(): boolean
  /**
   * The policy, if it hides records of this kind that are older than the first one seen; `null` if
   * it hides none, or if that cannot have changed what was shown.
   */
  hidden(firstSeq: number, readToTheEnd: boolean): Promise<string | null>
}

/** Reads a store as its retention policy would leave it; with `all`, everything in it. */
export async function readStore(
  context: Context,
  store: Store,
  backend: Backend,
  wanted: Wanted,
): Promise<Reading> {
  const { io, out } = context
  const damage = new Set<string>()
  const onDamage: NonNullable<ReadQuery['onDamage']> = (place) => {
    const text = placeText(place)
    if (damage.has(text)) return
    damage.add(text)
    if (damage.size <= 5) void out.problem(['red', 'damage passed over:'], ` ${text}`)
    if (damage.size === 6) void out.problem('... and more; `papyra persistence scan` tells all')
  }
  const query = {
    ...(wanted.kind === undefined ? {} : { kinds: [wanted.kind] }),
    ...(wanted.filters.since === undefined ? {} : { since: wanted.filters.since }),
    ...(wanted.filters.until === undefined ? {} : { until: wanted.filters.until }),
    signal: io.signal,
    onDamage,
  } satisfies ReadQuery
  const policy = wanted.all ? null : await policyInForce(store, backend)
  const order = wanted.reverse ? 'newest' : 'oldest'
  return {
    records:
      policy === null
        ? backend.read({ ...query, order })
        : retained(context, backend, wanted, { ...query, order, policy }),
    onDamage,
    damaged: () => damage.size > 0,
    async hidden(firstSeq, readToTheEnd) {
      if (policy === null || (wanted.reverse && !readToTheEnd)) return null
      for await (const oldest of backend.read({ ...query, order: 'oldest', limit: 1 })) {
        return firstSeq === 0 || oldest.seq < firstSeq ? policyText(policy) : null
      }
      return null
    },
  }
}

/** The configured policy, else the recorded one. */
async function policyInForce(
  { settings }: Store,
  backend: Backend,
): Promise<RetentionPolicy | null> {
  const policy = isUnlimited(settings.retention)
    ? (await backend.describe()).retention
    : settings.retention
  return isUnlimited(policy) ? null : policy
}

interface RetainedRead extends ReadQuery {
  readonly order: 'oldest' | 'newest'
  readonly policy: RetentionPolicy
}

async function* retained(
  { io, out }: Context,
  backend: Backend,
  { kind, onOther, reverse, limit }: Wanted,
  { policy, ...query }: RetainedRead,
): AsyncGenerator<StoredRecord> {
  const { kinds: _kinds, ...rest } = query
  const asked: RetainedQuery = {
    ...rest,
    ...(kind === undefined ? {} : { kind }),
    ...(onOther === undefined ? {} : { onOther }),
  }
  // The newest few are shown without reading the whole store first.
  const view = { policy, now: io.clock.now(), quick: reverse && Number.isFinite(limit) }
  let given = 0
  try {
    for await (const record of readRetained(backend, asked, view)) {
      given += 1
      yield record
    }
  } catch (error) {
    // What retention keeps cannot be worked out over damage; what is there can still be shown.
    if (given > 0 || !isPapyraError(error, 'anomalies_found')) throw error
    await out.problem(
      'damage in the store: retention is not applied, everything that can be read is shown',
    )
    yield* backend.read(query)
  }
}
