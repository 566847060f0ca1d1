import { backendConformance, type Subject } from '@papyra/testkit'
import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { subjectOf } from './support/subject.js'
import { startWatched, type Watched } from './support/topology.js'

let watched: Watched
let client: Redis
let stores = 0

beforeAll(async () => {
  watched = await startWatched()
  client = new Redis((await watched.master()).port, '127.0.0.1')
})

afterAll(async () => {
  client.disconnect()
  await watched.stop()
})

function create(): Promise<Subject> {
  stores += 1
  const { name, sentinels } = watched
  const options = { system: `shop-${stores}`, sentinel: { name, sentinels } }
  return Promise.resolve(subjectOf(client, options))
}

backendConformance({ name: 'backend-redis by Sentinel', create, numRuns: 3 })
