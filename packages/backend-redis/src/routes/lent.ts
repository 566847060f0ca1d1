import { PapyraError } from '@papyra/contracts'
import { pinned } from '../client.js'
import type { LentClient, LentCluster } from '../options.js'
import type { Route } from '../route.js'
import type { Address } from '../wire.js'
import { clusterRoute } from './cluster.js'
import { requireMaster } from './role.js'

/** Connections like those of a client that the caller lends; it finds a master by itself. */
export function lentRoute(client: LentClient, connectTimeoutMs: number): Route {
  const { host = '127.0.0.1', port = 6379, db = 0, sentinels, name } = client.options
  const own = pinned(connectTimeoutMs)
  const watched = sentinels != null
  const url = watched
    ? `redis+sentinel://${encodeURIComponent(name ?? '')}/${db}`
    : `redis://${host}:${port}/${db}`
  return {
    url,
    failsOver: watched,
    clustered: false,
    locate: () => Promise.resolve(client.duplicate(own)),
    at: (node) => client.duplicate({ ...own, ...node }),
    verify: (link) => (watched ? requireMaster(link, url) : Promise.resolve()),
  }
}

/** Connections like those that a client of a Cluster, which the caller lends, has to its nodes. */
export function lentClusterRoute(cluster: LentCluster, commandTimeoutMs: number): Route {
  const own = pinned(commandTimeoutMs)
  const [pattern] = cluster.nodes()
  if (pattern === undefined) {
    throw new PapyraError(
      'invalid_argument',
      'redisBackend: the client of a Cluster knows no node.',
      {
        hint: 'Connect it before you lend it.',
      },
    )
  }
  const nodes = cluster
    .nodes()
    .map(({ options: { host = '127.0.0.1', port = 6379 } }) => ({ host, port }))
  const makeClient = (node: Address): ReturnType<Route['at']> =>
    pattern.duplicate({ ...own, ...node, readOnly: false })
  return clusterRoute({ nodes, natMap: {}, makeClient }, commandTimeoutMs)
}
