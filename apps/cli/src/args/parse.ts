import { PapyraError } from '@papyra/contracts'
import type { Argv } from 'yargs'
import { Args } from './args.js'
import type { Command } from '../command.js'
import { COMMANDS, GROUPS } from './commands.js'
import { COMMON } from './options.js'
import type { OptionSpec } from './spec.js'

export interface ParsedCommand {
  readonly spec: Command
  readonly args: Args
}

/** Says which command is meant, with which options. Whatever is wrong is `invalid_argument`. */
export async function parseCommand(argv: readonly string[]): Promise<ParsedCommand> {
  refuseFlagValues(argv)
  const { default: yargs } = await import('yargs')
  const found: { spec?: Command; values?: Readonly<Record<string, unknown>> } = {}
  // Handlers only note what was chosen: nothing runs before everything is known to be valid.
  const parser = commandTree(yargs([...argv]), (spec, values) => {
    found.spec = spec
    found.values = values
  })
  try {
    await parser.parseAsync()
  } catch (error) {
    throw usageError(argv, error)
  }
  const { spec, values } = found
  if (spec === undefined || values === undefined)
    throw usageError(argv, new Error('Unknown command.'))
  refuseExtraWords(spec, values)
  const args = new Args(new Map(Object.entries(values)), spec.positional?.name)
  for (const [name, option] of Object.entries(spec.options)) args.check(name, option)
  return { spec, args }
}

type Choose = (spec: Command, values: Readonly<Record<string, unknown>>) => void

function commandTree(root: Argv, choose: Choose): Argv {
  const strict = root
    .scriptName('papyra')
    .locale('en')
    .exitProcess(false)
    .fail(false)
    .help(false)
    .version(false)
    .strict()
    .recommendCommands()
    .demandCommand(1, 'Which command?')
    .parserConfiguration({
      'dot-notation': false,
      'camel-case-expansion': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'duplicate-arguments-array': true,
    })
  for (const [group, describe] of Object.entries(GROUPS)) {
    strict.command(group, describe, (inner) => {
      const specs = COMMANDS.filter(({ words }) => words[0] === group)
      for (const spec of specs) addCommand(inner, spec, spec.words[1] ?? '', choose)
      return inner.demandCommand(1, `Which of: ${specs.map(({ words }) => words[1]).join(', ')}?`)
    })
  }
  for (const spec of COMMANDS) {
    if (spec.words.length === 1) addCommand(strict, spec, spec.words[0] ?? '', choose)
  }
  return strict
}

function addCommand(parser: Argv, spec: Command, word: string, choose: Choose): void {
  const { positional, second } = spec
  const place =
    positional?.optional === true ? ` [${positional.name}]` : ` <${positional?.name ?? ''}>`
  parser.command(
    positional === undefined ? word : word + place + (second ? ` [${second.name}]` : ''),
    spec.describe,
    (inner) => {
      for (const one of [positional, second]) {
        if (one !== undefined) inner.positional(one.name, { type: 'string' })
      }
      for (const [name, option] of Object.entries({ ...spec.options, ...COMMON })) {
        inner.option(name, yargsOption(option))
      }
      return inner
    },
    (values) => choose(spec, values),
  )
}

function yargsOption({ kind, short }: OptionSpec): {
  type: 'boolean' | 'string'
  requiresArg: boolean
  alias?: string
} {
  const type = kind === 'flag' ? 'boolean' : 'string'
  return { type, requiresArg: kind !== 'flag', ...(short === undefined ? {} : { alias: short }) }
}

/** yargs reads `--dry-run=yes` as `false`, and the real run would follow. */
function refuseFlagValues(argv: readonly string[]): void {
  const flags = new Set(
    [COMMON, ...COMMANDS.map(({ options }) => options)].flatMap((options) =>
      Object.entries(options).flatMap(([name, { kind, short }]) =>
        kind === 'flag'
          ? [`--${name}`, `--no-${name}`, ...(short === undefined ? [] : [`-${short}`])]
          : [],
      ),
    ),
  )
  const end = argv.indexOf('--')
  for (const word of end < 0 ? argv : argv.slice(0, end)) {
    const [flag = '', ...value] = word.split('=')
    if (value.length > 0 && flags.has(flag)) {
      throw new PapyraError(
        'invalid_argument',
        `${flag} takes no value, but ${JSON.stringify(value.join('='))} is given.`,
        {
          hint: `Write ${flag} alone, or leave it out.`,
        },
      )
    }
  }
}

/** yargs lets words behind `--` pass. */
function refuseExtraWords(spec: Command, values: Readonly<Record<string, unknown>>): void {
  const words = Array.isArray(values['_']) ? values['_'].slice(spec.words.length) : []
  if (words.length === 0) return
  throw new PapyraError('invalid_argument', `Unknown argument: ${words.join(' ')}.`, {
    hint: helpHint(spec.words),
  })
}

function usageError(argv: readonly string[], cause: unknown): PapyraError {
  const words = commandWords(argv)
  const problem = cause instanceof Error ? cause.message : String(cause)
  const suggestion = /^Did you mean (.*)\?$/.exec(problem)?.[1]
  if (suggestion !== undefined) {
    const typed = argv.filter((word) => !word.startsWith('-'))[words.length] ?? ''
    return new PapyraError('invalid_argument', `Unknown command: ${typed}.`, {
      hint: `Did you mean \`papyra ${[...words, suggestion].join(' ')}\`?`,
    })
  }
  const message = problem.replace(
    /^Not enough arguments following: (.*)$/,
    'Option --$1 needs a value',
  )
  return new PapyraError('invalid_argument', message, { hint: helpHint(words) })
}

const helpHint = (words: readonly string[]): string =>
  `See \`${['papyra', ...words, '--help'].join(' ')}\`.`

/** The longest beginning of the words of some command that the arguments start with. */
export function commandWords(argv: readonly string[]): readonly string[] {
  const typed: string[] = []
  for (const word of argv) {
    if (word.startsWith('-')) continue
    const next = [...typed, word]
    if (!COMMANDS.some(({ words }) => next.every((one, index) => words[index] === one))) break
    typed.push(word)
  }
  return typed
}
