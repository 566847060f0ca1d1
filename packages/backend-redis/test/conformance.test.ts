import { backendConformance, type Subject } from '@papyra/testkit'
import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { startRedis, type TestServer } from './support/redis-server.js'
import { subjectOf } from './support/subject.js'

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
  return Promise.resolve(subjectOf(client, { url: server.url, system: `shop-${stores}` }))
}

backendConformance({ name: 'backend-redis', create, numRuns: 15 })
