import type { StoredRecord } from '@papyra/contracts'
import { asciiRawJson } from '../../output/text.js'
import { timeText } from '../../output/format.js'

/** The members of a stored record; none if it cannot be parsed (too deep, too long). */
export function membersOf(record: StoredRecord): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(record.json)
    if (typeof value === 'object' && value !== null) return new Map(Object.entries(value))
  } catch {
    // Shown by its raw text all the same.
  }
  return new Map()
}

/** One line of `--json`: the record's own text inside, so that no number or key changes. */
export function jsonLine(record: StoredRecord): string {
  const { seq, kind, timestamp, json } = record
  const usable = Number.isFinite(timestamp)
  const head = {
    schema: 'papyra.record/1',
    seq,
    kind,
    timestamp: usable ? timestamp : null,
    time: usable && Math.abs(timestamp) <= 8.64e15 ? timeText(timestamp) : null,
  }
  return asciiRawJson(`${JSON.stringify(head).slice(0, -1)},"record":${json}}`)
}

/** One line for people: time, number, what it is about, payload as stored. */
export function textLine(record: StoredRecord, members: ReadonlyMap<string, unknown>): string {
  return [timeText(record.timestamp), String(record.seq), ...aboutTexts(record, members)].join('  ')
}

function aboutTexts({ kind, json }: StoredRecord, members: ReadonlyMap<string, unknown>): string[] {
  if (members.size === 0) return [kind, json]
  const payload = rawMember(json, 'payload') ?? '-'
  if (kind === 'event')
    return [shown(members.get('event_type')), addressText(members.get('actor_address')), payload]
  if (kind === 'dead_letter') {
    const reason = members.get('reason')
    return [
      shown(members.get('message_type')),
      addressText(members.get('target')),
      ...(typeof reason === 'string' ? [`reason=${reason}`] : []),
      payload,
    ]
  }
  if (kind !== 'audit') return [kind, json]
  return AUDIT_COUNTS.map(([name, member]) => `${name}=${countOf(members.get(member))}`)
}

const AUDIT_COUNTS = [
  ['total', 'total_actors'],
  ['alive', 'alive_actors'],
  ['stopping', 'stopping_actors'],
  ['restarting', 'restarting_actors'],
  ['registry', 'registry_size'],
  ['orphans', 'registry_orphans'],
  ['dead', 'registry_dead'],
  ['dead_letters', 'dead_letters_count'],
] as const

const countOf = (value: unknown): string =>
  String(Array.isArray(value) ? value.length : (value ?? '-'))
const shown = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null)

/** An address as text: as it is, or `system:id` for the objects that other writers store. */
export function addressText(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const { system, actor_id: id } = value as { system?: unknown; actor_id?: unknown }
  const plain = typeof system === 'string' && (typeof id === 'number' || typeof id === 'string')
  return plain ? `${system}:${id}` : JSON.stringify(value)
}

/** The text of a member of the top level, as stored. `null` if it is not there. */
export function rawMember(json: string, name: string): string | null {
  let depth = 0
  let key: string | null = null
  let start = -1
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '"') {
      const end = stringEnd(json, at)
      if (depth === 1 && start < 0) key = json.slice(at + 1, end)
      at = end
    } else if (character === '{' || character === '[') depth += 1
    else if (character === ':' && depth === 1 && start < 0) start = at + 1
    else if (character === '}' || character === ']' || (character === ',' && depth === 1)) {
      if (depth === 1 && start >= 0) {
        if (key === name) return json.slice(start, at).trim()
        start = -1
      }
      if (character !== ',') depth -= 1
    }
  }
  return null
}

function stringEnd(json: string, from: number): number {
  let at = from + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
