import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisBackend } from '../../src/index.js'
import { moveSlot, replicasUp } from '../support/slots.js'
import { until } from '../support/stores.js'
import { startCluster, type Cluster } from '../support/topology.js'
import { BATCH, CONSUMERS, startCrew } from './crew.js'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

test('consumers go on while the slot of their store moves, and nothing is passed over', async () => {
  const nodes = { cluster: { nodes: cluster.nodes } }
  const crew = await startCrew({ system: 'moving', ...nodes })
  const key = '{papyra:moving}:meta'
  for (let round = 0; round < 3; round += 1) {
    await crew.more(60)
    await moveSlot(cluster, key)
  }
  await crew.more(60)
  await crew.allHandled()
  expect(crew.problems).toEqual([])
  // A move is no loss: nothing vanished, and nothing was deleted.
  expect(crew.events.filter(({ what }) => what !== 'disconnected' && what !== 'claimed')).toEqual(
    [],
  )
  expect(await crew.stored()).toEqual([...crew.confirmed])
  // What somebody held while the answers stayed away may go to another, once a move.
  expect(crew.doubles).toBeLessThanOrEqual(3 * CONSUMERS * BATCH)
  await crew.close()
})

test('consumers go on when the master of their slot dies', async () => {
  await until(() => replicasUp(cluster))
  const options = { system: 'dying', ack: 'replicated(1)', confirmTimeoutMs: 150 } as const
  const nodes = { cluster: { nodes: cluster.nodes } }
  const crew = await startCrew({ ...options, ...nodes })
  const key = '{papyra:dying}:meta'
  await crew.more(60)
  const old = await cluster.ownerOf(key)
  await old.kill9()
  await until(async () => (await cluster.ownerOf(key)).port !== old.port)
  await crew.more(10)
  await crew.allHandled()
  expect(crew.problems).toEqual([])
  expect(crew.doubles).toBeLessThanOrEqual(CONSUMERS * BATCH)
  const stored = await crew.stored()
  expect([...crew.confirmed].filter((seq) => !stored.includes(seq))).toEqual([])
  const reader = await redisBackend({ ...options, ...nodes }).open({ access: 'read' })
  const [group] = (await reader.groups?.list()) ?? []
  expect(group).toMatchObject({ pending: 0, lag: { records: 0 }, poison: 0 })
  await reader.close()
  await crew.close()
  await old.start()
})
