export {
  ActorSystem,
  type CloseOptions,
  type CloseReport,
  type SystemStats,
} from './system.js'
export type { ActorSystemOptions, LentStore, OwnStore, RuntimeOptions } from './options.js'
export type { AnyMessage, Ask, Message, MessageOf, ReplyOf } from './message.js'
export type { ActorRef, AnyRef, AskOptions } from './ref.js'
export {
  OVERFLOW_POLICIES,
  type ActorContext,
  type ActorFactory,
  type Behavior,
  type Handlers,
  type MailboxOptions,
  type OverflowPolicy,
  type SpawnOptions,
  type Terminated,
} from './behavior.js'
export {
  DIRECTIVES,
  type Backoff,
  type Directive,
  type Failure,
  type FailurePoint,
  type Supervision,
} from './supervision.js'
export {
  DeliveryError,
  UNDELIVERED_REASONS,
  type AskFailure,
  type StopReason,
  type UndeliveredReason,
} from './reasons.js'
export { formatAddress, parseAddress, type Address } from './address.js'
export type { ActorInfo } from './actor-info.js'
export type { ActorState } from './actor-cell.js'
export type { AuditReport } from './audit.js'
export type { ActorEvents, ErrorFact } from './facts.js'
export type { ActorHooks } from './hooks.js'
export type { DeadLetter, DeadLetterPayload } from './dead-letter.js'
export type { DeadLetterOptions } from './dead-letters.js'
export {
  GROUP_FIELDS,
  groupDeadLetters,
  listDeadLetters,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type DeadLetterListQuery,
  type GroupField,
  type StoredDeadLetter,
} from './dead-letter-list.js'
