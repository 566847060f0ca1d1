/** A parser of the text format that is as strict as `promtool check metrics`, and its lint rules. */
export interface Parsed {
  readonly types: ReadonlyMap<string, string>
  readonly help: ReadonlyMap<string, string>
  /** `name{labels}` as written, and its value. */
  readonly samples: ReadonlyMap<string, number>
  readonly problems: readonly string[]
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/
const BAD_UNITS = ['milliseconds', 'ms', 'minutes', 'hours', 'kilobytes', 'megabytes', 'percent']

export function parsePrometheus(text: string): Parsed {
  const types = new Map<string, string>()
  const help = new Map<string, string>()
  const samples = new Map<string, number>()
  const problems: string[] = []
  if (!text.endsWith('\n')) problems.push('the last line has no end')
  let current = ''
  const done = new Set<string>()
  for (const line of text.split('\n').slice(0, -1)) {
    const [, kind = '', name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind !== '') {
      if (!NAME.test(name)) problems.push(`no name: ${line}`)
      if (name !== current) {
        if (done.has(name)) problems.push(`${name} comes twice`)
        done.add(name)
        current = name
      }
      const into = kind === 'HELP' ? help : types
      if (into.has(name)) problems.push(`second ${kind} of ${name}`)
      into.set(name, rest)
      continue
    }
    const [, sample = '', labels = '', value = ''] = SAMPLE.exec(line) ?? []
    if (sample === '') problems.push(`no sample: ${line}`)
    if (sample !== current) problems.push(`${sample} stands outside of its family`)
    problems.push(...labelProblems(labels))
    const key = line.slice(0, line.lastIndexOf(' '))
    if (samples.has(key)) problems.push(`${key} comes twice`)
    samples.set(key, Number(value))
    if (Number.isNaN(Number(value))) problems.push(`no number: ${line}`)
  }
  for (const name of types.keys()) problems.push(...lint(name, types, help))
  return { types, help, samples, problems }
}

function labelProblems(text: string): string[] {
  const seen = new Set<string>()
  for (let rest = text; rest !== ''; ) {
    const [all = '', name = ''] = LABEL.exec(rest) ?? []
    if (all === '') return [`labels: ${rest}`]
    if (seen.has(name)) return [`label ${name} comes twice`]
    seen.add(name)
    rest = rest.slice(all.length)
  }
  return []
}

/** The rules of promlint. */
function lint(
  name: string,
  types: ReadonlyMap<string, string>,
  help: ReadonlyMap<string, string>,
): string[] {
  const type = types.get(name)
  const problems: string[] = []
  if (!help.get(name)) problems.push(`${name}: no help text`)
  if (type === 'counter' && !name.endsWith('_total')) problems.push(`${name}: no _total`)
  if (type !== 'counter' && name.endsWith('_total')) problems.push(`${name}: _total`)
  if (/_(count|sum|bucket)$/.test(name)) problems.push(`${name}: reserved suffix`)
  if (/(counter|gauge|histogram|summary)/.test(name)) problems.push(`${name}: type in the name`)
  if (name.includes(':') || /[a-z][A-Z]/.test(name)) problems.push(`${name}: not snake case`)
  if (name.split('_').some((part) => BAD_UNITS.includes(part))) problems.push(`${name}: unit`)
  return problems
}
