import { COMMON } from '../args/options.js'
import type { CommandSpec, OptionSpec } from '../args/spec.js'
import type { CommandBody } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { readChoice } from '../args/values.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** What a script is made from. */
type Commands = readonly CommandSpec[]

/** `papyra completion SHELL`: a script made from the table of commands; it starts no process itself. */
export function completionOf(commands: Commands): CommandBody {
  return {
    async run({ args, out }) {
      const shell = readChoice('shell', args.text('shell') ?? '', SHELLS)
      const script = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands)
      if (out.json) await out.document('papyra.completion/1', EXIT.ok, { shell, script })
      else for (const line of script.split('\n')) await out.data(line)
      return EXIT.ok
    },
  }
}

const optionsOf = (spec: CommandSpec): [string, OptionSpec][] =>
  Object.entries({ ...spec.options, ...COMMON })

/** The words that may follow other words: groups, commands, values of a positional. */
function nextWords(commands: Commands): Map<string, Set<string>> {
  const next = new Map<string, Set<string>>()
  const add = (before: readonly string[], word: string): void => {
    const key = before.join(' ')
    next.set(key, (next.get(key) ?? new Set()).add(word))
  }
  for (const { words, positional } of commands) {
    for (const [index, word] of words.entries()) add(words.slice(0, index), word)
    for (const choice of positional?.choices ?? []) add(words, choice)
  }
  return next
}

function bashScript(commands: Commands): string {
  const words = [...nextWords(commands)].map(
    ([before, after]) => `    '${before}') words='${[...after].join(' ')}' ;;`,
  )
  const options = commands.map(
    (spec) =>
      `    '${spec.words.join(' ')}'*) options='${optionsOf(spec)
        .map(([name]) => `--${name}`)
        .join(' ')}' ;;`,
  )
  const choices = valueOptions(commands).map(([name, { choices: list, completes }]) => {
    const reply =
      list === undefined ? `-${completes === 'folder' ? 'd' : 'f'}` : `-W '${list.join(' ')}'`
    return `    --${name}) COMPREPLY=($(compgen ${reply} -- "$word")); return ;;`
  })
  return `# bash completion for papyra
_papyra() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" line='' words='' options='' one
  case "$before" in
${choices.join('\n')}
  esac
  for one in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$one" in -*) break ;; *) line="\${line:+$line }$one" ;; esac
  done
  case "$line" in
${words.join('\n')}
  esac
  case "$line" in
${options.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
  esac
}
complete -o default -F _papyra papyra`
}

function valueOptions(commands: Commands): [string, OptionSpec][] {
  const all = new Map(commands.flatMap((spec) => Object.entries(spec.options)))
  // recover and startup-check have different modes; both are offered.
  const modes = [...new Set(commands.flatMap(({ options }) => options['mode']?.choices ?? []))]
  const mode = all.get('mode')
  if (mode !== undefined) all.set('mode', { ...mode, choices: modes })
  return [...all].filter(
    ([, { choices, completes }]) => choices !== undefined || completes !== undefined,
  )
}

function zshScript(commands: Commands): string {
  const cases = commands.map((spec) => {
    const lines = optionsOf(spec).map(
      ([name, option]) => `        '--${name}[${zshText(option.describe)}]${zshValue(option)}'`,
    )
    return `      '${spec.words.join(' ')}'*)
        _arguments \\
${lines.join(' \\\n')} ;;`
  })
  const words = [...nextWords(commands)].map(
    ([before, after]) => `      '${before}') compadd -- ${[...after].join(' ')} ;;`,
  )
  return `#compdef papyra
# zsh completion for papyra
_papyra() {
  local line='' one count=0
  for one in "\${(@)words[2,CURRENT-1]}"; do
    case "$one" in -*) break ;; *) line="\${line:+$line }$one"; (( count += 1 )) ;; esac
  done
  if [[ "\${words[CURRENT]}" == -* || "\${words[CURRENT-1]}" == --* ]]; then
    words=(papyra "\${(@)words[count+2,-1]}")
    (( CURRENT -= count ))
    case "$line" in
${cases.join('\n')}
    esac
  else
    case "$line" in
${words.join('\n')}
    esac
  fi
}
if [ "$funcstack[1]" = "_papyra" ]; then _papyra "$@"; else compdef _papyra papyra; fi`
}

const zshText = (text: string): string => text.replaceAll("'", '').replace(/[[\]:]/g, ' ')

function zshValue({ kind, choices, completes }: OptionSpec): string {
  if (kind === 'flag') return ''
  if (choices !== undefined) return `:value:(${choices.join(' ')})`
  if (completes === undefined) return ':value:'
  return completes === 'folder' ? ':folder:_files -/' : ':file:_files'
}

function fishScript(commands: Commands): string {
  const lines = [
    '# fish completion for papyra',
    'function __papyra_is',
    '  set -l words (commandline -opc)',
    '  set -e words[1]',
    '  set -l line',
    '  for word in $words',
    "    string match -q -- '-*' $word; and break",
    '    set -a line $word',
    '  end',
    '  test "$line" = "$argv"',
    'end',
    'complete -c papyra -f',
  ]
  for (const [before, after] of nextWords(commands)) {
    lines.push(`complete -c papyra -n '__papyra_is ${before}' -a '${[...after].join(' ')}'`)
  }
  for (const spec of commands) {
    const condition = `__papyra_is ${spec.words.join(' ')}`
    for (const [name, option] of optionsOf(spec)) {
      const about = option.describe.replaceAll("'", '')
      lines.push(
        `complete -c papyra -n '${condition}' -l ${name}${fishValue(option)} -d '${about}'`,
      )
    }
  }
  return lines.join('\n')
}

function fishValue({ kind, short, choices, completes }: OptionSpec): string {
  const letter = short === undefined ? '' : ` -s ${short}`
  if (kind === 'flag') return letter
  if (choices !== undefined) return `${letter} -x -a '${choices.join(' ')}'`
  return completes === undefined ? `${letter} -x` : `${letter} -r -F`
}
