import type {
  AuditRecord,
  DeadLetterInput,
  DeadLetterRecord,
  EventInput,
  EventRecord,
} from '@papyra/contracts'

/**
 * What an application's payloads look like: for events by their type, for dead letters by their
 * message type. Payloads are stated as they are read back, which is as JSON holds them.
 *
 * ```ts
 * type Facts = { event: { 'order.placed': { id: string; total: number } } }
 * ```
 */
export interface FactTypes {
  readonly event?: object
  readonly dead_letter?: object
}

/** Without types of its own a kind takes any type with any payload. */
type Untyped = Record<string, unknown>

/** Payloads of events by type. */
export type EventsOf<Facts extends FactTypes> = Facts extends { readonly event: infer E }
  ? E
  : Untyped

/** Payloads of dead letters by message type. */
export type DeadLettersOf<Facts extends FactTypes> = Facts extends {
  readonly dead_letter: infer D
}
  ? D
  : Untyped

/** The names in a map of payloads. */
export type NamesOf<Payloads> = keyof Payloads & string

/** A payload may be left out only where it may be `undefined`. */
type WithPayload<Payload> = undefined extends Payload
  ? { readonly payload?: Payload }
  : { readonly payload: Payload }

/** An event of a stated type, with the payload that belongs to it. */
export type TypedEvent<Payloads, Type extends NamesOf<Payloads>> = Omit<
  EventInput<Type, Payloads[Type]>,
  'payload'
> &
  WithPayload<Payloads[Type]>

/** A dead letter of a stated message type, with the payload that belongs to it. */
export type TypedDeadLetter<Payloads, Type extends NamesOf<Payloads>> = Omit<
  DeadLetterInput<Payloads[Type]>,
  'payload' | 'messageType'
> & { readonly messageType: Type } & WithPayload<Payloads[Type]>

/** Events as they are read back, told apart by `type`. */
export type EventRecords<Payloads, Type extends NamesOf<Payloads>> = {
  [Name in Type]: EventRecord<Name, Payloads[Name]>
}[Type]

/** Dead letters as they are read back, told apart by `messageType`. */
export type DeadLetterRecords<Payloads, Type extends NamesOf<Payloads>> = {
  [Name in Type]: DeadLetterRecord<Payloads[Name]> & { readonly messageType: Name }
}[Type]

/** Any fact as it is read back, told apart by `kind`. */
export type FactRecords<Facts extends FactTypes> =
  | EventRecords<EventsOf<Facts>, NamesOf<EventsOf<Facts>>>
  | DeadLetterRecords<DeadLettersOf<Facts>, NamesOf<DeadLettersOf<Facts>>>
  | AuditRecord
