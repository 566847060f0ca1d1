import { setTimeout as sleep } from 'node:timers/promises'
import { deferred } from './deferred.js'
import { Link, type LinkOptions, type Limits } from './link.js'
import { failureOf, unreachable, type Failure } from './redis-errors.js'
import type { Route } from './route.js'
import type { Address, Argument, RedisLike, Reply } from './wire.js'
import type { Script } from './script.js'

export type { Argument, Reply } from './wire.js'

export interface ConnectionOptions {
  /** URL without credentials, for messages. */
  readonly location: string
  readonly route: Route
  /** A key of the store, by which a Cluster knows its slot. */
  readonly key: string
  /** How long one command may take, in ms. After that the connection is given up. */
  readonly commandTimeoutMs: number
  /** How long a command waits for a master, in ms, where another server may become it. */
  readonly failoverTimeoutMs: number
}

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/** What passes once another server has become the master, or a slot has been moved. */
const WAITED_FOR: ReadonlySet<string> = new Set([
  ...['MOVED', 'ASK', 'TRYAGAIN', 'CLUSTERDOWN', 'READONLY', 'MASTERDOWN', 'LOADING', 'NOTMASTER'],
])

interface Live {
  readonly link: Link
  readonly number: number
}

/**
 * One connection to the server that takes a store's writes, made when it is needed and anew after it
 * was lost; the server is looked for each time. A command is carried out at most once and always
 * settles: with the answer, or with an error that tells whether it may have been carried out
 * (`failureOf`). Only what a server certainly did not do is sent again.
 */
export class Connection {
  readonly location: string
  readonly #options: ConnectionOptions
  #live: Promise<Live> | null = null
  #current: Live | null = null
  /** To the node that a slot is just moving to. */
  #aside: { readonly node: string; readonly link: Promise<Link> } | null = null
  /** The link that carried the last command that was answered. */
  #last: Link | null = null
  /** Where a node said that the slot is. */
  #moved: Address | null = null
  #made = 0
  #drops = 0
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.location = options.location
  }

  /** Connects unless it is connected, and resolves with the number of the connection. */
  async connect(): Promise<number> {
    return this.#patiently(async () => (await this.#ready()).number)
  }

  async send(command: string, ...args: Argument[]): Promise<Reply> {
    return this.#send(command, args)
  }

  /** As `send`, with a time limit of its own, in ms. */
  async sendWithin(limitMs: number, command: string, ...args: Argument[]): Promise<Reply> {
    return this.#send(command, args, { limitMs })
  }

  /** Sends several commands without waiting in between; their answers in the same order. */
  async sendAll(commands: readonly (readonly [string, ...Argument[]])[]): Promise<Reply[]> {
    return Promise.all(commands.map(([command, ...args]) => this.#send(command, args)))
  }

  /** Sends a command that changes nothing; once more if the connection was lost meanwhile. */
  async ask(command: string, ...args: Argument[]): Promise<Reply> {
    return this.#twice(() => this.#send(command, args))
  }

  /** Runs a script, in one step, at most once; gives up when `deadline` (monotonic ms) comes. */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    deadline: number = Number.POSITIVE_INFINITY,
  ): Promise<Reply> {
    const words = [keys.length, ...keys, ...args]
    try {
      return await this.#send('EVALSHA', [script.sha, ...words], { deadline })
    } catch (error) {
      if (failureOf(error)?.reason !== 'NOSCRIPT') throw error
      return this.#send('EVAL', [script.text, ...words], { deadline })
    }
  }

  /** Runs a script that changes nothing; once more if the connection was lost meanwhile. */
  async askScript(script: Script, keys: readonly string[]): Promise<Reply> {
    return this.#twice(() => this.run(script, keys, []))
  }

  /** Sends a command to the server that carried out the last one, with a time limit in ms. */
  async follow(limitMs: number, command: string, ...args: Argument[]): Promise<Reply> {
    const link = this.#last
    if (link === null) throw unreachable('connection lost', this.location, 'not_sent')
    return this.#call(link, command, args, { limitMs })
  }

  /** Gives the connection up, and what waits for one; the next command makes a new one. */
  drop(): void {
    this.#drops += 1
    this.#leave()
  }

  close(): void {
    this.#closed = true
    this.drop()
  }

  async #twice(send: () => Promise<Reply>): Promise<Reply> {
    try {
      return await send()
    } catch (error) {
      if (this.#closed || failureOf(error)?.outcome !== 'unknown') throw error
      return send()
    }
  }

  #send(command: string, args: readonly Argument[], limits: Limits = {}): Promise<Reply> {
    return this.#patiently(async () => {
      const { link } = await this.#readyBefore(limits.deadline ?? Number.POSITIVE_INFINITY)
      try {
        return await this.#call(link, command, args, limits)
      } catch (error) {
        const node = failureOf(error)?.ask
        if (node == null) throw error
        return await this.#call(await this.#besides(node), command, args, limits, true)
      }
    }, limits.deadline)
  }

  /** Tries again what was certainly not done, while another server may do it. */
  async #patiently<T>(
    work: () => Promise<T>,
    deadline: number = Number.POSITIVE_INFINITY,
  ): Promise<T> {
    const { route, failoverTimeoutMs } = this.#options
    const end = Math.min(deadline, performance.now() + failoverTimeoutMs)
    const drops = this.#drops
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await work()
      } catch (error) {
        const failure = failureOf(error)
        const over = performance.now() + pause >= end || this.#drops !== drops
        if (over || !route.failsOver || failure === null || !mayPass(failure)) throw error
        if (failure.reason === 'MOVED') {
          this.#moved = failure.moved
          this.#leave()
        } else if (failure.reason === 'CLUSTERDOWN') this.#leave()
      }
      await sleep(pause)
      if (this.#drops !== drops) throw unreachable('closed', this.location, 'not_sent')
    }
  }

  async #call(
    link: Link,
    command: string,
    args: readonly Argument[],
    limits: Limits,
    asking = false,
  ): Promise<Reply> {
    try {
      const reply = await link.call(command, args, limits, asking)
      this.#last = link
      return reply
    } catch (error) {
      // A replica that was a master, or a cut link: only a new connection may find the right server.
      if (failureOf(error)?.reason === 'READONLY') this.#leave()
      throw error
    }
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
    const { route, key } = this.#options
    const moved = this.#moved
    this.#moved = null
    const client = moved === null ? await route.locate(key) : route.at(moved)
    const onEnd = (link: Link): void => {
      if (this.#current?.link === link) this.#forget()
    }
    const link = await this.#open(client, onEnd)
    this.#made += 1
    const live = { link, number: this.#made }
    this.#current = live
    if (this.#closed) this.close()
    return live
  }

  #open(client: RedisLike, onEnd: LinkOptions['onEnd']): Promise<Link> {
    const { route, commandTimeoutMs } = this.#options
    const options = { location: this.location, clustered: route.clustered, commandTimeoutMs }
    return Link.open(client, { ...options, ...(onEnd === undefined ? {} : { onEnd }) }, (link) =>
      route.verify(link),
    )
  }

  /** The link to the node that a slot is just moving to. */
  async #besides(node: Address): Promise<Link> {
    const name = `${node.host}:${node.port}`
    if (this.#aside?.node !== name || (await ended(this.#aside.link))) {
      this.#leaveAside()
      this.#aside = { node: name, link: this.#open(this.#options.route.at(node), undefined) }
      if (this.#closed) this.#leaveAside()
    }
    return this.#aside?.link ?? Promise.reject(unreachable('closed', this.location, 'not_sent'))
  }

  #leave(): void {
    const live = this.#current
    this.#forget()
    live?.link.disconnect()
    this.#leaveAside()
  }

  #leaveAside(): void {
    const aside = this.#aside
    this.#aside = null
    aside?.link.then(
      (link) => link.disconnect(),
      () => undefined,
    )
  }

  #forget(): void {
    if (this.#current === null) return
    this.#current = null
    this.#live = null
  }
}

function mayPass({ outcome, reason, passing }: Failure): boolean {
  return outcome !== 'unknown' && passing && (outcome === 'not_sent' || WAITED_FOR.has(reason))
}

function ended(link: Promise<Link>): Promise<boolean> {
  return link.then(
    (one) => one.ended,
    () => true,
  )
}
