import { PapyraError, type Clock, type ServerAckLevel } from '@papyra/contracts'
import { replicasOf } from './ack.js'
import type { RedisLike } from './wire.js'

/** Certificates for TLS, as texts in PEM form. */
export interface RedisTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

/** A client that the caller lends: it is never used itself, only asked for connections like its own. */
export interface LentClient {
  readonly options: {
    readonly host?: string | undefined
    readonly port?: number | undefined
    readonly db?: number | undefined
    readonly name?: string | undefined
    readonly sentinels?: unknown
  }
  duplicate(override: Readonly<Record<string, unknown>>): RedisLike
}

/** A client of a Cluster that the caller lends, connected: it is asked for its nodes. */
export interface LentCluster {
  readonly isCluster: boolean
  nodes(): readonly LentClient[]
}

export interface RedisNode {
  readonly host: string
  /** Default 6379; of a sentinel 26379. */
  readonly port?: number
}

/** A master that sentinels watch over. */
export interface RedisSentinel {
  /** What they call it. */
  readonly name: string
  readonly sentinels: readonly RedisNode[]
  /** Number of the database. Default 0. */
  readonly db?: number
  /** For the sentinels; those for the servers stand in the options themselves. */
  readonly username?: string
  readonly password?: string
  readonly tls?: RedisTls
}

export interface RedisCluster {
  /** Some of its nodes; one that answers is enough. */
  readonly nodes: readonly RedisNode[]
  /** What an address that the Cluster tells, `10.0.0.1:6379`, is to be replaced with. */
  readonly natMap?: { readonly [address: string]: RedisNode }
}

export interface RedisBackendOptions {
  /** Names the store, together with `prefix`. Letters, digits, `.`, `_` and `-`. */
  readonly system: string
  /** What the keys begin with. Default `papyra`. */
  readonly prefix?: string
  /**
   * `redis://` or `rediss://`, with user, password and database if need be. This, `sentinel`,
   * `cluster` or `client`.
   */
  readonly url?: string
  /** Used instead of what the URL has. */
  readonly username?: string
  readonly password?: string
  /** For `rediss://`, `sentinel` and `cluster`. The server's certificate is always verified. */
  readonly tls?: RedisTls
  /** The master that sentinels name. */
  readonly sentinel?: RedisSentinel
  /** The Cluster that the store is in; all of it is in one slot. */
  readonly cluster?: RedisCluster
  /** An ioredis client (also of a Cluster, or by sentinels) whose connection settings are used. It stays the caller's. */
  readonly client?: LentClient | LentCluster
  /** What a resolved append promises. Default `acknowledged`. */
  readonly ack?: ServerAckLevel
  /** How long replicas, or the device, may take to confirm, in ms. Default 5000. */
  readonly confirmTimeoutMs?: number
  /** How long an append may take until it is settled, in ms. Default 30 000. */
  readonly appendTimeoutMs?: number
  /** How long one command may take, in ms. Default 5000. */
  readonly commandTimeoutMs?: number
  /** How long a command waits for a new master, or for a slot to be moved, in ms. Default 15 000. */
  readonly failoverTimeoutMs?: number
  /** A consumer that has not asked for so long, in ms, is not counted as alive. Default 60 000. */
  readonly consumerAliveMs?: number
  /** Most bytes that one fact may have as stored JSON. Default 1 MiB. Limits writing only. */
  readonly maxRecordBytes?: number
  /**
   * When more bytes than this wait to be written, further appends wait their turn; a character
   * counts as one byte. Default 8 MiB.
   */
  readonly maxWaitingBytes?: number
  /**
   * What to make of another program that trims the oldest records (XTRIM): `refuse` (the default)
   * holds it against the store as a loss; `allow` counts it and tells it.
   */
  readonly externalTrim?: 'refuse' | 'allow'
  /** For tests: the clock of stores whose `open` is given none. Default the system's. */
  readonly clock?: Clock
}

const KEYS: readonly string[] = [
  ...['system', 'prefix', 'url', 'username', 'password', 'tls', 'client', 'ack'],
  ...['sentinel', 'cluster', 'failoverTimeoutMs'],
  ...['confirmTimeoutMs', 'appendTimeoutMs', 'commandTimeoutMs', 'maxRecordBytes'],
  ...['maxWaitingBytes', 'consumerAliveMs', 'externalTrim', 'clock'],
]
const NUMBERS = {
  confirmTimeoutMs: 5000,
  appendTimeoutMs: 30_000,
  commandTimeoutMs: 5000,
  failoverTimeoutMs: 15_000,
  consumerAliveMs: 60_000,
  maxRecordBytes: 1_048_576,
  maxWaitingBytes: 8_388_608,
} as const

/** The options with their defaults. */
export interface Settings extends Readonly<Record<keyof typeof NUMBERS, number>> {
  readonly system: string
  readonly prefix: string
  readonly ack: ServerAckLevel
  readonly trimsAllowed: boolean
  readonly clock: Clock | undefined
}

function refuse(message: string): PapyraError {
  return new PapyraError('invalid_argument', `redisBackend: ${message}`)
}

/** Checks the options. Throws `invalid_argument`, which never holds what the options hold. */
export function checkOptions(options: RedisBackendOptions): Settings {
  if (typeof options !== 'object' || options === null) throw refuse('options are required.')
  const unknown = Object.keys(options).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) throw refuse(`there is no option ${JSON.stringify(unknown)}.`)
  const { system, prefix = 'papyra', ack = 'acknowledged', externalTrim = 'refuse' } = options
  for (const [name, value] of Object.entries({ system, prefix })) {
    if (typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value)) continue
    throw refuse(`${name} must be 1 to 64 letters, digits, dots, underscores or hyphens.`)
  }
  if (typeof ack !== 'string' || Number.isNaN(replicasOf(ack))) {
    throw refuse('ack must be acknowledged, fsynced or replicated(n).')
  }
  if (externalTrim !== 'refuse' && externalTrim !== 'allow') {
    throw refuse('externalTrim must be refuse or allow.')
  }
  const ways = [options.url, options.client, options.sentinel, options.cluster]
  if (ways.filter((way) => way !== undefined).length !== 1) {
    throw refuse('one of url, client, sentinel and cluster must be given.')
  }
  checkNodes('sentinel.sentinels', options.sentinel, options.sentinel?.sentinels)
  checkNodes('cluster.nodes', options.cluster, options.cluster?.nodes)
  const { name } = options.sentinel ?? { name: 'any' }
  if (typeof name !== 'string' || name === '') throw refuse('sentinel.name must be a text.')
  const numbers = Object.entries(NUMBERS).map(([name, standard]) => {
    const value = options[name as keyof typeof NUMBERS] ?? standard
    if (Number.isSafeInteger(value) && value > 0) return [name, value] as const
    throw refuse(`${name} must be a positive whole number.`)
  })
  const all = Object.fromEntries(numbers) as Record<keyof typeof NUMBERS, number>
  return {
    ...all,
    system,
    prefix,
    ack,
    trimsAllowed: externalTrim === 'allow',
    clock: options.clock,
  }
}

function checkNodes(place: string, way: unknown, nodes: unknown): void {
  if (way === undefined) return
  const right =
    Array.isArray(nodes) &&
    nodes.length > 0 &&
    nodes.every(({ host, port = 1 }: Partial<RedisNode>) => {
      return typeof host === 'string' && host !== '' && Number.isSafeInteger(port) && port > 0
    })
  if (!right) throw refuse(`${place} must be a list of { host, port }.`)
}
