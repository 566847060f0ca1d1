import type { JsonValue } from '@papyra/contracts'

/** Dotted paths into the payload (of an audit: into the record), each with the value it must have. */
export type WherePaths = { readonly [path: string]: JsonValue }

/** Written as a method, so that a list of some types is also a list of all types. */
interface Test<Item> {
  test(record: Item): boolean
}

/** A condition on records: a function, or paths with values that must all hold. */
export type Where<Item> = Test<Item>['test'] | WherePaths

/** Makes a function of a condition. `root` says where its paths begin. */
export function compileWhere<Item>(
  where: Where<Item> | undefined,
  root: (record: Item) => unknown,
): (record: Item) => boolean {
  if (where === undefined) return () => true
  if (typeof where === 'function') return where
  const wanted = Object.entries(where)
  return (record) => wanted.every(([path, value]) => sameJson(valueAt(root(record), path), value))
}

/**
 * The value at a dotted path, array positions as numbers; `undefined` if there is none. A member
 * whose name is the whole rest of the path comes first, so that names with dots can be reached.
 */
export function valueAt(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path]
  const dot = path.indexOf('.')
  if (dot < 0) return undefined
  const name = path.slice(0, dot)
  if (!Object.hasOwn(value, name)) return undefined
  return valueAt((value as Record<string, unknown>)[name], path.slice(dot + 1))
}

/** True if two values are the same JSON; the order of members does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [keysOfA, keysOfB] = [Object.keys(a), Object.keys(b)]
  return (
    keysOfA.length === keysOfB.length &&
    keysOfA.every(
      (key) =>
        Object.hasOwn(b, key) &&
        sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  )
}
