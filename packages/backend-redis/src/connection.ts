import type { PapyraError } from '@papyra/contracts'
import { deferred } from './deferred.js'
import { failureOf, redisError, replyClass, unreachable, type Outcome } from './redis-errors.js'
import type { Script } from './script.js'

/** What a server answers: RESP2, every text as bytes. */
export type Reply = null | number | Buffer | readonly Reply[]
export type Argument = string | number | Buffer

/** The part of an ioredis client that is used; one object is one connection, never made anew. */
export interface RedisLike {
  connect(): Promise<unknown>
  disconnect(): void
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

export interface ConnectionOptions {
  /** URL without credentials, for messages. */
  readonly location: string
  /** Makes a client that is not connected yet. */
  readonly makeClient: () => RedisLike
  /** How long one command may take, in ms. After that the connection is given up. */
  readonly commandTimeoutMs: number
}

/** How long a command may take: until a monotonic time, and at most so many ms. */
interface Limits {
  readonly deadline?: number
  readonly limitMs?: number
}

interface Live {
  readonly client: RedisLike
  readonly number: number
  ended: boolean
}

/**
 * One connection to a server, made when it is needed and anew after it was lost. A command is sent
 * at most once and always settles: with the answer, or with an error that tells whether it may have
 * been carried out (`failureOf`).
 */
export class Connection {
  readonly location: string
  readonly #options: ConnectionOptions
  #live: Promise<Live> | null = null
  #current: Live | null = null
  #made = 0
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.location = options.location
  }

  /** How many times it was connected. A command on which this rises came after a lost connection. */
  get number(): number {
    return this.#current?.number ?? this.#made
  }

  /** Connects unless it is connected, and resolves with the number of the connection. */
  async connect(): Promise<number> {
    return (await this.#ready()).number
  }

  async send(command: string, ...args: Argument[]): Promise<Reply> {
    const live = await this.#ready()
    return this.#call(live, command, args)
  }

  /** Sends several commands without waiting in between; their answers in the same order. */
  async sendAll(commands: readonly (readonly [string, ...Argument[]])[]): Promise<Reply[]> {
    const live = await this.#ready()
    return Promise.all(commands.map(([command, ...args]) => this.#call(live, command, args)))
  }

  /** Sends a command that changes nothing; once more if the connection was lost meanwhile. */
  async ask(command: string, ...args: Argument[]): Promise<Reply> {
    try {
      return await this.send(command, ...args)
    } catch (error) {
      if (this.#closed || failureOf(error)?.outcome !== 'unknown') throw error
      return this.send(command, ...args)
    }
  }

  /** Runs a script, in one step, at most once; gives up when `deadline` (monotonic ms) comes. */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    deadline: number = Number.POSITIVE_INFINITY,
  ): Promise<Reply> {
    const live = await this.#readyBefore(deadline)
    const words = [keys.length, ...keys, ...args]
    try {
      return await this.#call(live, 'EVALSHA', [script.sha, ...words], { deadline })
    } catch (error) {
      if (failureOf(error)?.reason !== 'NOSCRIPT') throw error
      return this.#call(live, 'EVAL', [script.text, ...words], { deadline })
    }
  }

  /** As `send`, on the connection that is there now and with a time limit of its own, in ms. */
  async follow(limitMs: number, command: string, ...args: Argument[]): Promise<Reply> {
    const live = this.#current
    if (live === null) throw unreachable('connection lost', this.location, 'not_sent')
    return this.#call(live, command, args, { limitMs })
  }

  /** Gives the connection up; the next command makes a new one. */
  drop(): void {
    const live = this.#current
    if (live === null) return
    this.#lost(live)
    live.client.disconnect()
  }

  close(): void {
    this.#closed = true
    this.drop()
  }

  #ready(): Promise<Live> {
    if (this.#closed) throw unreachable('closed', this.location, 'not_sent')
    this.#live ??= this.#connect().catch((error: unknown) => {
      this.#live = null
      throw error
    })
    return this.#live
  }

  async #readyBefore(deadline: number): Promise<Live> {
    const { promise: late, reject } = deferred<never>()
    const left = deadline - performance.now()
    if (!Number.isFinite(left)) return this.#ready()
    const giveUp = (): void =>
      reject(unreachable('no connection in time', this.location, 'not_sent'))
    const timer = setTimeout(giveUp, Math.max(0, left))
    try {
      return await Promise.race([this.#ready(), late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #connect(): Promise<Live> {
    const client = this.#options.makeClient()
    let last: unknown = null
    let ended = false
    const { promise: end, reject } = deferred<never>()
    end.catch(() => undefined)
    const timer = setTimeout(() => reject(new Error('timeout')), this.#options.commandTimeoutMs * 2)
    client.on('error', (error) => {
      last = replyClass(last) === null ? error : last
    })
    client.on('end', () => {
      ended = true
      if (this.#current?.client === client) this.#lost(this.#current)
      reject(new Error('ended'))
    })
    try {
      await Promise.race([client.connect(), end])
      // Something may accept connections for a server that is gone: only its answer counts.
      await Promise.race([client.callBuffer('PING'), end]).catch((error: unknown) => {
        if (replyClass(error) !== 'NOPERM') throw error
      })
      if (ended) throw new Error('ended')
    } catch (error) {
      client.disconnect()
      throw redisError(last ?? error, this.location, 'not_sent')
    } finally {
      clearTimeout(timer)
    }
    this.#made += 1
    const live = { client, number: this.#made, ended: false }
    this.#current = live
    if (this.#closed) this.close()
    return live
  }

  #lost(live: Live): void {
    live.ended = true
    if (this.#current !== live) return
    this.#current = null
    this.#live = null
  }

  async #call(
    live: Live,
    command: string,
    args: readonly Argument[],
    limits: Limits = {},
  ): Promise<Reply> {
    const { deadline = Number.POSITIVE_INFINITY, limitMs = this.#options.commandTimeoutMs } = limits
    if (live.ended) throw unreachable('connection lost', this.location, 'not_sent')
    const { promise: late, reject } = deferred<never>()
    const timer = setTimeout(
      () => {
        reject(this.#failed(null, 'unknown'))
        this.#lost(live)
        live.client.disconnect()
      },
      Math.max(1, Math.min(limitMs, deadline - performance.now())),
    )
    try {
      const answer = live.client.callBuffer(command, ...args).catch((error: unknown) => {
        throw this.#failed(error, 'unknown')
      })
      return (await Promise.race([answer, late])) as Reply
    } catch (error) {
      // A replica that was a master, or a cut link: only a new connection may find the right server.
      if (failureOf(error)?.reason === 'READONLY') this.drop()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  #failed(thrown: unknown, outcome: Outcome): PapyraError {
    if (thrown === null) return unreachable('no answer in time', this.location, outcome)
    return redisError(thrown, this.location, outcome)
  }
}
