import { Redis } from 'ioredis'
import type { RedisTls } from './options.js'
import type { Address, RedisLike } from './wire.js'

/** How to say who we are, and what to encrypt with. */
export interface Access {
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Absent for a connection in plain text. */
  readonly tls?: RedisTls | undefined
  readonly db?: number | undefined
}

/**
 * One client is one connection: nothing is queued, resent or retried behind our back, and no command
 * is sent that we did not ask for.
 */
export function pinned(connectTimeoutMs: number): Readonly<Record<string, unknown>> {
  return {
    lazyConnect: true,
    retryStrategy: null,
    sentinelRetryStrategy: null,
    reconnectOnError: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    enableAutoPipelining: false,
    disableClientInfo: true,
    stringNumbers: false,
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    keyPrefix: '',
  }
}

/** A client for one server, not connected yet. */
export function clientFor(address: Address, access: Access, connectTimeoutMs: number): RedisLike {
  const { username, password, tls, db = 0 } = access
  return new Redis({
    ...address,
    ...{ db },
    ...(username === undefined || username === '' ? {} : { username }),
    ...(password === undefined || password === '' ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
    ...pinned(connectTimeoutMs),
  })
}
