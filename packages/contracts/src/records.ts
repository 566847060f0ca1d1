/** The kinds of fact that Papyra itself writes and understands. */
export const RECORD_KINDS = ['event', 'audit', 'dead_letter'] as const
export type RecordKind = (typeof RECORD_KINDS)[number]

export function isRecordKind(value: unknown): value is RecordKind {
  return value === 'event' || value === 'audit' || value === 'dead_letter'
}

/** Any value that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/**
 * A fact ready to be stored. The body is already serialised, so nothing that the caller does to its
 * objects afterwards can change what is stored, and no backend needs to know the shape of a kind.
 */
export interface AppendFact {
  readonly kind: RecordKind
  /** Wall time in milliseconds since 1970; a finite number. */
  readonly timestamp: number
  /**
   * The members of a JSON object without its braces, on one line, for example
   * `"system_id":"shop","event_type":"order.placed","payload":{}`. Never empty. Must not repeat
   * `seq`, `kind`, `timestamp` or `crc` on its top level.
   */
  readonly members: string
}

/** A fact as a backend gives it back. */
export interface StoredRecord {
  /** The only order there is: greater means later. Positive integer, unique in its store. */
  readonly seq: number
  /** One of `RECORD_KINDS`, or a kind that this version does not know. */
  readonly kind: string
  /** Milliseconds since 1970. `NaN` where the stored record has no finite number there. */
  readonly timestamp: number
  /** The whole stored record as JSON text, exactly as stored (without the line's end). */
  readonly json: string
  /** Bytes that the record takes in the store, line end included. */
  readonly bytes: number
}

/** What retention needs to know of a record, without its payload. */
export interface RecordMeta {
  readonly seq: number
  readonly kind: string
  /** Milliseconds since 1970, or `NaN`. */
  readonly timestamp: number
  /** Bytes as stored, line end included. */
  readonly bytes: number
}

/** An event as an application or a runtime states it. */
export interface EventInput<Type extends string = string, Payload = unknown> {
  /** Address of the actor it is about, such as `shop://orders`. Default `null`. */
  readonly actor?: string | null
  readonly type: Type
  readonly payload?: Payload
  /** Milliseconds since 1970; default: the clock's wall time at the call. */
  readonly timestamp?: number
}

/** A snapshot of a whole actor system. Counts are non-negative integers. */
export interface AuditInput {
  readonly totalActors: number
  readonly aliveActors: number
  readonly stoppingActors: number
  readonly restartingActors: number
  readonly registrySize: number
  readonly registryOrphans?: readonly string[]
  readonly registryDead?: readonly string[]
  readonly deadLettersCount: number
  readonly timestamp?: number
}

/** A message that could not be delivered. */
export interface DeadLetterInput<Payload = unknown> {
  /** Address it was meant for; `null` where it had none. */
  readonly target: string | null
  readonly messageType: string
  readonly payload?: Payload
  /** Why it was not delivered, such as `mailbox_full`. */
  readonly reason?: string
  readonly sender?: string | null
  readonly attempts?: number
  readonly timestamp?: number
}

interface ReadBack {
  readonly seq: number
  readonly systemId: string
  /** Milliseconds since 1970, or `NaN` where the stored record has no usable number. */
  readonly timestamp: number
}

/** An event as it is read back. */
export interface EventRecord<Type extends string = string, Payload = unknown> extends ReadBack {
  readonly kind: 'event'
  /** A text; or what another writer stored there (an object or `null`). */
  readonly actor: JsonValue
  readonly type: Type
  readonly payload: Payload
}

/** An audit as it is read back. */
export interface AuditRecord extends ReadBack {
  readonly kind: 'audit'
  readonly totalActors: number
  readonly aliveActors: number
  readonly stoppingActors: number
  readonly restartingActors: number
  readonly registrySize: number
  readonly registryOrphans: readonly string[]
  readonly registryDead: readonly string[]
  readonly deadLettersCount: number
}

/** A dead letter as it is read back. */
export interface DeadLetterRecord<Payload = unknown> extends ReadBack {
  readonly kind: 'dead_letter'
  readonly target: JsonValue
  readonly messageType: string
  readonly payload: Payload
  readonly reason?: string
  readonly sender?: string | null
  readonly attempts?: number
}
