import { serialize } from '@papyra/core'

/** A message as a dead letter keeps it. */
export interface SafePayload {
  /** Holds only what JSON can. */
  readonly payload: unknown
  /** True if nothing of the message was changed, left out or cut off. */
  readonly complete: boolean
}

const DEPTH = 32

interface Budget {
  units: number
}

/**
 * Makes a message safe to be stored: JSON, and at most about `maxUnits` UTF-16 units of it. Never
 * throws. A larger message is kept as the beginning of its JSON text.
 */
export function safePayload(message: unknown, maxUnits: number): SafePayload {
  try {
    if (isExactJson(message, DEPTH, { units: maxUnits }))
      return { payload: message, complete: true }
    const text = serialize(message)
    const payload: unknown = text.length <= maxUnits ? JSON.parse(text) : text.slice(0, maxUnits)
    return { payload, complete: false }
  } catch {
    return { payload: null, complete: false }
  }
}

/** True if the JSON of a value holds all of it, within the budget. May throw what its code throws. */
function isExactJson(value: unknown, depth: number, budget: Budget): boolean {
  budget.units -= 4
  switch (typeof value) {
    case 'string':
      budget.units -= value.length
      return budget.units >= 0
    case 'boolean':
      return budget.units >= 0
    case 'number':
      budget.units -= 12
      return budget.units >= 0 && Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      return value === null || isExactObject(value, depth, budget)
    default:
      return false
  }
}

function isExactObject(value: object, depth: number, budget: Budget): boolean {
  if (depth === 0 || budget.units < 0) return false
  if ((value as { toJSON?: unknown }).toJSON !== undefined) return false
  if (Array.isArray(value)) {
    if (Object.keys(value).length !== value.length) return false
    return value.every((item) => isExactJson(item, depth - 1, budget))
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  if (Object.getOwnPropertySymbols(value).length > 0) return false
  return Object.entries(value).every(([key, item]) => {
    budget.units -= key.length
    // A member that is not there and one that is `undefined` mean the same.
    return item === undefined || isExactJson(item, depth - 1, budget)
  })
}
