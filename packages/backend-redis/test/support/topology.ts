import { Redis } from 'ioredis'
import { freePort, startRedis, type TestServer } from './redis-server.js'
import { until } from './stores.js'

/** A command to a server, on a connection of its own. */
export async function tell(port: number, command: string, ...args: string[]): Promise<unknown> {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => null, lazyConnect: true })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await client.call(command, ...args)
  } finally {
    client.disconnect()
  }
}

export interface Watched {
  readonly name: string
  /** The first is the master to begin with. */
  readonly servers: readonly TestServer[]
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  /** The server that the sentinels name now. */
  master(): Promise<TestServer>
  stop(): Promise<void>
}

/** A master with two replicas, and three sentinels that watch over them. */
export async function startWatched(): Promise<Watched> {
  const name = 'shop'
  const first = await startRedis(['repl-diskless-sync-delay 0'])
  const follow = ['repl-diskless-sync-delay 0', `replicaof 127.0.0.1 ${first.port}`]
  const servers = [first, await startRedis(follow), await startRedis(follow)]
  await until(async () =>
    /connected_slaves:2/.test(String(await tell(first.port, 'INFO', 'replication'))),
  )
  const watch = [
    `sentinel monitor ${name} 127.0.0.1 ${first.port} 2`,
    `sentinel down-after-milliseconds ${name} 1000`,
    `sentinel failover-timeout ${name} 6000`,
  ]
  const started = await Promise.all([1, 2, 3].map(() => startRedis(watch, { sentinel: true })))
  const sentinels = started.map(({ port }) => ({ host: '127.0.0.1', port }))
  for (const { port } of sentinels) {
    await until(async () => {
      const known = await tell(port, 'SENTINEL', 'MASTER', name)
      const facts = Array.isArray(known) ? known.map(String) : []
      const of = (key: string): number => Number(facts[facts.indexOf(key) + 1])
      return of('num-slaves') === 2 && of('num-other-sentinels') === 2
    })
  }
  return {
    name,
    servers,
    sentinels,
    async master() {
      const told = await tell(sentinels[0]?.port ?? 0, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
      const port = Number(Array.isArray(told) ? told[1] : 0)
      const found = servers.find((server) => server.port === port)
      if (found === undefined) throw new Error(`the master is at ${port}`)
      return found
    },
    stop: async () => {
      await Promise.all(started.map((server) => server.stop()))
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

export interface Cluster {
  /** Three masters, then the replica of each. */
  readonly servers: readonly TestServer[]
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  /** The server that has the slot of a key now, as most of those that answer say. */
  ownerOf(key: string): Promise<TestServer>
  idOf(server: TestServer): Promise<string>
  stop(): Promise<void>
}

const SLOTS = 16_384

/** Three masters that share the slots, and a replica of each. */
export async function startCluster(): Promise<Cluster> {
  const start = async (): Promise<TestServer> => {
    const bus = await freePort()
    return startRedis([
      ...['cluster-enabled yes', 'cluster-config-file nodes.conf', `cluster-port ${bus}`],
      ...['cluster-node-timeout 1000', 'repl-diskless-sync-delay 0'],
      ...['cluster-replica-validity-factor 0'],
    ])
  }
  const servers = await Promise.all(Array.from({ length: 6 }, start))
  const [first, ...others] = servers as [TestServer, ...TestServer[]]
  const part = Math.ceil(SLOTS / 3)
  for (const [i, { port }] of servers.slice(0, 3).entries()) {
    const last = Math.min(SLOTS, (i + 1) * part) - 1
    await tell(port, 'CLUSTER', 'ADDSLOTSRANGE', String(i * part), String(last))
  }
  const busOf = async (server: TestServer): Promise<string> =>
    /cluster-port (\d+)/.exec(await configOf(server))?.[1] ?? ''
  for (const server of others) {
    const to = ['127.0.0.1', String(server.port), await busOf(server)]
    await tell(first.port, 'CLUSTER', 'MEET', ...to)
  }
  const info = async (port: number): Promise<string> => String(await tell(port, 'CLUSTER', 'INFO'))
  for (const { port } of servers) {
    await until(async () => /cluster_known_nodes:6/.test(await info(port)))
  }
  const idOf = async ({ port }: TestServer): Promise<string> =>
    String(await tell(port, 'CLUSTER', 'MYID'))
  for (const [i, server] of servers.slice(3).entries()) {
    const master = servers[i] as TestServer
    const id = await idOf(master)
    await until(() =>
      tell(server.port, 'CLUSTER', 'REPLICATE', id).then(
        () => true,
        () => false,
      ),
    )
    await until(async () =>
      /master_link_status:up/.test(String(await tell(server.port, 'INFO', 'replication'))),
    )
  }
  for (const { port } of servers) {
    await until(async () => {
      const nodes = String(await tell(port, 'CLUSTER', 'NODES'))
      return /cluster_state:ok/.test(await info(port)) && nodes.split('slave').length === 4
    })
  }
  return {
    servers,
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    async ownerOf(key) {
      const slot = Number(await tell(await alive(servers), 'CLUSTER', 'KEYSLOT', key))
      for (const { port } of servers) {
        const ranges = await tell(port, 'CLUSTER', 'SLOTS').catch(() => [])
        for (const [from, to, master] of ranges as [number, number, [string, number]][]) {
          if (slot < from || slot > to) continue
          const found = servers.find((server) => server.port === master[1])
          if (found !== undefined) return found
        }
      }
      throw new Error(`nobody has the slot of ${key}`)
    },
    idOf,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

async function alive(servers: readonly TestServer[]): Promise<number> {
  for (const { port } of servers) {
    const answer = await tell(port, 'PING').catch(() => null)
    if (answer === 'PONG') return port
  }
  throw new Error('no server answers')
}

async function configOf({ dir }: TestServer): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const { join } = await import('node:path')
  return readFile(join(dir, 'redis.conf'), 'utf8')
}
