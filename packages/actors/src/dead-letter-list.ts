import type { DeadLetterRecord } from '@papyra/contracts'
import type { Papyra } from '@papyra/core'
import { requireOneOf } from './require.js'

/** A dead letter as it is read back, whoever wrote it. */
export interface StoredDeadLetter {
  readonly seq: number
  /** `null` for a dead letter that an actor system did not write. */
  readonly id: string | null
  readonly target: string | null
  readonly sender: string | null
  readonly messageType: string
  readonly reason: string | null
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly message: unknown
  /** Whether `message` is all of it; `null` if that is not known. */
  readonly complete: boolean | null
}

export interface DeadLetterFilter {
  readonly target?: string
  readonly type?: string | readonly string[]
  readonly reason?: string
  /** At or after, and before, in ms. */
  readonly since?: number
  readonly until?: number
  readonly signal?: AbortSignal
}

export interface DeadLetterListQuery extends DeadLetterFilter {
  readonly limit?: number
  readonly order?: 'oldest' | 'newest'
}

export const GROUP_FIELDS = ['target', 'type', 'reason'] as const
export type GroupField = (typeof GROUP_FIELDS)[number]

/** Dead letters that have the fields in common which they were grouped by. */
export interface DeadLetterGroup {
  readonly target?: string | null
  readonly type?: string
  readonly reason?: string | null
  readonly count: number
  /** Time of the first and the last, in ms. */
  readonly first: number
  readonly last: number
  /** The id of the last one. */
  readonly lastId: string | null
}

type Source = Pick<Papyra, 'listDeadLetters'>

/** Lists the dead letters of any store. Throws as `Papyra.listDeadLetters` does. */
export async function* listDeadLetters(
  papyra: Source,
  query: DeadLetterListQuery = {},
): AsyncGenerator<StoredDeadLetter> {
  const { reason, ...rest } = query
  const where = (letter: DeadLetterRecord): boolean => letter.reason === reason
  const list = papyra.listDeadLetters(reason === undefined ? rest : { ...rest, where })
  for await (const record of list) yield fromRecord(record)
}

/**
 * Counts dead letters by target, type or reason, or several of them; the largest group first. Reads
 * all that match. Throws `invalid_argument` for another field.
 */
export async function groupDeadLetters(
  papyra: Source,
  by: readonly GroupField[],
  filter: DeadLetterFilter = {},
): Promise<readonly DeadLetterGroup[]> {
  for (const field of by) requireOneOf('by', field, GROUP_FIELDS)
  const groups = new Map<string, DeadLetterGroup>()
  for await (const letter of listDeadLetters(papyra, filter)) {
    const { target, messageType, reason, timestamp, id } = letter
    const common = { target, type: messageType, reason }
    const fields = Object.fromEntries(by.map((field) => [field, common[field]]))
    const key = JSON.stringify(by.map((field) => common[field]))
    const { count = 0, first = timestamp } = groups.get(key) ?? {}
    groups.set(key, { ...fields, count: count + 1, first, last: timestamp, lastId: id })
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}

function fromRecord(record: DeadLetterRecord): StoredDeadLetter {
  const { seq, target, sender = null, messageType, attempts = 0, timestamp, payload } = record
  const reason = record.reason ?? null
  const common = { seq, sender, messageType, reason, attempts, timestamp }
  const to = target === null || typeof target === 'string' ? target : JSON.stringify(target)
  if (isOurs(payload)) {
    const { id, complete, message } = payload
    return { ...common, target: to, id, message, complete }
  }
  return { ...common, target: to, id: null, message: payload, complete: null }
}

function isOurs(payload: unknown): payload is { id: string; complete: boolean; message: unknown } {
  if (typeof payload !== 'object' || payload === null) return false
  const { id, complete } = payload as { id?: unknown; complete?: unknown }
  return typeof id === 'string' && typeof complete === 'boolean' && 'message' in payload
}
