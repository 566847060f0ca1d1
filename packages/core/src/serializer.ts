import { plainValue } from './builtins.js'
import { jsonString } from './json-string.js'
import { isPlainJson } from './plain-check.js'

/** Values nested deeper than this become the text `[Too deep]`. */
export const MAX_DEPTH: number = 200
/** After so many values in one payload, objects and arrays become the text `[Too large]`. */
export const MAX_VALUES: number = 2_000_000

const MESSAGE_LENGTH = 200
const CIRCULAR = '"[Circular]"'
const TOO_DEEP = '"[Too deep]"'
const TOO_LARGE = '"[Too large]"'

/** A piece of JSON, or nothing for `undefined`, functions and symbols. */
type Json = string | undefined

/** One serialisation under way: the objects we are inside of, and how many values were seen. */
interface Walk {
  readonly ancestors: object[]
  values: number
}

/**
 * Any JavaScript value as JSON text, on one line. Never throws, and takes everything at the call:
 * what the caller does to its objects afterwards changes nothing. For values that JSON can hold the
 * result is what `JSON.stringify` gives. The rule for all others:
 *
 * | value | becomes |
 * |---|---|
 * | `bigint` | its decimal digits, as a text |
 * | `NaN`, `Infinity`, `-Infinity` | the text `NaN`, `Infinity`, `-Infinity` |
 * | `undefined`, functions, symbols | left out of objects; `null` in arrays and on the top level |
 * | `Date` | its ISO 8601 text; `null` if invalid |
 * | `Map` | an object if all keys are texts, else an array of `[key, value]` |
 * | `Set` | an array |
 * | `Error` | an object of `name`, `message` and, if there, `code`, `stack`, `cause`, `errors` |
 * | `RegExp` | its source text |
 * | `ArrayBuffer`, `DataView`, `Uint8Array`, `Buffer` | base64 text |
 * | other typed arrays | an array |
 * | boxed primitives | the primitive |
 * | objects with `toJSON` | what `toJSON` returns |
 * | other objects | their own enumerable members |
 * | an object inside itself | the text `[Circular]` |
 * | more than 200 levels | the text `[Too deep]` |
 * | objects after 2 000 000 values | the text `[Too large]` |
 * | what throws when looked at | the text `[Unserializable: <message>]` |
 * | lone surrogates | a `\udXXX` escape |
 *
 * Getters may be read more than once.
 */
export function serialize(value: unknown): string {
  try {
    if (isPlainJson(value)) return value === undefined ? 'null' : JSON.stringify(value)
  } catch {
    // Its own code threw: the thorough way finds out where.
  }
  try {
    return write({ ancestors: [], values: 0 }, value, '') ?? 'null'
  } catch (thrown) {
    return unserializable(thrown)
  }
}

/** The marker for what could not be looked at, whatever was thrown. */
function unserializable(thrown: unknown): string {
  let message = 'unknown error'
  try {
    message = String(thrown instanceof Error ? thrown.message : thrown).slice(0, MESSAGE_LENGTH)
  } catch {
    // What was thrown cannot be turned into a text either.
  }
  return JSON.stringify(`[Unserializable: ${message}]`)
}

function write(walk: Walk, value: unknown, key: string): Json {
  walk.values += 1
  switch (typeof value) {
    case 'string':
      return jsonString(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return `"${value}"`
    case 'object':
      return value === null ? 'null' : writeObject(walk, value, key)
    default:
      return undefined
  }
}

function writeObject(walk: Walk, value: object, key: string): Json {
  const { ancestors } = walk
  if (ancestors.includes(value)) return CIRCULAR
  if (ancestors.length >= MAX_DEPTH) return TOO_DEEP
  if (walk.values > MAX_VALUES) return TOO_LARGE
  const depth = ancestors.length
  ancestors.push(value)
  try {
    const plain = plainValue(value, key)
    if (typeof plain !== 'object' || plain === null) return write(walk, plain, key)
    if (plain !== value && ancestors.includes(plain)) return CIRCULAR
    return Array.isArray(plain) ? writeArray(walk, plain) : writeMembers(walk, plain)
  } catch (thrown) {
    return unserializable(thrown)
  } finally {
    ancestors.length = depth
  }
}

function writeArray(walk: Walk, array: readonly unknown[]): string {
  let text = '['
  for (let i = 0; i < array.length; i += 1) {
    if (walk.values > MAX_VALUES) return `${text}${i === 0 ? '' : ','}${TOO_LARGE}]`
    let item: Json
    try {
      item = write(walk, array[i], String(i))
    } catch (thrown) {
      item = unserializable(thrown)
    }
    text += i === 0 ? (item ?? 'null') : `,${item ?? 'null'}`
  }
  return `${text}]`
}

function writeMembers(walk: Walk, object: object): string {
  const members = object as Record<string, unknown>
  let text = ''
  for (const key of Object.keys(object)) {
    let item: Json
    try {
      item = write(walk, members[key], key)
    } catch (thrown) {
      item = unserializable(thrown)
    }
    if (item === undefined) continue
    text += text === '' ? `${jsonString(key)}:${item}` : `,${jsonString(key)}:${item}`
  }
  return `{${text}}`
}
