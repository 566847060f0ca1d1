import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import process from 'node:process'
import { bundleForNode } from '@papyra/build-config/bundle'
import { command, type Ended } from './command.js'

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Ends with the tests, however they end. */
export function kept(child: ChildProcess): ChildProcess {
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** Sends a signal and waits until it has ended. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill(signal)
  await closed
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A process of the fixtures, with the same arguments over all its starts. */
export class Service {
  readonly #fixture: string
  readonly #args: readonly string[]
  readonly #env: Record<string, string>
  #child: ChildProcess | null = null

  constructor(fixture: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#fixture = fixture
    this.#args = args
    this.#env = env
  }

  /** What it says first: `open`, or the code of a refusal. */
  async start(): Promise<unknown> {
    const file = new URL(`../fixtures/${this.#fixture}.ts`, import.meta.url)
    const bundle = await bundleForNode(file)
    const env = { ...process.env, ...this.#env }
    this.#child = kept(
      fork(bundle, this.#args, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
    )
    return this.answer()
  }

  /** Has it do something; what it answers is `done` or a code. */
  tell(act: string, count: number = 0): Promise<unknown> {
    const answer = this.answer()
    this.#child?.send([act, count])
    return answer
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child !== null) await end(this.#child, signal)
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** What it says next. */
  async answer(): Promise<unknown> {
    if (this.#child === null) return null
    const over = new AbortController()
    const [answer] = (await Promise.race([
      once(this.#child, 'message', over),
      once(this.#child, 'close', over).then(() => ['ended']),
    ]).finally(() => over.abort())) as [unknown]
    return answer
  }
}

/** The `papyra` command, as a process of its own. */
export async function papyra(...args: readonly string[]): Promise<Ended> {
  const main = await bundleForNode(new URL('../../../cli/test/fixtures/papyra.ts', import.meta.url))
  return command(process.execPath, [main, ...args])
}
