import {
  PapyraError,
  type AppendFact,
  type AuditInput,
  type DeadLetterInput,
  type EventInput,
} from '@papyra/contracts'
import { jsonString } from './json-string.js'
import { serialize } from './serializer.js'

/** What is the same for every fact of one owner. */
export interface FactSource {
  readonly systemId: string
  /** Wall time in ms, for facts that state none. */
  now(): number
}

/** A fact that is ready to be stored, with its payload as it will be read back. */
export interface EncodedFact extends AppendFact {
  /** JSON text of the payload; `null` for an audit, which has none. */
  readonly payloadJson: string | null
  /** Event type, or message type of a dead letter; `audit` for an audit. */
  readonly type: string
}

function refuse(kind: string, field: string, wanted: string): PapyraError {
  return new PapyraError('invalid_fact', `The ${kind} has no usable \`${field}\`: ${wanted}.`, {
    details: { kind, field },
  })
}

function requireObject(kind: string, input: unknown): void {
  if (typeof input === 'object' && input !== null) return
  throw new PapyraError('invalid_fact', `The ${kind} is not an object.`, { details: { kind } })
}

function text(kind: string, field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw refuse(kind, field, 'a text is needed')
  return jsonString(value)
}

/** A text or `null`. */
function address(kind: string, field: string, value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'string') throw refuse(kind, field, 'a text or null is needed')
  return jsonString(value)
}

function time(kind: string, value: unknown, source: FactSource): number {
  if (value === undefined) return source.now()
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw refuse(kind, 'timestamp', 'a finite number of milliseconds since 1970 is needed')
  }
  return value
}

function count(kind: string, field: string, value: unknown): string {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw refuse(kind, field, 'a whole number that is not negative is needed')
  }
  return String(value)
}

function texts(kind: string, field: string, value: unknown): string {
  if (value === undefined) return '[]'
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw refuse(kind, field, 'a list of texts is needed')
  }
  return JSON.stringify(value)
}

/**
 * Makes an event ready to be stored. Throws `invalid_fact`, naming the field, if it lacks a type or
 * has a field of a wrong type. A payload never throws; an absent one is stored as `null`.
 */
export function encodeEvent(input: EventInput, source: FactSource): EncodedFact {
  requireObject('event', input)
  const { type } = input
  const typeJson = text('event', 'type', type)
  const actor = address('event', 'actor', input.actor ?? null)
  const payloadJson = serialize(input.payload)
  const members =
    `"system_id":${jsonString(source.systemId)},"actor_address":${actor},` +
    `"event_type":${typeJson},"payload":${payloadJson}`
  const timestamp = time('event', input.timestamp, source)
  return { kind: 'event', timestamp, members, payloadJson, type }
}

/** Makes an audit ready to be stored. Throws `invalid_fact`, naming the field. */
export function encodeAudit(input: AuditInput, source: FactSource): EncodedFact {
  requireObject('audit', input)
  const number = (field: keyof AuditInput): string => count('audit', field, input[field])
  const list = (field: keyof AuditInput): string => texts('audit', field, input[field])
  const members =
    `"system_id":${jsonString(source.systemId)},"total_actors":${number('totalActors')},` +
    `"alive_actors":${number('aliveActors')},"stopping_actors":${number('stoppingActors')},` +
    `"restarting_actors":${number('restartingActors')},"registry_size":${number('registrySize')},` +
    `"registry_orphans":${list('registryOrphans')},"registry_dead":${list('registryDead')},` +
    `"dead_letters_count":${number('deadLettersCount')}`
  const timestamp = time('audit', input.timestamp, source)
  return { kind: 'audit', timestamp, members, payloadJson: null, type: 'audit' }
}

/**
 * Makes a dead letter ready to be stored. Throws `invalid_fact`, naming the field. A payload never
 * throws; an absent one is stored as `null`.
 */
export function encodeDeadLetter(input: DeadLetterInput, source: FactSource): EncodedFact {
  requireObject('dead letter', input)
  const { messageType: type, reason, sender, attempts } = input
  const target = address('dead letter', 'target', input.target)
  const typeJson = text('dead letter', 'messageType', type)
  const payloadJson = serialize(input.payload)
  let members =
    `"system_id":${jsonString(source.systemId)},"target":${target},` +
    `"message_type":${typeJson},"payload":${payloadJson}`
  if (reason !== undefined) members += `,"reason":${text('dead letter', 'reason', reason)}`
  if (sender !== undefined) members += `,"sender":${address('dead letter', 'sender', sender)}`
  if (attempts !== undefined) members += `,"attempts":${count('dead letter', 'attempts', attempts)}`
  const timestamp = time('dead letter', input.timestamp, source)
  return { kind: 'dead_letter', timestamp, members, payloadJson, type }
}
