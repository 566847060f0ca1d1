import { PapyraError } from '@papyra/contracts'
import { foldName, nearestName } from './names.js'

/** Reads one value that stands at `place`, or throws `invalid_config`. */
export type Read<T> = (value: unknown, place: string) => T

/** What an object in a configuration may hold. */
export type Shape = { readonly [key: string]: Read<unknown> }

export function invalid(place: string, what: string, hint?: string): PapyraError {
  const options = hint === undefined ? {} : { hint }
  return new PapyraError('invalid_config', `${place}: ${what}`, { ...options, details: { place } })
}

/** A value as it may be shown: short, on one line, without anything that moves a cursor. */
function shown(value: unknown): string {
  if (typeof value === 'string') {
    const short = value.length > 60 ? `${value.slice(0, 60)}…` : value
    return JSON.stringify(short).replace(/[^\x20-\x7e…]/g, '?')
  }
  if (value == null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}

export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const text: Read<string> = (value, place) => {
  if (typeof value === 'string' && value !== '') return value
  throw invalid(place, `a text that is not empty is needed, not ${shown(value)}`)
}

export const flag: Read<boolean> = (value, place) => {
  if (typeof value === 'boolean') return value
  throw invalid(place, `true or false is needed, not ${shown(value)}`)
}

export const wholeNumber: Read<number> = (value, place) => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw invalid(place, `a positive whole number is needed, not ${shown(value)}`)
}

export const milliseconds: Read<number> = (value, place) => {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw invalid(place, `a number of milliseconds is needed, not ${shown(value)}`)
}

export const object: Read<{ readonly [key: string]: unknown }> = (value, place) => {
  if (isObject(value)) return value
  throw invalid(place, `an object is needed, not ${shown(value)}`)
}

/** One of a few words; case, `-` and `_` do not count. */
export function oneOf<Word extends string>(words: readonly Word[]): Read<Word> {
  return (value, place) => {
    const folded = typeof value === 'string' ? foldName(value) : null
    const word = words.find((candidate) => foldName(candidate) === folded)
    if (word !== undefined) return word
    const near = typeof value === 'string' ? nearestName(value, words) : null
    const meant = near === null ? '' : `; did you mean ${near}?`
    throw invalid(place, `${shown(value)} is not one of ${words.join(', ')}${meant}`)
  }
}

/**
 * Reads an object whose keys are known. Keys may be spelt in camelCase or snake_case; `undefined`
 * counts as absent. What is returned has the keys of the shape and no other, and is no one's
 * prototype: a key `__proto__` is refused like any that is not known.
 */
export function members(value: unknown, place: string, shape: Shape): Record<string, unknown> {
  const source = object(value, place)
  const known = Object.keys(shape)
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(source)) {
    const name = known.find((candidate) => candidate === key || snakeCase(candidate) === key)
    const at = inside(place, key)
    if (name === undefined) throw unknownKey(place, key, known)
    if (source[key] === undefined) continue
    if (Object.hasOwn(result, name)) throw invalid(at, `\`${name}\` is given twice`)
    result[name] = shape[name]?.(source[key], at)
  }
  return result
}

export function unknownKey(place: string, key: string, known: readonly string[]): PapyraError {
  const near = nearestName(key, known)
  const meant = near === null ? `; known are ${known.join(', ')}` : `; did you mean ${near}?`
  return invalid(inside(place, printable(key)), `unknown key${meant}`)
}

export function inside(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function printable(key: string): string {
  return key.slice(0, 60).replace(/[^\x20-\x7e]/g, '?')
}
