import { PapyraError } from '@papyra/contracts'
import { Redis } from 'ioredis'
import type { RedisLike } from './connection.js'
import type { RedisBackendOptions } from './options.js'

/** Where the server is, and how to make a client for it. */
export interface Server {
  /** URL without credentials. */
  readonly url: string
  readonly makeClient: () => RedisLike
}

/**
 * One client is one connection: nothing is queued, resent or retried behind our back, and no command
 * is sent that we did not ask for.
 */
function pinned(connectTimeoutMs: number): Readonly<Record<string, unknown>> {
  return {
    lazyConnect: true,
    retryStrategy: null,
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
  }
}

export function serverOf(options: RedisBackendOptions, connectTimeoutMs: number): Server {
  const own = pinned(connectTimeoutMs)
  const { client, url, username, password, tls } = options
  if (client !== undefined) {
    const { host = '127.0.0.1', port = 6379, db = 0 } = client.options
    return {
      url: `redis://${host}:${port}/${db}`,
      makeClient: () => client.duplicate({ ...own, keyPrefix: '' }),
    }
  }
  const parsed = parse(url ?? '')
  const secure = parsed.protocol === 'rediss:'
  if (tls !== undefined && !secure) throw refuse('tls goes with a URL that begins with rediss://.')
  const db = Number(parsed.pathname.slice(1) || '0')
  const [host, port] = [parsed.hostname.replace(/^\[|\]$/g, ''), Number(parsed.port || '6379')]
  const user = username ?? decodeURIComponent(parsed.username)
  const secret = password ?? decodeURIComponent(parsed.password)
  const place = {
    ...{ host, port, db },
    ...(user === '' ? {} : { username: user }),
    ...(secret === '' ? {} : { password: secret }),
    ...(secure ? { tls: { ...tls } } : {}),
  }
  return {
    url: `${parsed.protocol}//${parsed.hostname}:${port}/${db}`,
    makeClient: () => new Redis({ ...place, ...own }),
  }
}

/** The text may hold a password, so that no message repeats any of it. */
function parse(url: string): URL {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw refuse('url is no URL.')
  }
  if (parsed.protocol !== 'redis:' && parsed.protocol !== 'rediss:') {
    throw refuse('url must begin with redis:// or rediss://.')
  }
  if (!/^\/?\d*$/.test(parsed.pathname) || parsed.hostname === '') {
    throw refuse('url must name a host and, behind it, at most the number of a database.')
  }
  return parsed
}

function refuse(message: string): PapyraError {
  return new PapyraError('invalid_argument', `redisBackend: ${message}`)
}
