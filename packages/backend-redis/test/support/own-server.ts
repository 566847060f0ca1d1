import { Redis } from 'ioredis'
import { afterAll } from 'vitest'
import { startRedis, type TestServer } from './redis-server.js'

/** A server of a test file's own, and a client of it; both end with the file. */
export async function ownServer(): Promise<{
  readonly server: TestServer
  readonly client: Redis
}> {
  const server = await startRedis()
  const client = new Redis(server.port, '127.0.0.1')
  afterAll(async () => {
    client.disconnect()
    await server.stop()
  })
  return { server, client }
}
