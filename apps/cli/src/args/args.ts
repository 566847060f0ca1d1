import { PapyraError } from '@papyra/contracts'
import type { OptionSpec } from './spec.js'
import { readBytes, readChoice, readCount, readDuration, readSeconds, readTime } from './values.js'

/** The options of one call, read by kind. Whatever cannot be used is `invalid_argument` (64). */
export class Args {
  readonly #values: ReadonlyMap<string, unknown>
  readonly #positional: string | undefined

  /** `positional` is the name of the one value that is given without `--`. */
  constructor(values: ReadonlyMap<string, unknown>, positional?: string) {
    this.#values = values
    this.#positional = positional
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true
  }

  /** A flag that may also be denied: `--no-strict`; `undefined` if neither is said. */
  given(name: string): boolean | undefined {
    const value = this.#values.get(name)
    return typeof value === 'boolean' ? value : undefined
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name)
    if (value === undefined) return undefined
    if (typeof value === 'string' && value !== '') return value
    throw unusable(this.#label(name), value)
  }

  list(name: string): readonly string[] {
    const value = this.#values.get(name)
    if (value === undefined) return []
    const items: unknown[] = Array.isArray(value) ? value : [value]
    return items.map((item) => {
      if (typeof item === 'string' && item !== '') return item
      throw unusable(this.#label(name), item)
    })
  }

  choice<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    return this.#read(name, (flag, value) => readChoice(flag, value, allowed))
  }

  count(name: string): number | undefined {
    return this.#read(name, readCount)
  }

  durationMs(name: string): number | undefined {
    return this.#read(name, readDuration)
  }

  seconds(name: string): number | undefined {
    return this.#read(name, readSeconds)
  }

  bytes(name: string): number | undefined {
    return this.#read(name, readBytes)
  }

  time(name: string, now: number): number | undefined {
    return this.#read(name, (flag, value) => readTime(flag, value, now))
  }

  /** Reads an option as its command states it, so that what cannot be used is known at once. */
  check(name: string, { kind, reads, choices }: OptionSpec): void {
    if (kind === 'flag') return
    if (kind === 'list') this.list(name)
    else if (choices !== undefined) this.choice(name, choices)
    else if (reads === 'count') this.count(name)
    else if (reads === 'duration') this.durationMs(name)
    else if (reads === 'seconds') this.seconds(name)
    else if (reads === 'bytes') this.bytes(name)
    else if (reads === 'time') this.time(name, 0)
    else this.text(name)
  }

  #label(name: string): string {
    return name === this.#positional ? name : `--${name}`
  }

  #read<T>(name: string, read: (flag: string, value: string) => T): T | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : read(this.#label(name), value)
  }
}

function unusable(label: string, value: unknown): PapyraError {
  if (Array.isArray(value)) {
    return new PapyraError('invalid_argument', `${label} is given ${value.length} times.`, {
      hint: 'Give it once.',
    })
  }
  return new PapyraError('invalid_argument', `${label} has no value.`, {
    hint: 'Give a value, or leave the option out. An empty variable in a script is a common cause.',
  })
}
