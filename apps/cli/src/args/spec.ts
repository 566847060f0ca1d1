/** An option of a command. */
export interface OptionSpec {
  /** `flag` is there or not; `value` takes one; `list` may be repeated. */
  readonly kind: 'flag' | 'value' | 'list'
  readonly describe: string
  /** One letter. */
  readonly short?: string
  /** What help shows in place of the value, such as `FILE`. */
  readonly value?: string
  /** What the value has to be; without it any text that is not empty. */
  readonly reads?: 'count' | 'duration' | 'seconds' | 'bytes' | 'time'
  /** The only values there are, whatever their case and with `-` or `_`. */
  readonly choices?: readonly string[]
  /** What completion offers where there are no choices. */
  readonly completes?: 'file' | 'folder'
}

export interface PositionalSpec {
  readonly name: string
  readonly describe: string
  readonly choices?: readonly string[]
  readonly optional?: boolean
}

export interface Example {
  readonly line: string
  readonly says: string
}

/** One command, as data: parsing, help and completion are all made from it. */
export interface CommandSpec {
  /** Its words: `['persistence', 'scan']`. */
  readonly words: readonly string[]
  readonly describe: string
  /** Help starts with these. */
  readonly examples: readonly Example[]
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly positional?: PositionalSpec
  /** One more behind it, which may be left out. */
  readonly second?: PositionalSpec
  /** What help adds at its end. */
  readonly notes?: readonly string[]
}
