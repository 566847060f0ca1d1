import { PapyraError } from '@papyra/contracts'
import { clientFor } from '../client.js'
import type { RedisBackendOptions, RedisNode } from '../options.js'
import type { Route } from '../route.js'
import type { Address } from '../wire.js'
import { clusterRoute } from './cluster.js'
import { lentClusterRoute, lentRoute } from './lent.js'
import { sentinelRoute } from './sentinel.js'
import { singleRoute } from './single.js'

/** How to find the server of a store. Throws `invalid_argument`, which holds nothing of a URL. */
export function routeOf(options: RedisBackendOptions, timeoutMs: number): Route {
  const { client, cluster, sentinel, username, password, tls } = options
  if (client !== undefined) {
    return 'nodes' in client ? lentClusterRoute(client, timeoutMs) : lentRoute(client, timeoutMs)
  }
  const access = { username, password, tls }
  if (cluster !== undefined) {
    const makeClient = (node: Address): ReturnType<Route['at']> =>
      clientFor(node, access, timeoutMs)
    const natMap = Object.entries(cluster.natMap ?? {}).map(([from, to]) => [from, addressOf(to)])
    const nodes = cluster.nodes.map((node) => addressOf(node))
    return clusterRoute({ nodes, natMap: Object.fromEntries(natMap), makeClient }, timeoutMs)
  }
  if (sentinel !== undefined) {
    const { name, sentinels, db, ...toSentinels } = sentinel
    const addresses = sentinels.map((node) => addressOf(node, 26_379))
    const place = { name, sentinels: addresses, access: toSentinels }
    return sentinelRoute(place, { ...access, db }, timeoutMs)
  }
  return byUrl(options, timeoutMs)
}

function addressOf({ host, port }: RedisNode, standard: number = 6379): Address {
  return { host, port: port ?? standard }
}

function byUrl({ url, username, password, tls }: RedisBackendOptions, timeoutMs: number): Route {
  const parsed = parse(url ?? '')
  const secure = parsed.protocol === 'rediss:'
  if (tls !== undefined && !secure) throw refuse('tls goes with a URL that begins with rediss://.')
  const db = Number(parsed.pathname.slice(1) || '0')
  const [host, port] = [parsed.hostname.replace(/^\[|\]$/g, ''), Number(parsed.port || '6379')]
  const access = {
    username: username ?? decodeURIComponent(parsed.username),
    password: password ?? decodeURIComponent(parsed.password),
    tls: secure ? { ...tls } : undefined,
    db,
  }
  const location = `${parsed.protocol}//${parsed.hostname}:${port}/${db}`
  return singleRoute({ host, port, url: location }, access, timeoutMs)
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
