import { EXIT_CODES } from '../exit-codes.js'
import { COMMANDS, GROUPS } from './commands.js'
import { COMMON } from './options.js'
import { commandWords } from './parse.js'
import type { CommandSpec, Example, OptionSpec } from './spec.js'

const HOME = 'https://github.com/papyra/papyra'

const FIRST: readonly Example[] = [
  { line: 'papyra persistence scan --path data/shop.ndjson', says: 'is this log sound?' },
  {
    line: 'papyra persistence startup-check --mode fail_on_anomaly',
    says: 'may the service start?',
  },
  { line: 'papyra inspect events --reverse --limit 20', says: 'what happened last?' },
]

/** True if help is asked for. It always wins, so `--help` never runs a command. */
export function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  return words.includes('--help') || words.includes('-h') || words[0] === 'help'
}

/** The help for whatever the arguments name: a command, a group, or all. */
export function helpLines(argv: readonly string[], width: number): readonly string[] {
  const asked = argv[0] === 'help' ? argv.slice(1) : argv
  if (asked[0] === 'exit-codes') return exitCodeLines(width)
  const words = commandWords(asked)
  const spec = COMMANDS.find((one) => one.words.join(' ') === words.join(' '))
  if (spec !== undefined) return commandHelp(spec, width)
  return words.length === 1 ? groupHelp(words[0] ?? '', width) : rootHelp(width)
}

function rootHelp(width: number): string[] {
  return [
    'papyra: look after the durable logs of actor systems',
    '',
    ...exampleLines(FIRST),
    '',
    'Commands:',
    ...columns(
      COMMANDS.map(({ words, describe }) => [words.join(' '), describe]),
      width,
    ),
    '',
    'Options:',
    ...optionLines(COMMON, width),
    '  --version  Print the version',
    '',
    ...exitCodeLines(width),
    '',
    `\`papyra help persistence scan\` or \`--help\` behind a command tells more. ${HOME}`,
  ]
}

function groupHelp(group: string, width: number): string[] {
  const specs = COMMANDS.filter(({ words }) => words[0] === group)
  return [
    ...exampleLines(specs.flatMap(({ examples }) => examples.slice(0, 1))),
    '',
    `${GROUPS[group] ?? group}:`,
    ...columns(
      specs.map(({ words, describe }) => [words.join(' '), describe]),
      width,
    ),
  ]
}

function commandHelp(spec: CommandSpec, width: number): string[] {
  const { positional, second, notes = [] } = spec
  const place =
    positional === undefined
      ? ''
      : positional.optional === true
        ? ` [${positional.name}]`
        : ` <${positional.name}>`
  return [
    ...exampleLines(spec.examples),
    '',
    `papyra ${spec.words.join(' ')}${place}${second ? ` [${second.name}]` : ''} [options]`,
    ...wrapped(`${spec.describe}.`, 2, width),
    ...(positional?.choices === undefined
      ? []
      : [`  ${positional.name}: ${positional.choices.join(', ')}`]),
    '',
    'Options:',
    ...optionLines({ ...spec.options, ...COMMON }, width),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
    ...exitCodeLines(width),
  ]
}

function exitCodeLines(width: number): string[] {
  return [
    'Exit codes:',
    ...columns(
      EXIT_CODES.map(({ code, meaning }) => [String(code), meaning.replaceAll('`', '')]),
      width,
    ),
  ]
}

function exampleLines(examples: readonly Example[]): string[] {
  return ['Examples:', ...examples.flatMap(({ line, says }) => [`  ${line}`, `      ${says}`])]
}

function optionLines(options: Readonly<Record<string, OptionSpec>>, width: number): string[] {
  return columns(
    Object.entries(options).map(([name, { kind, short, value, choices, describe }]) => {
      const shown = `${short === undefined ? '' : `-${short}, `}--${name}${kind === 'flag' ? '' : ` ${value ?? 'VALUE'}`}`
      return [shown, choices === undefined ? describe : `${describe}: ${choices.join(', ')}`]
    }),
    width,
  )
}

/** Two columns, the second wrapped. */
function columns(
  rows: readonly (readonly [string, string])[] | string[][],
  width: number,
): string[] {
  const first = Math.max(...rows.map(([name = '']) => name.length)) + 4
  return rows.flatMap(([name = '', text = '']) => {
    const [start = '', ...rest] = wrapped(text, first, width)
    return [`  ${name}`.padEnd(first) + start.trimStart(), ...rest]
  })
}

function wrapped(text: string, indent: number, width: number): string[] {
  const room = Math.max(30, Math.min(width, 100) - indent)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((one) => ' '.repeat(indent) + one)
}
