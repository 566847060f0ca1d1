import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type CompactionReport,
  type CompactOptions,
  throwIfAborted,
  type ScanReport,
  type StoreDescription,
} from '@papyra/contracts'
import { onTestFinished } from 'vitest'
import { nodeSockets } from '../../src/control/node-sockets.js'
import { ControlServer, type Served } from '../../src/control/server.js'
import type { Listening } from '../../src/vfs.js'

/** A short path: the names of sockets may not be long. */
export function shortDir(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'pc-')))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A long operation that goes on until it is let go, told to fail, or aborted. */
export interface Held {
  readonly options: CompactOptions
  readonly finish: () => void
  readonly fail: (error: unknown) => void
  readonly aborted: Promise<void>
}

/** An owner whose compactions take as long as the test wants. */
export class SlowOwner implements Served {
  readonly name: string = 'json'
  readonly begun: Held[] = []
  flushes: number = 0
  #onBegun: (() => void) | null = null

  async describe(): Promise<StoreDescription> {
    return { metrics: { createdAt: 7 } } as StoreDescription
  }

  async flush(): Promise<void> {
    this.flushes += 1
  }

  compact(options: CompactOptions): Promise<CompactionReport> {
    return new Promise((resolve, reject) => {
      const aborted = new Promise<void>((told) => {
        options.signal?.addEventListener('abort', () => {
          told()
          try {
            throwIfAborted(options.signal)
          } catch (error) {
            reject(error as Error)
          }
        })
      })
      const finish = (): void => resolve({ changed: true } as CompactionReport)
      this.begun.push({ options, finish, fail: reject, aborted })
      this.#onBegun?.()
    })
  }

  async scan(): Promise<ScanReport> {
    return { clean: true } as ScanReport
  }

  /** The compaction with this number (from 0), as soon as it runs. */
  async compaction(index: number): Promise<Held> {
    for (;;) {
      const held = this.begun[index]
      if (held !== undefined) return held
      await new Promise<void>((resolve) => {
        this.#onBegun = resolve
      })
    }
  }
}

export interface Serving {
  readonly path: string
  readonly server: ControlServer
  readonly owner: SlowOwner
  readonly listening: Listening
}

/** An owner that listens. */
export async function serving(): Promise<Serving> {
  const owner = new SlowOwner()
  const who = { pid: 41, host: 'db1', since: 1000 }
  const server = new ControlServer({
    served: owner,
    work: owner,
    owner: who,
    token: 'abc',
    location: '/shop',
  })
  const listening = await nodeSockets.listen(join(shortDir(), 'shop.sock'), (socket) =>
    server.accept(socket),
  )
  onTestFinished(() => {
    listening.close()
    server.close()
  })
  return { path: listening.path, server, owner, listening }
}

/** A client that speaks the protocol by hand. */
export class RawClient {
  readonly socket: Socket
  readonly #lines: AsyncIterator<string>

  constructor(path: string) {
    this.socket = connect({ path, allowHalfOpen: true })
    this.socket.on('error', () => undefined)
    this.#lines = createInterface({ input: this.socket })[Symbol.asyncIterator]()
    onTestFinished(() => void this.socket.destroy())
  }

  /** The next line; `null` once the owner has closed the connection. */
  async next(): Promise<Record<string, unknown> | null> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) return null
      const line = JSON.parse(value) as Record<string, unknown>
      // Says nothing but that the owner lives: a slow machine sees more of them.
      if (line['alive'] !== true) return line
    }
  }

  send(line: object | string): void {
    this.socket.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
  }

  async ask(line: object | string): Promise<Record<string, unknown> | null> {
    this.send(line)
    return this.next()
  }
}

/** A client that has been greeted. */
export async function greeted(path: string): Promise<RawClient> {
  const client = new RawClient(path)
  await client.next()
  return client
}
