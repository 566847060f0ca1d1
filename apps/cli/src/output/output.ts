import type { Io, Sink } from '../io.js'
import { asciiJson, masked, printable } from './text.js'

const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export type Style = keyof typeof SGR
/** A piece of a line. It is made safe for a terminal; the style is ours. */
export type Span = string | readonly [Style, string]

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  /** `--color`, `--no-color`; `undefined` leaves it to the environment and the terminal. */
  readonly color: boolean | undefined
}

/**
 * Where results and remarks go. Results go to standard output: for people line by line, with
 * `--json` as one document. Remarks go to standard error. Every text passes `printable` and `masked`.
 */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly #io: Io
  readonly #color: { readonly stdout: boolean; readonly stderr: boolean }

  constructor(io: Io, options: OutputOptions) {
    this.#io = io
    this.json = options.json
    this.quiet = options.quiet
    const wanted = (sink: Sink): boolean => colorWanted(sink, io.env, options.color)
    this.#color = { stdout: wanted(io.stdout), stderr: wanted(io.stderr) }
  }

  /** True once nobody reads standard output any more. */
  get closed(): boolean {
    return this.#io.stdout.closed
  }

  /** A line of a result for people. Nothing with `--json` or `--quiet`. */
  async line(...spans: readonly Span[]): Promise<void> {
    if (!this.json && !this.quiet) await this.data(...spans)
  }

  /** A line that is what the command was asked for, `--quiet` or not. */
  async data(...spans: readonly Span[]): Promise<void> {
    await this.#io.stdout.write(`${painted(spans, this.#color.stdout)}\n`)
  }

  /** Lines of text that is ours, such as help; each is made safe all the same. */
  async lines(texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.line(text)
  }

  /** Foreign text as one line may show it. */
  safe(text: string): string {
    return printable(masked(text))
  }

  /** Text that is safe already and ends its own lines: JSON, or lines made of `safe` texts. */
  async raw(text: string): Promise<void> {
    await this.#io.stdout.write(text)
  }

  /** A remark on standard error. Nothing with `--quiet`. */
  async note(...spans: readonly Span[]): Promise<void> {
    if (!this.quiet) await this.problem(...spans)
  }

  /** A warning on standard error. Nothing with `--quiet`. */
  async warn(text: string): Promise<void> {
    await this.note(['yellow', 'warning:'], ` ${text}`)
  }

  /** A line on standard error that `--quiet` does not silence. */
  async problem(...spans: readonly Span[]): Promise<void> {
    await this.#io.stderr.write(`${painted(spans, this.#color.stderr)}\n`)
  }

  /** The one document of `--json`; nothing without it. */
  async document(schema: string, exitCode: number, report: object): Promise<void> {
    if (!this.json) return
    await this.raw(`${asciiJson({ schema, ok: exitCode === 0, exitCode, report }, 2)}\n`)
  }
}

function painted(spans: readonly Span[], color: boolean): string {
  return spans
    .map((span) => {
      const text = printable(masked(typeof span === 'string' ? span : span[1]))
      if (typeof span === 'string' || !color) return text
      return `\u001b[${SGR[span[0]]}m${text}\u001b[0m`
    })
    .join('')
}

function colorWanted(sink: Sink, env: Io['env'], flag: boolean | undefined): boolean {
  if (flag !== undefined) return flag
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  return sink.isTTY && env['TERM'] !== 'dumb'
}
