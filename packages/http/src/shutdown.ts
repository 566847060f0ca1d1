import type { Server } from 'node:http'
import { PapyraError, isPapyraError } from '@papyra/contracts'

/** Something to be done before the process ends. */
export interface ShutdownStep {
  /** For the log. */
  readonly name: string
  /** `signal` is aborted when the time of this step is over: nobody waits for it any more. */
  run(signal: AbortSignal): unknown
}

/** What happens, one at a time, in order. Plain JSON; never holds the message of an error. */
export type ShutdownEvent =
  | { readonly event: 'begun'; readonly reason: string; readonly deadlineMs: number }
  | { readonly event: 'step_done'; readonly step: string }
  | { readonly event: 'step_failed'; readonly step: string; readonly code: string }
  | { readonly event: 'step_late'; readonly step: string }
  | { readonly event: 'ended'; readonly code: number; readonly unfinished: readonly string[] }

export interface ShutdownOptions {
  /** Told first, so that readiness is 503 from the signal on. */
  readonly health?: { stopping(): void }
  /** How long to go on as before after that, in ms, until load balancers have noticed. Default 0. */
  readonly delayMs?: number
  /** Stop taking work: one after the other, in this order. */
  readonly stopWork?: readonly ShutdownStep[]
  /** Close actors and stores: one after the other, in this order, whatever became of those before. */
  readonly close: readonly ShutdownStep[]
  /** The server of the probes, closed last. Requests under way are finished. */
  readonly server?: Pick<Server, 'close' | 'closeIdleConnections' | 'closeAllConnections'>
  /** From the signal to the end of the process, in ms. Default 10 000. */
  readonly deadlineMs?: number
  /** So much of it, in ms, is kept for `close` and `server`, however late others are. Default half. */
  readonly keptForCloseMs?: number
  /** Default SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[]
  /** Default: one JSON line each on standard error. */
  readonly log?: (event: ShutdownEvent) => void
  /** Default `process.exit`. */
  readonly exit?: (code: number) => void
}

export interface Shutdown {
  /** Begins as a signal would. Resolves with the exit code; the process ends then. Idempotent. */
  begin(reason: string): Promise<number>
  /** Listens to signals no more. */
  dispose(): void
}

const NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTERM: 15,
}

/**
 * Ends the process in order when it is told to: readiness to 503, `delayMs`, `stopWork`, `close`,
 * `server`, exit. Exit code 0 if everything was finished, 1 if a step failed or was late, 128 + its
 * number on a second signal, which ends the process at once. It never takes longer than
 * `deadlineMs`, unless something blocks the thread. Throws `invalid_argument` for wrong times.
 *
 * @example
 * gracefulShutdown({ health, close: [{ name: 'papyra', run: () => papyra.close() }], server })
 */
export function gracefulShutdown(options: ShutdownOptions): Shutdown {
  return new ShutdownRun(options)
}

class ShutdownRun implements Shutdown {
  readonly #options: ShutdownOptions
  readonly #deadlineMs: number
  readonly #keptMs: number
  readonly #delayMs: number
  readonly #unfinished: string[] = []
  readonly #listeners: (readonly [NodeJS.Signals, () => void])[]
  #running: Promise<number> | null = null
  #ended = false

  constructor(options: ShutdownOptions) {
    this.#options = options
    this.#deadlineMs = time('deadlineMs', options.deadlineMs ?? 10_000)
    this.#keptMs = time('keptForCloseMs', options.keptForCloseMs ?? this.#deadlineMs / 2)
    this.#delayMs = time('delayMs', options.delayMs ?? 0)
    if (this.#delayMs + this.#keptMs > this.#deadlineMs) {
      throw new PapyraError(
        'invalid_argument',
        '`delayMs` and `keptForCloseMs` together are longer than `deadlineMs`.',
      )
    }
    const signals = options.signals ?? ['SIGTERM', 'SIGINT']
    this.#listeners = signals.map((signal) => [signal, () => this.#on(signal)] as const)
    for (const [signal, listener] of this.#listeners) process.on(signal, listener)
  }

  begin(reason: string): Promise<number> {
    this.#running ??= this.#run(reason)
    return this.#running
  }

  dispose(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener)
  }

  #on(signal: NodeJS.Signals): void {
    if (this.#running === null) void this.begin(signal)
    else this.#end(128 + (NUMBERS[signal] ?? 0))
  }

  async #run(reason: string): Promise<number> {
    const { health, stopWork = [], close } = this.#options
    const over = performance.now() + this.#deadlineMs
    const steps = [...stopWork, ...close].map(({ name }) => name)
    this.#unfinished.push(...steps, ...(this.#options.server === undefined ? [] : ['server']))
    this.#log({ event: 'begun', reason, deadlineMs: this.#deadlineMs })
    // Whatever else happens, that is the end.
    const last = setTimeout(() => this.#end(1), this.#deadlineMs)
    await this.#step({ name: 'health', run: () => health?.stopping() }, over)
    if (this.#delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#delayMs))
    let sound = true
    for (const step of stopWork) sound = (await this.#step(step, over - this.#keptMs)) && sound
    for (const step of close) sound = (await this.#step(step, over)) && sound
    sound = (await this.#closeServer(over)) && sound
    clearTimeout(last)
    return this.#end(sound ? 0 : 1)
  }

  /** Runs one step, at most until `over`; true if it was finished. Never rejects. */
  async #step(step: ShutdownStep, over: number): Promise<boolean> {
    const late = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const outcome = await Promise.race([
      attempt(step, late.signal),
      new Promise<'late'>((resolve) => {
        timer = setTimeout(resolve, Math.max(0, over - performance.now()), 'late' as const)
      }),
    ])
    clearTimeout(timer)
    if (outcome === 'late') {
      late.abort(new PapyraError('time_budget_exceeded', `No time is left for ${step.name}.`))
      this.#log({ event: 'step_late', step: step.name })
      return false
    }
    if (outcome !== null) {
      this.#log({ event: 'step_failed', step: step.name, code: outcome })
      return false
    }
    const index = this.#unfinished.indexOf(step.name)
    if (index >= 0) this.#unfinished.splice(index, 1)
    this.#log({ event: 'step_done', step: step.name })
    return true
  }

  async #closeServer(over: number): Promise<boolean> {
    const { server } = this.#options
    if (server === undefined) return true
    const closing = (): Promise<void> =>
      new Promise((resolve, reject) => {
        server.close((error) =>
          error === undefined || isClosed(error) ? resolve() : reject(error),
        )
        server.closeIdleConnections()
      })
    const closed = await this.#step({ name: 'server', run: closing }, over)
    if (!closed) server.closeAllConnections()
    return closed
  }

  #end(code: number): number {
    if (this.#ended) return code
    this.#ended = true
    this.dispose()
    this.#log({ event: 'ended', code, unfinished: [...this.#unfinished] })
    const { exit = (status: number) => process.exit(status) } = this.#options
    exit(code)
    return code
  }

  #log(event: ShutdownEvent): void {
    const { log = (told: ShutdownEvent) => console.error(JSON.stringify(told)) } = this.#options
    try {
      log(event)
    } catch {
      // A logger that fails must not keep the process alive, nor the store open.
    }
  }
}

/** `null` if it was done, else the code of what it failed with. */
async function attempt(step: ShutdownStep, signal: AbortSignal): Promise<string | null> {
  try {
    await step.run(signal)
    return null
  } catch (thrown) {
    return isPapyraError(thrown) ? thrown.code : 'internal'
  }
}

function isClosed(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_SERVER_NOT_RUNNING'
}

function time(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new PapyraError('invalid_argument', `\`${name}\` must be a number of ms, not negative.`)
}
