import { type Clock, PapyraError, systemClock } from '@papyra/contracts'

/** Where text goes. Text is written as it is: `Output` has made it safe before. */
export interface Sink {
  readonly isTTY: boolean
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number
  /** True once nobody reads it any more (`| head`). Writing is then allowed and does nothing. */
  readonly closed: boolean
  /**
   * Resolves when the system has taken the text, so that a slow reader slows the writer. Standard
   * output rejects with `io_error` when it cannot be written; standard error never rejects.
   */
  write(text: string): Promise<void>
}

/** Everything through which the command touches the world, beside the stores themselves. */
export interface Io {
  readonly stdout: Sink
  readonly stderr: Sink
  /** Puts a question to the terminal; `null` where there is nobody to ask. */
  readonly ask: ((question: string) => Promise<string>) | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The program and its first arguments that run this command as another process; `null` if unknown. */
  readonly self: readonly [string, ...string[]] | null
  readonly clock: Clock
  /** The caller's user id; `null` where the system has none. */
  readonly uid: number | null
  /** The folder of the machine's own configuration: `/etc` outside of tests. */
  readonly etc: string
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  /** Which of the two it was. */
  readonly stoppedBy: () => 'SIGINT' | 'SIGTERM' | null
}

/** A stream that may be a terminal. */
export type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** A sink on one of the process's own streams. `tolerant` swallows every error. */
export function streamSink(stream: OutputStream, tolerant: boolean): Sink {
  let failure: NodeJS.ErrnoException | null = null
  stream.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error
  })
  const gone = (): boolean => failure !== null && (tolerant || failure.code === 'EPIPE')
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      const { columns = 0 } = stream
      return columns > 0 ? columns : 80
    },
    get closed() {
      return failure !== null
    },
    async write(text) {
      if (failure === null) {
        const error = await new Promise<Error | null>((resolve) => {
          stream.write(text, (problem) => resolve(problem ?? null))
        })
        if (error !== null) failure ??= error
      }
      if (failure !== null && !gone()) throw outputError(failure)
    },
  }
}

function outputError(cause: NodeJS.ErrnoException): PapyraError {
  return new PapyraError('io_error', `Standard output cannot be written: ${cause.message}.`, {
    hint: 'Look at where the output goes: the space on its disk, the program that reads it.',
    cause,
  })
}

/** What `processIo` needs beside the process: tests run the real one with their own. */
export interface Signals {
  readonly signal: AbortSignal
  readonly stoppedBy: () => 'SIGINT' | 'SIGTERM' | null
}

/** The world of the running process. */
export function processIo(signals: Signals): Io {
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true
  return {
    stdout: streamSink(process.stdout, false),
    stderr: streamSink(process.stderr, true),
    ask: interactive ? (question) => askTerminal(question, signals.signal) : null,
    env: process.env,
    cwd: workingDirectory(),
    self: ownCommand(),
    clock: systemClock,
    uid: process.getuid?.() ?? null,
    etc: '/etc',
    signal: signals.signal,
    stoppedBy: signals.stoppedBy,
  }
}

function ownCommand(): Io['self'] {
  const [, script] = process.argv
  return script === undefined ? null : [process.execPath, ...process.execArgv, script]
}

/** A working directory that was removed meanwhile is no reason not to scan an absolute path. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}

async function askTerminal(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // readline takes Ctrl-C for itself while it asks.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  try {
    return await Promise.race([terminal.question(question, { signal }), ended])
  } finally {
    terminal.close()
  }
}
