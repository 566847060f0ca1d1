import type { PapyraError } from '@papyra/contracts'
import { deferred } from './deferred.js'
import { redisError, replyClass, unreachable, type Outcome } from './redis-errors.js'
import type { Argument, RedisLike, Reply } from './wire.js'

/** How long a command may take: until a monotonic time, and at most so many ms. */
export interface Limits {
  readonly deadline?: number
  readonly limitMs?: number
}

export interface LinkOptions {
  /** For messages: URL without credentials. */
  readonly location: string
  /** True if the server is a node of a Cluster, which may send us to another one. */
  readonly clustered: boolean
  readonly commandTimeoutMs: number
  /** Told once, when it has ended. */
  readonly onEnd?: (link: Link) => void
}

/** One connection to one server. Once it has ended it is never made anew. */
export class Link {
  readonly #client: RedisLike
  readonly #options: LinkOptions
  #ended = false

  private constructor(client: RedisLike, options: LinkOptions) {
    this.#client = client
    this.#options = options
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * Connects; resolves once the server has answered. `verify` looks at the server before anything is
   * sent to it. Rejects with an error of the outcome `not_sent`.
   */
  static async open(
    client: RedisLike,
    options: LinkOptions,
    verify: (link: Link) => Promise<void> = () => Promise.resolve(),
  ): Promise<Link> {
    const link = new Link(client, options)
    let last: unknown = null
    const { promise: end, reject } = deferred<never>()
    end.catch(() => undefined)
    const timer = setTimeout(() => reject(new Error('timeout')), options.commandTimeoutMs * 2)
    client.on('error', (error) => {
      last = replyClass(last) === null ? error : last
    })
    client.on('end', () => {
      link.#end()
      reject(new Error('ended'))
    })
    try {
      await Promise.race([client.connect(), end])
      // Something may accept connections for a server that is gone: only its answer counts.
      await Promise.race([client.callBuffer('PING'), end]).catch((error: unknown) => {
        if (replyClass(error) !== 'NOPERM') throw error
      })
      if (link.#ended) throw new Error('ended')
    } catch (error) {
      client.disconnect()
      throw redisError(last ?? error, options.location, 'not_sent')
    } finally {
      clearTimeout(timer)
    }
    await verify(link).catch((error: unknown) => {
      link.disconnect()
      throw error
    })
    return link
  }

  /** Sends a command at most once. With `asking` it is for a slot that is just coming to this node. */
  async call(
    command: string,
    args: readonly Argument[],
    limits: Limits = {},
    asking = false,
  ): Promise<Reply> {
    const { deadline = Number.POSITIVE_INFINITY, limitMs = this.#options.commandTimeoutMs } = limits
    if (this.#ended) throw unreachable('connection lost', this.#options.location, 'not_sent')
    const { promise: late, reject } = deferred<never>()
    const timer = setTimeout(
      () => {
        reject(this.#failed(null, 'unknown'))
        this.disconnect()
      },
      Math.max(1, Math.min(limitMs, deadline - performance.now())),
    )
    try {
      if (asking) void this.#client.callBuffer('ASKING').catch(() => undefined)
      const answer = this.#client.callBuffer(command, ...args).catch((error: unknown) => {
        throw this.#failed(error, 'unknown')
      })
      return (await Promise.race([answer, late])) as Reply
    } finally {
      clearTimeout(timer)
    }
  }

  disconnect(): void {
    this.#end()
    this.#client.disconnect()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#options.onEnd?.(this)
  }

  #failed(thrown: unknown, outcome: Outcome): PapyraError {
    const { location, clustered } = this.#options
    if (thrown === null) return unreachable('no answer in time', location, outcome)
    return redisError(thrown, location, outcome, clustered)
  }
}
