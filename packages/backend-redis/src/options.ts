import { PapyraError, type Clock, type ServerAckLevel } from '@papyra/contracts'
import { replicasOf } from './ack.js'
import type { RedisLike } from './connection.js'

/** Certificates for TLS, as texts in PEM form. */
export interface RedisTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

/** A client that the caller lends: it is never used itself, only asked for connections like its own. */
export interface LentClient {
  /** True for a client of a Cluster, which is not supported yet. */
  readonly isCluster?: boolean
  readonly options: {
    readonly host?: string | undefined
    readonly port?: number | undefined
    readonly db?: number | undefined
  }
  duplicate(override: Readonly<Record<string, unknown>>): RedisLike
}

export interface RedisBackendOptions {
  /** Names the store, together with `prefix`. Letters, digits, `.`, `_` and `-`. */
  readonly system: string
  /** What the keys begin with. Default `papyra`. */
  readonly prefix?: string
  /** `redis://` or `rediss://`, with user, password and database if need be. This or `client`. */
  readonly url?: string
  /** Used instead of what the URL has. */
  readonly username?: string
  readonly password?: string
  /** For `rediss://`. The server's certificate is always verified. */
  readonly tls?: RedisTls
  /** An ioredis client whose connection settings are used. It stays the caller's. */
  readonly client?: LentClient
  /** What a resolved append promises. Default `acknowledged`. */
  readonly ack?: ServerAckLevel
  /** How long replicas, or the device, may take to confirm, in ms. Default 5000. */
  readonly confirmTimeoutMs?: number
  /** How long an append may take until it is settled, in ms. Default 30 000. */
  readonly appendTimeoutMs?: number
  /** How long one command may take, in ms. Default 5000. */
  readonly commandTimeoutMs?: number
  /** Most bytes that one fact may have as stored JSON. Default 1 MiB. Limits writing only. */
  readonly maxRecordBytes?: number
  /** When more bytes than this wait to be written, further appends wait their turn. Default 8 MiB. */
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
  ...['confirmTimeoutMs', 'appendTimeoutMs', 'commandTimeoutMs', 'maxRecordBytes'],
  ...['maxWaitingBytes', 'externalTrim', 'clock'],
]
const NUMBERS = {
  confirmTimeoutMs: 5000,
  appendTimeoutMs: 30_000,
  commandTimeoutMs: 5000,
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
  if ((options.url === undefined) === (options.client === undefined)) {
    throw refuse('either url or client must be given.')
  }
  if (options.client?.isCluster === true) {
    throw new PapyraError('unsupported', 'redisBackend: a Cluster is not supported yet.')
  }
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
