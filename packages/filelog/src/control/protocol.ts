import type { JsonValue, OwnerInfo, Progress } from '@papyra/contracts'
import { PapyraError } from '@papyra/contracts'
import type { WireError } from './wire-error.js'

/** Raised by any change that an older peer would misunderstand. */
export const PROTOCOL_VERSION = 1

/** Most bytes of a line that the owner reads. What it answers may be longer. */
export const MAX_REQUEST_BYTES: number = 1024 * 1024

/** How often the owner says that it still works on a request, in ms. */
export const HEARTBEAT_MS = 2000

export const OPERATIONS = ['who', 'metrics', 'flush', 'compact', 'scan'] as const
export type Operation = (typeof OPERATIONS)[number]

type JsonObject = { readonly [key: string]: JsonValue }

/** The first line, from the owner: who it is, and what it owns. */
export interface Hello {
  readonly papyra: 'control'
  readonly version: number
  readonly owner: OwnerInfo
  /** The same as in the lock file: whoever else listens at that place does not know it. */
  readonly token: string
  readonly backend: string
  /** As the owner sees it; in another container the same file may have another path. */
  readonly location: string
}

/** A line of a client. `cancel` stops the request with that number; it has no answer of its own. */
export type Request =
  | { readonly op: 'cancel'; readonly id: number }
  | { readonly op: Operation; readonly id: number; readonly options: JsonObject }

/**
 * A line of the owner: any number of `progress` and `alive`, then one `result` or `error`. An error
 * about a line that cannot be told to belong to a request has the number `null`.
 */
export type Reply =
  | { readonly id: number; readonly alive: true }
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number | null; readonly error: WireError }

/** A line that is no request; `id` is its number if it has one. */
export interface NoRequest {
  readonly id: number | null
  readonly problem: PapyraError
}

/** Reads a line of a client. */
export function parseRequest(line: string): Request | NoRequest {
  const value = parseObject(line)
  if (value === null) return refuse(null, 'is no JSON object')
  const { id, op, options = {} } = value
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) {
    return refuse(null, 'has no whole number as id')
  }
  if (op === 'cancel') return { op, id }
  const known = OPERATIONS.find((one) => one === op)
  if (known === undefined) return refuse(id, `asks for none of ${OPERATIONS.join(', ')}, cancel`)
  if (!isObject(options)) return refuse(id, 'has options that are no object')
  return { op: known, id, options }
}

function refuse(id: number | null, what: string): NoRequest {
  const problem = new PapyraError('invalid_argument', `The line ${what}.`, {
    hint: 'Send one JSON object a line, such as {"id":1,"op":"who"}.',
  })
  return { id, problem }
}

/** Reads the first line of an owner; `null` if it is none. */
export function parseHello(line: string): Hello | null {
  const value = parseObject(line)
  if (value === null || value['papyra'] !== 'control') return null
  const { version, owner, token, backend, location } = value
  if (typeof version !== 'number' || !isObject(owner)) return null
  const { pid, host, since } = owner
  return {
    papyra: 'control',
    version,
    owner: {
      pid: typeof pid === 'number' ? pid : null,
      host: typeof host === 'string' ? host : null,
      since: typeof since === 'number' ? since : null,
    },
    token: String(token),
    backend: String(backend),
    location: String(location),
  }
}

/** Reads any other line of an owner; `null` if it is none. */
export function parseReply(line: string): Reply | null {
  const value = parseObject(line)
  if (value === null || (typeof value['id'] !== 'number' && value['id'] !== null)) return null
  const known = ['alive', 'progress', 'result', 'error'].some((key) => key in value)
  return known ? (value as object as Reply) : null
}

function parseObject(line: string): JsonObject | null {
  try {
    const value = JSON.parse(line) as JsonValue
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
