import { PapyraError } from '@papyra/contracts'

/** Throws `invalid_argument` unless it is a number of milliseconds that is not negative. */
export function requireMs(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value
  throw new PapyraError('invalid_argument', `\`${name}\` must be a time in ms, not negative.`)
}

/** Throws `invalid_argument` unless it is a positive whole number. */
export function requireCount(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw new PapyraError('invalid_argument', `\`${name}\` must be a positive whole number.`)
}

/** Throws `invalid_argument` unless it is one of `values`. */
export function requireOneOf<T extends string>(name: string, value: T, values: readonly T[]): T {
  if (values.includes(value)) return value
  throw new PapyraError('invalid_argument', `\`${name}\` must be one of: ${values.join(', ')}.`)
}
