import {
  throwIfAborted,
  type Backend,
  type ReadQuery,
  type RetentionPolicy,
  type StoredRecord,
} from '@papyra/contracts'
import { createLiveView, isStreamable, planRetention, verdict } from '@papyra/retention'

/** What of a store is to be read, before retention and conditions are applied. */
export interface VisibleQuery {
  /** Absent means all kinds. */
  readonly kinds?: readonly string[]
  readonly since?: number
  readonly until?: number
  readonly order: 'oldest' | 'newest'
  readonly signal?: AbortSignal
  readonly onDamage?: NonNullable<ReadQuery['onDamage']>
}

/** How retention is applied while reading. */
export interface RetentionView {
  readonly policy: RetentionPolicy | null
  /** Wall time in ms, taken once for the whole list. */
  readonly now: number
  /** `none` if it is known that the store has no records of unknown kinds: then less is read. */
  readonly unknownKinds: 'possible' | 'none'
}

/**
 * The records that a policy keeps, as if the store had just been compacted by it. Reads no more
 * than it must: newest first it stops where the policy keeps nothing further, as far as the policy
 * allows to tell; otherwise one pass without payloads precedes.
 */
export function readVisible(
  backend: Backend,
  query: VisibleQuery,
  view: RetentionView,
): AsyncIterable<StoredRecord> {
  const { policy, unknownKinds } = view
  if (policy === null) return backend.read(query)
  return query.order === 'newest' && isStreamable(policy, { unknownKinds })
    ? readLive(backend, query, { ...view, policy })
    : readPlanned(backend, query, { ...view, policy })
}

type BoundedView = RetentionView & { readonly policy: RetentionPolicy }

async function* readLive(
  backend: Backend,
  { kinds, since, until, ...rest }: VisibleQuery,
  { policy, now, unknownKinds }: BoundedView,
): AsyncGenerator<StoredRecord> {
  const view = createLiveView(policy, now, { unknownKinds })
  // The view must be told of every record: all of them count against the limits of the whole log.
  for await (const record of backend.read(rest)) {
    const kept = view.verdict(record) === null
    const wanted =
      (kinds === undefined || kinds.includes(record.kind)) &&
      (since === undefined || record.timestamp >= since) &&
      (until === undefined || record.timestamp < until)
    if (kept && wanted) yield record
    if (view.exhausted(kinds)) return
  }
}

async function* readPlanned(
  backend: Backend,
  query: VisibleQuery,
  { policy, now }: BoundedView,
): AsyncGenerator<StoredRecord> {
  const { signal } = query
  const options = signal === undefined ? {} : { signal }
  const plan = await planRetention(() => backend.readMeta(options), policy, { now, ...options })
  throwIfAborted(signal)
  // What was appended after the plan was made would come on top of what the limits keep.
  for await (const record of backend.read({ ...query, beforeSeq: plan.newestSeq + 1 })) {
    if (verdict(plan, record) === null) yield record
  }
}
