import { throwIfAborted, type ClaimSummary, type StoredRecord } from '@papyra/contracts'
import type { Connection, Reply } from '../connection.js'
import { bytes, decodeEntry, list, text } from '../entry.js'
import { failureOf } from '../redis-errors.js'
import type { GroupEvent } from './events.js'
import type { GroupStore } from './group-store.js'
import { asideScript, claimScript } from './scripts.js'

/** A record that a consumer holds. */
export interface Held {
  readonly record: StoredRecord
  readonly deliveries: number
}

export interface ClaimPage {
  readonly records: readonly Held[]
  readonly deleted: readonly number[]
  readonly poison: readonly number[]
  readonly invalid: readonly string[]
}

export interface Claiming {
  readonly consumer: string
  readonly minIdleMs: number
  readonly maxDeliveries: number
  readonly batch: number
  readonly signal?: AbortSignal | undefined
}

/** Claims page by page, until the cursor has come to its end; then the run is recorded with the store. */
export async function* claimAll(
  group: GroupStore,
  { consumer, minIdleMs, maxDeliveries, batch, signal }: Claiming,
  tell: (event: GroupEvent) => void,
  connection?: Connection,
): AsyncGenerator<ClaimPage, void, undefined> {
  const { store, kind } = group
  const total = { claimed: 0, deleted: 0, poison: 0 }
  let cursor = '0-0'
  do {
    throwIfAborted(signal)
    const now = store.clock.now()
    const words = [consumer, minIdleMs, cursor, batch, maxDeliveries, now, kind]
    const reply = await claimStep(group, words, connection)
    const [next, entries, deletedIds, poisonIds] = list(reply)
    const { records, invalid } = await sound(group, list(entries), tell, connection)
    const deleted = list(deletedIds).map((id) => Number(text(id).split('-')[0]))
    const poison = list(poisonIds).map((id) => Number(text(id)))
    const seqs = records.map(({ record }) => record.seq)
    if (seqs.length > 0) tell({ what: 'claimed', seqs })
    if (deleted.length > 0) tell({ what: 'deleted', seqs: deleted })
    if (poison.length > 0) tell({ what: 'poison', seqs: poison })
    total.claimed += seqs.length
    total.deleted += deleted.length
    total.poison += poison.length + invalid.length
    yield { records, deleted, poison, invalid }
    cursor = text(next)
  } while (cursor !== '0-0' && cursor !== '')
  if (total.claimed + total.deleted + total.poison === 0) return
  const summary: ClaimSummary = { at: store.clock.now(), consumer, ...total }
  await store.maintain(null, [], ['set', `${group.fields}:claim`, JSON.stringify(summary)])
}

async function claimStep(
  group: GroupStore,
  words: readonly (string | number)[],
  connection?: Connection,
): Promise<Reply> {
  try {
    return await group.run(claimScript, words, connection)
  } catch (error) {
    if (failureOf(error)?.reason === 'NOGROUP') throw group.notFound()
    throw error
  }
}

/** The records among entries with their deliveries; what is none goes aside. */
async function sound(
  group: GroupStore,
  rows: readonly Reply[],
  tell: (event: GroupEvent) => void,
  connection?: Connection,
): Promise<{ records: Held[]; invalid: string[] }> {
  const [records, invalid]: [Held[], string[]] = [[], []]
  for (const row of rows) {
    const [entry, deliveries] = list(row)
    const { id, record, problem } = decodeEntry(group.kind, group.store.seed, entry ?? null)
    if (record !== null) records.push({ record, deliveries: Number(deliveries) })
    else {
      invalid.push(id)
      await setAside(group, id, problem ?? 'foreign_record', connection)
      tell({ what: 'invalid', id, why: problem ?? 'foreign_record' })
    }
  }
  return { records, invalid }
}

/** Keeps a pending entry among the poison and acknowledges it. */
export async function setAside(
  group: GroupStore,
  id: string,
  why: string,
  connection?: Connection,
): Promise<'ok' | 'deleted' | 'gone'> {
  const words = [id, why, group.store.clock.now(), group.kind]
  const [status] = list(await group.run(asideScript, words, connection))
  return text(status) as 'ok' | 'deleted' | 'gone'
}

/** True for an entry that is pending and gone from the stream. */
export function isDeleted(entry: Reply): boolean {
  const [id, fields] = list(entry)
  return bytes(id).length > 0 && (fields === null || list(fields).length === 0)
}
