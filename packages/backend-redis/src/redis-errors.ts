import { PapyraError, type PapyraErrorCode } from '@papyra/contracts'
import type { Address } from './wire.js'

/** What is known of a command that failed. */
export type Outcome =
  /** The server answered with an error: it did nothing. */
  | 'refused'
  /** It never left this process. */
  | 'not_sent'
  /** It was sent, and no answer came. */
  | 'unknown'

/** What a caller inside this package has to know of a failed command. */
export interface Failure {
  readonly outcome: Outcome
  /** The class of the server's error, such as `OOM`, or the system's code, such as `ECONNREFUSED`. */
  readonly reason: string
  /** True if the same command may succeed later without anybody changing a setting. */
  readonly passing: boolean
  /** The node of a Cluster that has the slot now, as the server told; else `null`. */
  readonly moved: Address | null
  /** The node that the slot is just moving to, to be asked for this one command; else `null`. */
  readonly ask: Address | null
}

interface Rule {
  readonly code: PapyraErrorCode
  readonly passing: boolean
  readonly text: string
}

const denied = (text: string): Rule => ({ code: 'backend_denied', passing: false, text })
const notReady = (text: string): Rule => ({ code: 'backend_not_ready', passing: true, text })
const noWrites = (text: string): Rule => ({ code: 'backend_refuses_writes', passing: true, text })
const unsuitable = (text: string): Rule => ({ code: 'backend_unsuitable', passing: false, text })

/** By the class of an error, which is the first word of the server's answer. */
const RULES: Readonly<Record<string, Rule>> = {
  NOAUTH: denied('wants a password, and none was given'),
  WRONGPASS: denied('refused the user name or the password'),
  NOPERM: denied('does not allow this user the command or the keys'),
  LOADING: notReady('is loading its data'),
  BUSY: notReady('is busy with a script'),
  BUSYKEY: notReady('is busy with a key'),
  CLUSTERDOWN: notReady('belongs to a cluster that is down'),
  MASTERDOWN: notReady('is a replica that has lost its master'),
  TRYAGAIN: notReady('is moving the keys to another node'),
  OOM: noWrites('has used all the memory that it may use'),
  READONLY: noWrites('is a read-only replica'),
  MISCONF: noWrites('cannot persist, and therefore takes no writes'),
  NOREPLICAS: noWrites('has fewer replicas than it must have to take writes'),
  UNKILLABLE: notReady('is busy with a script'),
  WRONGTYPE: {
    code: 'backend_key_conflict',
    passing: false,
    text: 'holds something else under a key of the store',
  },
  MOVED: unsuitable('is a node of a cluster, but was named as a single server'),
  ASK: unsuitable('is a node of a cluster, but was named as a single server'),
  CROSSSLOT: unsuitable('is a node of a cluster, but was named as a single server'),
  UNBLOCKED: notReady('ended the wait: it is the master no longer, or the stream is not there'),
  NOPROTO: unsuitable('does not speak the protocol'),
}

/** What a node of a Cluster answers while the slot moves, or has moved. */
const MOVING = notReady('belongs to a cluster that is moving the store to another node')

const failures = new WeakMap<PapyraError, Failure>()

/** What is known of the failure behind an error of this package; `null` if it is none of a command. */
export function failureOf(error: unknown): Failure | null {
  return error instanceof PapyraError ? (failures.get(error) ?? null) : null
}

/** The class of a server's error; `null` if the error is none. Reads nothing but the first word. */
export function replyClass(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null
  return /^[A-Z][A-Z]+\b/.exec(error.message)?.[0] ?? 'ERR'
}

/** Some classes hide behind ERR; only the server's own fixed words are looked at. */
function hiddenRule(message: string): Rule | null {
  if (/can't run this command|can't access at least one of the keys|No permissions/i.test(message))
    return RULES['NOPERM'] ?? null
  if (/AUTH|no password is set|invalid password/.test(message)) return RULES['WRONGPASS'] ?? null
  if (/max number of clients/.test(message)) return notReady('takes no more connections')
  if (/unknown (sub)?command|[Ww]rong number of arguments/.test(message))
    return unsuitable('does not know a command that is needed; Redis 7.0 or later is')
  if (/WAIT\w* cannot be used with replica/.test(message)) return RULES['READONLY'] ?? null
  if (/DB index/.test(message)) return unsuitable('has no database of that number')
  return null
}

/**
 * A command's error as one of ours. Nothing of the driver's error goes into it but its class: the
 * driver keeps the command with all its arguments, payloads and passwords included.
 */
export function redisError(
  thrown: unknown,
  location: string,
  outcome: Outcome,
  clustered = false,
): PapyraError {
  const name = replyClass(thrown)
  if (name === null) return unreachable(systemCode(thrown), location, outcome)
  const message = thrown instanceof Error ? thrown.message : ''
  const moves = clustered && (name === 'MOVED' || name === 'ASK')
  const rule = moves ? MOVING : (RULES[name] ?? hiddenRule(message))
  const reason = rule === RULES['READONLY'] ? 'READONLY' : name
  const node = moves ? nodeIn(message) : null
  const code = rule?.code ?? 'io_error'
  const text = rule?.text ?? `answered with an error of the class ${name}`
  const passing = rule?.passing ?? false
  const failure = { outcome: 'refused', reason, passing } as const
  const [moved, ask] = [name === 'MOVED' ? node : null, name === 'ASK' ? node : null]
  return failed(code, `The Redis server at ${location} ${text}.`, location, {
    ...{ ...failure, moved, ask },
  })
}

/** The server was not reached, or did not answer. */
export function unreachable(reason: string, location: string, outcome: Outcome): PapyraError {
  const what = outcome === 'unknown' ? 'did not answer' : 'could not be reached'
  const text = `The Redis server at ${location} ${what} (${reason}).`
  const failure = { outcome, reason, passing: true, moved: null, ask: null }
  return failed('backend_unreachable', text, location, failure)
}

/** No server of several is the master now; `text` tells what was found. */
export function noMaster(location: string, text: string, passing = true): PapyraError {
  const failure = {
    outcome: 'not_sent',
    reason: 'NOTMASTER',
    passing,
    moved: null,
    ask: null,
  } as const
  return failed(passing ? 'backend_not_ready' : 'backend_unsuitable', text, location, failure)
}

function failed(
  code: PapyraErrorCode,
  text: string,
  location: string,
  failure: Failure,
): PapyraError {
  const error = new PapyraError(code, text, { details: { location, reason: failure.reason } })
  failures.set(error, failure)
  return error
}

/** The node that an answer such as `MOVED 3999 10.0.0.2:6381` names. */
function nodeIn(message: string): Address | null {
  const [, host, port] = /^[A-Z]+ \d+ (.*):(\d+)$/.exec(message) ?? []
  return host === undefined ? null : { host, port: Number(port) }
}

/** A word of the system such as ECONNREFUSED; never a message, which may hold anything. */
function systemCode(thrown: unknown): string {
  const errors: unknown[] = thrown instanceof AggregateError ? [thrown, ...thrown.errors] : [thrown]
  for (const error of errors) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : null
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code
  }
  return 'connection lost'
}
