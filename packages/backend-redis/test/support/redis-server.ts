import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A redis-server process of our own, on a free port of 127.0.0.1, in a folder of its own. */
export interface TestServer {
  readonly port: number
  readonly dir: string
  readonly url: string
  /** Stops it in an orderly way and removes its folder. */
  stop(): Promise<void>
  /** Stops it with SIGKILL; its folder stays. */
  kill9(): Promise<void>
  /** Stops it in an orderly way; its folder stays. */
  shutdown(): Promise<void>
  /** Starts it again, on the same port and the same folder, with more lines of configuration. */
  start(more?: readonly string[]): Promise<void>
}

const PORTS_TRIED = 10

/** None outlives the tests, however they end. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export function requireRedis(): void {
  const found = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  if (found.status === 0) return
  throw new Error(
    'These tests need the program redis-server (Redis 7.0 or later). Debian: apt-get install redis-server',
  )
}

/** `config` are lines of redis.conf. */
export async function startRedis(
  config: readonly string[] = [],
  how: { readonly sentinel?: boolean } = {},
): Promise<TestServer> {
  requireRedis()
  const dir = await mkdtemp(join(tmpdir(), 'papyra-redis-'))
  for (let tries = 1; ; tries += 1) {
    const server = new Server(await freePort(), dir, config, how.sentinel === true)
    try {
      await server.start()
      return server
    } catch (error) {
      if (tries >= PORTS_TRIED) throw error
    }
  }
}

class Server implements TestServer {
  readonly port: number
  readonly dir: string
  readonly #config: readonly string[]
  readonly #sentinel: boolean
  #process: ChildProcess | null = null

  constructor(port: number, dir: string, config: readonly string[], sentinel: boolean) {
    this.port = port
    this.dir = dir
    this.#config = config
    this.#sentinel = sentinel
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async start(more: readonly string[] = []): Promise<void> {
    const lines = [
      ...[`port ${this.port}`, 'bind 127.0.0.1', `dir ${this.dir}`, 'daemonize no'],
      ...(this.#sentinel ? [] : ['save ""', 'appendonly no']),
      ...['loglevel warning', ...this.#config, ...more, ''],
    ]
    const file = join(this.dir, 'redis.conf')
    await writeFile(file, lines.join('\n'))
    const child = spawn('redis-server', [file, ...(this.#sentinel ? ['--sentinel'] : [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`redis-server ended: ${output}`)
      }
      if (await answers(this.port, child.pid)) return
      await sleep(20)
    }
  }

  async stop(): Promise<void> {
    await this.shutdown()
    await rm(this.dir, { recursive: true, force: true })
  }

  shutdown(): Promise<void> {
    return this.#end('SIGTERM')
  }

  kill9(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    // While it writes its first append-only file it forgets that it was asked.
    const again = setInterval(() => child.kill(signal), 200)
    await ended
    clearInterval(again)
  }
}

/**
 * True once a server answers, or asks for a password. Another one that took the port just before ours
 * could is not ours: it tells its process.
 */
function answers(port: number, pid: number | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('INFO server\r\n'))
    let answer = ''
    const end = (ours: boolean): void => {
      socket.destroy()
      resolve(ours)
    }
    socket.on('data', (data) => {
      answer += data.toString()
      if (/^-(NOAUTH|NOPERM|LOADING|DENIED)/.test(answer)) end(true)
      const told = /process_id:(\d+)\r/.exec(answer)
      if (told !== null) end(Number(told[1]) === pid)
    })
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.setTimeout(2000, () => end(false))
  })
}

const given = new Set<number>()

/** A port that nobody listens on now, and that was not given before: a bus listens a little later. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address !== 'object') reject(new Error('no port'))
        else if (given.has(address.port)) resolve(freePort())
        else {
          given.add(address.port)
          resolve(address.port)
        }
      })
    })
  })
}
