import { Cluster as ClusterClient } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisBackend } from '../src/index.js'
import { moveSlot, replicasUp, slotOf } from './support/slots.js'
import { begun, event, failure, seqsOf, until } from './support/stores.js'
import { startCluster, tell, type Cluster } from './support/topology.js'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

test('several stores, each in one slot, on different nodes', async () => {
  const owners = new Set<number>()
  for (let i = 0; i < 8; i++) {
    const definition = redisBackend({ system: `many-${i}`, cluster: { nodes: cluster.nodes } })
    expect(definition.location).toMatch(/^redis\+cluster:\/\/127\.0\.0\.1:\d+\/\{papyra:many-\d\}$/)
    const writer = await begun(definition)
    await writer.append([event(1), event(2)])
    expect(await seqsOf(writer)).toEqual([1, 2])
    expect((await writer.scan()).anomalies).toEqual([])
    owners.add((await cluster.ownerOf(`{papyra:many-${i}}:meta`)).port)
    await writer.close()
  }
  expect(owners.size).toBeGreaterThan(1)
})

test('a lent client of the Cluster is asked for its nodes', async () => {
  const client = new ClusterClient([...cluster.nodes], { lazyConnect: true })
  await client.connect()
  const writer = await begun(redisBackend({ system: 'lent', client }))
  await writer.append([event(1)])
  expect(await seqsOf(writer)).toEqual([1])
  await writer.close()
  client.disconnect()
})

test('appends go on while their slot moves to another node', async () => {
  const definition = redisBackend({ system: 'moving', cluster: { nodes: cluster.nodes } })
  const writer = await begun(definition)
  const key = '{papyra:moving}:meta'
  const acknowledged: number[] = []
  let goesOn = true
  let n = 0
  const caller = async (): Promise<void> => {
    while (goesOn) {
      n += 1
      acknowledged.push((await writer.append([event(n)])).firstSeq)
    }
  }
  const callers = Array.from({ length: 3 }, caller)
  for (let round = 0; round < 3; round++) {
    const before = acknowledged.length
    await until(async () => acknowledged.length > before + 20)
    await moveSlot(cluster, key)
    const moved = acknowledged.length
    await until(async () => acknowledged.length > moved + 20)
  }
  goesOn = false
  await Promise.all(callers)
  expect(await seqsOf(writer)).toEqual(
    Array.from({ length: acknowledged.length }, (_, at) => at + 1),
  )
  expect(acknowledged.toSorted((a, b) => a - b)).toEqual(await seqsOf(writer))
  expect((await writer.scan()).anomalies).toEqual([])
  await writer.close()
})

test('a failover to a replica that was cut off: what is lost is told with its range', async () => {
  const definition = redisBackend({ system: 'behind', cluster: { nodes: cluster.nodes } })
  const writer = await begun(definition)
  const key = '{papyra:behind}:meta'
  await writer.append([event(1), event(2), event(3)])
  const master = await cluster.ownerOf(key)
  const id = await cluster.idOf(master)
  const line = String(await tell(master.port, 'CLUSTER', 'NODES'))
    .split('\n')
    .find((node) => node.includes(`slave ${id}`))
  const replica = Number(/:(\d+)@/.exec(line ?? '')?.[1])
  await until(
    async () =>
      (await tell(replica, 'CLUSTER', 'COUNTKEYSINSLOT', await slotOf(cluster, key))) !== 0,
  )
  // With a password that nobody asked for the replica is not let in again.
  await tell(replica, 'CONFIG', 'SET', 'masterauth', 'wrong')
  await tell(replica, 'CLIENT', 'KILL', 'TYPE', 'master')
  await until(async () =>
    /master_link_status:down/.test(String(await tell(replica, 'INFO', 'replication'))),
  )
  await writer.append([event(4), event(5)])
  await tell(replica, 'CLUSTER', 'FAILOVER', 'TAKEOVER')
  await tell(replica, 'CONFIG', 'SET', 'masterauth', '')
  await until(async () => (await cluster.ownerOf(key)).port === replica)
  let seen: unknown = null
  await until(async () => {
    seen = await writer.append([event(6)]).then(
      () => null,
      (error: unknown) => error,
    )
    return seen !== null
  })
  expect(seen).toMatchObject({
    code: 'store_replaced',
    details: { reason: 'rolled_back', firstSeq: 4, lastSeq: 5 },
  })
  await writer.close()
  const again = await definition.open({ access: 'write' })
  await again.recover({ mode: 'repair', acceptLoss: true })
  await again.begin()
  await again.append([event(6)])
  expect((await again.scan()).clean).toBe(true)
  await again.close()
})

test('the death of the master of its slot: nothing that a replica confirmed is lost', async () => {
  // Each master has its replica, whatever happened before.
  await until(() => replicasUp(cluster))
  const options = { system: 'dying', ack: 'replicated(1)', confirmTimeoutMs: 2000 } as const
  const writer = await begun(redisBackend({ ...options, cluster: { nodes: cluster.nodes } }))
  const key = '{papyra:dying}:meta'
  const acknowledged = new Map<number, number>()
  const problems: unknown[] = []
  let goesOn = true
  let n = 0
  const caller = async (): Promise<void> => {
    while (goesOn) {
      n += 1
      const mine = n
      try {
        acknowledged.set((await writer.append([event(mine)])).firstSeq, mine)
      } catch (error) {
        const { code, details } = error as { code: string; details: { firstSeq: number } }
        if (code === 'under_replicated') acknowledged.set(details.firstSeq, mine)
        else {
          problems.push(error)
          return
        }
      }
    }
  }
  const callers = Array.from({ length: 3 }, caller)
  await until(async () => problems.length > 0 || acknowledged.size > 30)
  const old = await cluster.ownerOf(key)
  await old.kill9()
  const before = acknowledged.size
  await until(async () => problems.length > 0 || acknowledged.size > before + 1)
  goesOn = false
  await Promise.all(callers)
  expect(problems).toEqual([])
  // Each node learns of it in its own time.
  await until(async () => (await cluster.ownerOf(key)).port !== old.port)
  const stored = new Map<number, number>()
  for await (const { seq, json } of writer.read()) {
    stored.set(seq, (JSON.parse(json) as { payload: { n: number } }).payload.n)
  }
  expect([...acknowledged].filter(([seq, what]) => stored.get(seq) !== what)).toEqual([])
  expect(new Set(stored.values()).size).toBe(stored.size)
  expect((await writer.scan()).anomalies).toEqual([])
  await writer.close()
  await old.start()
})

test('nodes that are gone: a clear code', async () => {
  const nodes = [{ host: '127.0.0.1', port: 1 }]
  const definition = redisBackend({ system: 's', failoverTimeoutMs: 200, cluster: { nodes } })
  expect(await failure(definition.open({ access: 'read' }))).toMatchObject({
    code: 'backend_not_ready',
  })
})
