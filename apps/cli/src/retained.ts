import {
  isPapyraError,
  isRecordKind,
  type Backend,
  type ReadQuery,
  type RetentionPolicy,
  type StoredRecord,
} from '@papyra/contracts'
import { readVisible } from '@papyra/core'

/** What of a store is to be read, before retention is applied. */
export interface RetainedQuery extends Pick<ReadQuery, 'since' | 'until' | 'signal' | 'onDamage'> {
  /** One of the kinds that Papyra knows; absent means all of them. */
  readonly kind?: string
  /** Told of each record of another kind, if no kind is named: retention keeps them all. */
  readonly onOther?: (record: StoredRecord) => void
  readonly order: 'oldest' | 'newest'
}

/** The policy to read by. */
export interface RetainedView {
  readonly policy: RetentionPolicy
  /** Wall time in ms. */
  readonly now: number
  /**
   * True to read newest first without a pass over the whole store beforehand. Exact unless the store
   * holds records of unknown kinds that are older than what is read: those count against log-wide
   * limits, so up to as many records too many may be shown as there are of them.
   */
  readonly quick: boolean
}

/** The stored records that a policy keeps, as they are stored: nothing is decoded. */
export async function* readRetained(
  backend: Backend,
  query: RetainedQuery,
  view: RetainedView,
): AsyncGenerator<StoredRecord> {
  if (!view.quick) return yield* kept(backend, query, view, 'possible')
  let last = Number.POSITIVE_INFINITY
  try {
    for await (const record of kept(backend, query, view, 'none')) {
      last = record.seq
      yield record
    }
  } catch (error) {
    // There is a record of an unknown kind after all.
    if (!isPapyraError(error, 'invalid_argument')) throw error
    for await (const record of kept(backend, query, view, 'possible')) {
      if (record.seq < last) yield record
    }
  }
}

async function* kept(
  backend: Backend,
  { kind, onOther, ...rest }: RetainedQuery,
  { policy, now }: RetainedView,
  unknownKinds: 'possible' | 'none',
): AsyncGenerator<StoredRecord> {
  const query = kind === undefined ? rest : { ...rest, kinds: [kind] }
  for await (const record of readVisible(backend, query, { policy, now, unknownKinds })) {
    if (kind !== undefined || isRecordKind(record.kind)) yield record
    else onOther?.(record)
  }
}
