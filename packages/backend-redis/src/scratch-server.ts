// A redis-server process for one copy of a store. It keeps what it acknowledges: AOF, fsync always.
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createConnection, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PapyraError } from '@papyra/contracts'

const PATIENCE_MS = 20_000

/** On a free port of this machine, with a password that only this process knows. */
export class ScratchServer {
  readonly password: string = randomBytes(24).toString('hex')
  readonly #dir: string
  #port = 0
  #child: ChildProcess | null = null
  readonly #end = (): void => void this.#child?.kill('SIGKILL')

  constructor(dir: string) {
    this.#dir = dir
    process.once('exit', this.#end)
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`
  }

  /** Starts it, again on the same files. Rejects with `unsupported` where there is no redis-server. */
  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort()
    const child = spawn('redis-server', ['-'], { stdio: ['pipe', 'ignore', 'ignore'] })
    this.#child = child
    let problem: string | null = null
    child.once('error', ({ message }) => (problem = message))
    child.once('exit', (code) => (problem ??= `it ended with ${code ?? 'a signal'}`))
    // By standard input, so that the password is in no list of processes.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(this.#settings())
    const deadline = performance.now() + PATIENCE_MS
    while (!(await this.#answers())) {
      if (problem === null && performance.now() < deadline) await sleep(20)
      else throw noServer(problem ?? 'it does not answer')
    }
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async stop(): Promise<void> {
    await this.kill()
    process.off('exit', this.#end)
  }

  #settings(): string {
    const lines = [
      ...[`port ${this.#port}`, 'bind 127.0.0.1', `requirepass ${this.password}`],
      ...[`dir "${this.#dir.replace(/["\\]/g, '\\$&')}"`, 'daemonize no', 'save ""'],
      ...['appendonly yes', 'appendfsync always'],
    ]
    return `${lines.join('\n')}\n`
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createConnection(this.#port, '127.0.0.1')
      let said = ''
      const settle = (answers: boolean): void => {
        socket.destroy()
        resolve(answers)
      }
      socket.setTimeout(500, () => settle(false))
      socket.on('error', () => settle(false))
      socket.on('close', () => settle(false))
      socket.on('data', (data) => {
        said += data.toString()
        if (said.includes('+PONG')) settle(true)
        else if (said.includes('-')) settle(false)
      })
      socket.write(`AUTH ${this.password}\r\nPING\r\n`)
    })
  }
}

function noServer(problem: string): PapyraError {
  return new PapyraError(
    'unsupported',
    `No scratch copy: redis-server does not start (${problem}).`,
    {
      hint: 'Install the program redis-server (7.0 or later) where drills are run.',
    },
  )
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}
