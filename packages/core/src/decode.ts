import {
  PapyraError,
  type AuditRecord,
  type DeadLetterRecord,
  type EventRecord,
  type JsonValue,
  type StoredRecord,
} from '@papyra/contracts'

type Members = Readonly<Record<string, JsonValue>>

/** A record of a kind that this version does not know, as it is stored. */
export interface UnknownRecord {
  readonly seq: number
  readonly kind: string
  readonly timestamp: number
  readonly systemId: string
  /** All stored members, named as on disk. */
  readonly members: Readonly<Record<string, JsonValue>>
}

/** Any record as it is read back; `kind` tells which. */
export type AnyRecord = EventRecord | AuditRecord | DeadLetterRecord

function membersOf(record: StoredRecord): Members {
  let parsed: unknown
  try {
    parsed = JSON.parse(record.json)
  } catch (cause) {
    throw unreadable(record, cause)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw unreadable(record, undefined)
  }
  return parsed as Members
}

function unreadable(record: StoredRecord, cause: unknown): PapyraError {
  return new PapyraError('anomalies_found', `Record ${record.seq} is not a JSON object.`, {
    cause,
    details: { seq: record.seq, kind: record.kind },
  })
}

/** An own member; never one that every object inherits. */
function own(members: Members, name: string): JsonValue {
  return Object.hasOwn(members, name) ? (members[name] ?? null) : null
}

function textOf(members: Members, name: string): string {
  const value = own(members, name)
  return typeof value === 'string' ? value : ''
}

function numberOf(members: Members, name: string): number {
  const value = own(members, name)
  return typeof value === 'number' ? value : Number.NaN
}

function textsOf(members: Members, name: string): readonly string[] {
  const value = own(members, name)
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/**
 * An event as it is read back. What another writer left out or stored as another type reads as an
 * empty text or `null`. Throws `anomalies_found` if the record is no JSON object.
 */
export function decodeEvent(record: StoredRecord): EventRecord {
  const members = membersOf(record)
  return {
    seq: record.seq,
    kind: 'event',
    timestamp: record.timestamp,
    systemId: textOf(members, 'system_id'),
    actor: own(members, 'actor_address'),
    type: textOf(members, 'event_type'),
    payload: own(members, 'payload'),
  }
}

/** An audit as it is read back; a count that is not there reads as `NaN`. Errors as `decodeEvent`. */
export function decodeAudit(record: StoredRecord): AuditRecord {
  const members = membersOf(record)
  return {
    seq: record.seq,
    kind: 'audit',
    timestamp: record.timestamp,
    systemId: textOf(members, 'system_id'),
    totalActors: numberOf(members, 'total_actors'),
    aliveActors: numberOf(members, 'alive_actors'),
    stoppingActors: numberOf(members, 'stopping_actors'),
    restartingActors: numberOf(members, 'restarting_actors'),
    registrySize: numberOf(members, 'registry_size'),
    registryOrphans: textsOf(members, 'registry_orphans'),
    registryDead: textsOf(members, 'registry_dead'),
    deadLettersCount: numberOf(members, 'dead_letters_count'),
  }
}

/** A dead letter as it is read back. Tolerance and errors as `decodeEvent`. */
export function decodeDeadLetter(record: StoredRecord): DeadLetterRecord {
  const members = membersOf(record)
  const reason = own(members, 'reason')
  const sender = own(members, 'sender')
  const attempts = own(members, 'attempts')
  return {
    seq: record.seq,
    kind: 'dead_letter',
    timestamp: record.timestamp,
    systemId: textOf(members, 'system_id'),
    target: own(members, 'target'),
    messageType: textOf(members, 'message_type'),
    payload: own(members, 'payload'),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof sender === 'string' || (sender === null && Object.hasOwn(members, 'sender'))
      ? { sender }
      : {}),
    ...(typeof attempts === 'number' ? { attempts } : {}),
  }
}

/** A record of any other kind, with all that is stored. Errors as `decodeEvent`. */
export function decodeUnknown(record: StoredRecord): UnknownRecord {
  const members = membersOf(record)
  return {
    seq: record.seq,
    kind: record.kind,
    timestamp: record.timestamp,
    systemId: textOf(members, 'system_id'),
    members,
  }
}

/** The record as its kind says; `null` for a kind that this version does not know. */
export function decodeRecord(record: StoredRecord): AnyRecord | null {
  switch (record.kind) {
    case 'event':
      return decodeEvent(record)
    case 'audit':
      return decodeAudit(record)
    case 'dead_letter':
      return decodeDeadLetter(record)
    default:
      return null
  }
}
