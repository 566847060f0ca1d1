import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Another run of this program, in a role of its own. */
export interface Child {
  /** Resolves with its next line; `null` when it has ended. */
  line(): Promise<string | null>
  /** Every line so far. */
  readonly lines: readonly string[]
  tell(line: string): void
  kill(): void
  /** Resolves when it has ended; with its exit code, or `null` if a signal ended it. */
  readonly ended: Promise<number | null>
}

type Process = ChildProcessByStdio<Writable, Readable, null>

/** Starts `program child <role> <arguments>`. */
export function startChild(program: string, role: string, args: readonly string[]): Child {
  const process_: Process = spawn(process.execPath, [program, 'child', role, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const waiting: (() => void)[] = []
  let given = 0
  let over = false
  const wake = (): void => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  const reader = createInterface({ input: process_.stdout })
  reader.on('line', (line) => {
    lines.push(line)
    wake()
  })
  reader.on('close', () => {
    over = true
    wake()
  })
  // A child that is gone is told nothing more.
  process_.stdin.on('error', () => undefined)
  const ended = new Promise<number | null>((resolve, reject) => {
    process_.on('error', reject)
    process_.on('close', (code) => resolve(code))
  })
  return {
    lines,
    ended,
    async line() {
      while (given === lines.length && !over) await new Promise<void>((r) => waiting.push(r))
      return lines[given++] ?? null
    },
    tell: (line) => void process_.stdin.write(`${line}\n`),
    kill: () => void process_.kill('SIGKILL'),
  }
}

/** The lines that the parent tells this process. */
export function told(): { next(): Promise<string | null>; readonly last: () => string | null } {
  const lines: string[] = []
  const waiting: (() => void)[] = []
  let given = 0
  let over = false
  const reader = createInterface({ input: process.stdin })
  const wake = (): void => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  reader.on('line', (line) => {
    lines.push(line)
    wake()
  })
  reader.on('close', () => {
    over = true
    wake()
  })
  return {
    async next() {
      while (given === lines.length && !over) await new Promise<void>((r) => waiting.push(r))
      return lines[given++] ?? null
    },
    last: () => lines.at(-1) ?? (over ? 'stop' : null),
  }
}
