import { PapyraError } from '@papyra/contracts'
import type { Keys } from '../keys.js'

const NAME = /^[A-Za-z0-9._-]{1,64}$/

/** Throws `invalid_argument` unless it may name a group or a consumer. */
export function checkName(what: string, value: unknown): string {
  if (typeof value === 'string' && NAME.test(value)) return value
  throw refuse(`${what} must be 1 to 64 letters, digits, dots, underscores or hyphens.`)
}

export function refuse(message: string): PapyraError {
  return new PapyraError('invalid_argument', message)
}

/** What the fields of a group in `:meta` begin with. */
export function fieldsOf(kind: string, group: string): string {
  return `group:${kind}:${group}`
}

/** Where records go that a group gives up on. */
export function poisonKey(keys: Keys, kind: string, group: string): string {
  return `${keys.stream(kind)}:poison:${group}`
}
