import type { PapyraError } from '@papyra/contracts'
import type { Mismatch } from './delivery.js'
import { text } from './entry.js'
import { glance, suspect } from './health.js'
import type { Store } from './store.js'

/**
 * Finds out why an append was not taken. Resolves with `null` if it may be tried again, else with the
 * error that stops the writer.
 */
export async function explainMismatch(
  store: Store,
  seen: Mismatch,
  trimsAllowed: boolean,
): Promise<PapyraError | null> {
  const { status, acknowledged } = seen
  const range = acknowledged && { afterSeq: acknowledged.first - 1, lastSeq: acknowledged.last }
  switch (status) {
    case 'replaced':
      return store.replaced('its `:meta` is gone, or that of another store', {
        reason: 'replaced',
        ...range,
      })
    case 'epoch':
      return store.replaced('a recovery accepted a loss meanwhile', { reason: 'recovered' })
    case 'suspect':
      return store.replaced('a loss was noticed that nobody has accepted yet', { reason: 'loss' })
    case 'gap':
      return rolledBack(store, seen)
    case 'length':
    case 'top':
      return damaged(store, seen, trimsAllowed)
    default:
      return store.replaced(`an append was answered with \`${status}\``, { reason: 'unexpected' })
  }
}

/** The server knows less of this writer than it had acknowledged: an older state is there. */
async function rolledBack(store: Store, { writer, acknowledged }: Mismatch): Promise<PapyraError> {
  const { connection, keys } = store
  const row = text(await connection.ask('HGET', keys.writers, writer))
  const known = Number(/^\d+:\d+:(\d+):/.exec(row)?.[1] ?? 0)
  const meta = await store.meta()
  const first = Math.max(known, acknowledged === null ? 0 : acknowledged.first - 1) + 1
  const last = acknowledged?.last ?? 0
  const seq = { first: Math.min(Math.max(first, meta.seq + 1), Math.max(first, last)), last }
  if (seq.first <= seq.last) await suspect(store, seq)
  return store.replaced('it is older than what this writer was acknowledged', {
    reason: 'rolled_back',
    firstSeq: seq.first,
    lastSeq: last,
  })
}

async function damaged(
  store: Store,
  { status }: Mismatch,
  trimsAllowed: boolean,
): Promise<PapyraError | null> {
  const look = await store.look()
  const { damaged: kinds, missing } = await glance(store, look, trimsAllowed)
  // Another writer, or the leave to trim, has set it right.
  if (kinds.length === 0 && status === 'length') return null
  const paths = kinds.map((kind) => store.keys.stream(kind)).join(', ')
  const what = missing > 0 ? `${missing} records are gone` : 'another program wrote'
  return store.replaced(`${what} in ${paths}`, { reason: status, records: missing })
}
