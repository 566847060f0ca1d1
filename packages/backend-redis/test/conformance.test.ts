import { manualClock } from '@papyra/contracts'
import { backendConformance, type Subject } from '@papyra/testkit'
import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { redisBackend } from '../src/index.js'
import { damageKit } from './damage-kit.js'
import { plant } from './support/plant.js'
import { startRedis, type TestServer } from './support/redis-server.js'

let server: TestServer
let client: Redis
let stores = 0

beforeAll(async () => {
  server = await startRedis()
  client = new Redis(server.port, '127.0.0.1')
})

afterAll(async () => {
  client.disconnect()
  await server.stop()
})

function create(): Promise<Subject> {
  stores += 1
  const system = `shop-${stores}`
  const tag = `{papyra:${system}}`
  const definition = redisBackend({ url: server.url, system })
  return Promise.resolve({
    definition,
    clock: manualClock(),
    another: () => redisBackend({ url: server.url, system }),
    damage: damageKit(client, tag),
    plant: (records) => plant(client, system, records),
    dispose: async () => {
      const keys = await client.keys(`{papyra:${system}}:*`)
      if (keys.length > 0) await client.del(...keys)
    },
  })
}

backendConformance({ name: 'backend-redis', create, numRuns: 15 })
