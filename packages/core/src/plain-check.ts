/** Deeper or larger values are left to the thorough way. */
const DEPTH = 16
const VALUES = 20_000

/** What a check has left to look at. */
interface Budget {
  values: number
}

/**
 * True if `JSON.stringify` alone gives what the rule for payloads asks for: only plain objects and
 * arrays of texts, finite numbers, booleans and `null` (members may be `undefined`), neither deep
 * nor large nor circular. May be false for such a value, never true for another. May throw what
 * the value's own code throws.
 */
export function isPlainJson(value: unknown): boolean {
  return isPlain(value, DEPTH, { values: VALUES })
}

function isPlain(value: unknown, depth: number, budget: Budget): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value === null || isPlainObject(value, depth, budget)
    default:
      return false
  }
}

function isPlainObject(value: object, depth: number, budget: Budget): boolean {
  if (depth === 0 || budget.values <= 0) return false
  if ((value as { toJSON?: unknown }).toJSON !== undefined) return false
  if (Array.isArray(value)) {
    budget.values -= value.length
    if (budget.values <= 0) return false
    for (const item of value) if (!isPlain(item, depth - 1, budget)) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) {
    budget.values -= 1
    if (!isPlain((value as Record<string, unknown>)[key], depth - 1, budget)) return false
  }
  return true
}
