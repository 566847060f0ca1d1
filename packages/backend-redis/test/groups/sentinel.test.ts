import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisBackend, type RedisBackendOptions } from '../../src/index.js'
import { until } from '../support/stores.js'
import { startWatched, tell, type Watched } from '../support/topology.js'
import { BATCH, CONSUMERS, startCrew } from './crew.js'

let watched: Watched

beforeAll(async () => {
  watched = await startWatched()
})
afterAll(() => watched.stop())

/** How many failovers there were: sentinels may choose twice in a row. */
async function failovers(): Promise<number> {
  const { name, sentinels } = watched
  const told = await tell(sentinels[0]?.port ?? 0, 'SENTINEL', 'MASTER', name)
  const facts = Array.isArray(told) ? told.map(String) : []
  return Number(facts[facts.indexOf('config-epoch') + 1])
}

async function replicasOf(port: number): Promise<number> {
  const info = String(await tell(port, 'INFO', 'replication').catch(() => ''))
  return info.split('state=online').length - 1
}

test('consumers go on through an orderly failover and through the death of the master', async () => {
  const { name, sentinels } = watched
  const options: RedisBackendOptions = {
    ...{ system: 'groups', sentinel: { name, sentinels } },
    ...({ ack: 'replicated(2)', confirmTimeoutMs: 150 } as const),
  }
  const crew = await startCrew(options)
  await crew.more(60)
  const first = await watched.master()
  await tell(sentinels[0]?.port ?? 0, 'SENTINEL', 'FAILOVER', name)
  await until(async () => (await watched.master()).port !== first.port)
  await crew.more(30)
  // The old one is a replica now, so that there are two to choose from.
  await until(async () => (await replicasOf((await watched.master()).port)) === 2)
  const second = await watched.master()
  await second.kill9()
  await until(async () => (await watched.master()).port !== second.port)
  await crew.more(10)
  await crew.allHandled()
  expect(crew.problems).toEqual([])
  expect(crew.events.filter(({ what }) => what === 'deleted' || what === 'invalid')).toEqual([])
  expect(crew.doubles).toBeLessThanOrEqual((await failovers()) * CONSUMERS * BATCH)
  const stored = await crew.stored()
  expect([...crew.confirmed].filter((seq) => !stored.includes(seq))).toEqual([])
  const reader = await redisBackend(options).open({ access: 'read' })
  const [group] = (await reader.groups?.list()) ?? []
  expect(group).toMatchObject({ pending: 0, lag: { records: 0 }, poison: 0 })
  await reader.close()
  await crew.close()
  await second.start()
})
