import {
  isPapyraError,
  isRecordKind,
  type Backend,
  type ReadQuery,
  type RetentionPolicy,
  type StoredRecord,
} from '@papyra/contracts'
import { Reader } from '@papyra/core'

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

/**
 * The stored records that a policy keeps. Core's reader decides which those are; it is handed the
 * records without their bodies, so that one which cannot be decoded is still shown as it is stored.
 */
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
  const bodies = new Map<number, StoredRecord>()
  const others = kind === undefined ? (onOther ?? null) : null
  const reader = new Reader(withoutBodies(backend, bodies, others), {
    view: () => ({ policy, now, unknownKinds }),
  })
  const lists = {
    event: () => reader.listEvents(rest),
    audit: () => reader.listAudits(rest),
    dead_letter: () => reader.listDeadLetters(rest),
  }
  for await (const { seq } of isRecordKind(kind) ? lists[kind]() : reader.list(rest)) {
    const record = bodies.get(seq)
    bodies.clear()
    if (record !== undefined) yield record
  }
}

type Told = (record: StoredRecord) => void

/** The backend, except that reading notes each record and gives it on without its body. */
function withoutBodies(
  backend: Backend,
  bodies: Map<number, StoredRecord>,
  others: Told | null,
): Backend {
  async function* read(query: ReadQuery = {}): AsyncGenerator<StoredRecord> {
    const { kinds: _kinds, ...ofAllKinds } = query
    for await (const record of backend.read(others === null ? query : ofAllKinds)) {
      if (others !== null && !isRecordKind(record.kind)) {
        others(record)
        continue
      }
      bodies.clear()
      bodies.set(record.seq, record)
      yield { ...record, json: '{}' }
    }
  }
  // Only reading passes through here, and only `read` differs.
  const readMeta: Backend['readMeta'] = (options) => backend.readMeta(options)
  return Object.assign(Object.create(backend) as Backend, { read, readMeta })
}
