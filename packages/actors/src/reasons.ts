/** Why a message was not delivered, or not handled to its end. */
export const UNDELIVERED_REASONS = [
  'mailbox_full',
  'stopped',
  'crashed',
  'handler_failed',
  'unhandled',
  'no_such_actor',
  'closed',
  'abandoned',
] as const
/**
 * - `mailbox_full`: the mailbox held as many messages as it may
 * - `stopped`: the actor was stopping or stopped, or stopped with the message in its mailbox
 * - `crashed`: the actor was ended by a failure with the message in its mailbox
 * - `handler_failed`: its handler threw or rejected; this message was tried once
 * - `unhandled`: the actor has no handler for messages of this type
 * - `no_such_actor`: nobody has this address
 * - `closed`: the system was closing or closed
 * - `abandoned`: its handler had not ended when the time for closing was over; tried once
 */
export type UndeliveredReason = (typeof UNDELIVERED_REASONS)[number]

/** Why `ask` rejected: as for dead letters, or `timeout`. */
export type AskFailure = UndeliveredReason | 'timeout'

/**
 * Why an actor is no more.
 * - `stopped`: it was asked to stop, by itself or others
 * - `parent_stopped`, `parent_restarted`: its parent was stopped or restarted
 * - `crashed`: it failed and its supervision says stop
 * - `restarts_exhausted`: it failed more often than its budget allows
 * - `escalated`: it failed and the failure was handed to its parent
 * - `closed`: the system was closed
 * - `abandoned`: it did not end in the time that closing grants
 */
export type StopReason =
  | 'stopped'
  | 'parent_stopped'
  | 'parent_restarted'
  | 'crashed'
  | 'restarts_exhausted'
  | 'escalated'
  | 'closed'
  | 'abandoned'

/** What becomes of the messages of an actor that ended so. */
export function reasonForMail(reason: StopReason): UndeliveredReason {
  switch (reason) {
    case 'crashed':
    case 'restarts_exhausted':
    case 'escalated':
      return 'crashed'
    case 'closed':
      return 'closed'
    case 'abandoned':
      return 'abandoned'
    default:
      return 'stopped'
  }
}

const SENTENCES: { readonly [Reason in AskFailure]: string } = {
  mailbox_full: 'its mailbox is full',
  stopped: 'it is stopping or stopped',
  crashed: 'it was ended by a failure',
  handler_failed: 'its handler failed',
  unhandled: 'it has no handler for this type',
  no_such_actor: 'nobody has this address',
  closed: 'the system is closing or closed',
  abandoned: 'its handler did not end before the system closed',
  timeout: 'no reply came in time; the message may still be handled',
}

/** A message that was not answered. Holds no payload; `cause` is what the handler threw. */
export class DeliveryError extends Error {
  readonly reason: AskFailure
  /** The address that the message was for. */
  readonly target: string
  readonly messageType: string

  constructor(
    reason: AskFailure,
    message: { readonly target: string; readonly messageType: string; readonly cause?: unknown },
  ) {
    const { target, messageType, cause } = message
    super(
      `\`${messageType}\` for ${target} was not answered: ${SENTENCES[reason]}.`,
      'cause' in message ? { cause } : undefined,
    )
    this.name = 'DeliveryError'
    this.reason = reason
    this.target = target
    this.messageType = messageType
  }
}
