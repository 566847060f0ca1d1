import { inspect } from 'node:util'
import { ERROR_CODES, isPapyraError, type PapyraErrorCode } from '@papyra/contracts'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisBackend, type RedisBackendOptions } from '../src/index.js'
import { startRedis, type TestServer } from './support/redis-server.js'
import { begun, event, failure, until } from './support/stores.js'

const PASSWORD = 'correct-horse-battery'
const PAYLOAD = 'four-thousand-secrets'

let server: TestServer
let locked: TestServer
let admin: Redis

beforeAll(async () => {
  server = await startRedis(['repl-diskless-sync-delay 0'])
  locked = await startRedis([
    `requirepass ${PASSWORD}`,
    `user reader on >${PASSWORD} ~* +@read +info +ping +hello +select`,
  ])
  admin = new Redis(server.port, '127.0.0.1')
})

afterAll(async () => {
  admin.disconnect()
  await server.stop()
  await locked.stop()
})

/** Asserts the code and its exit, and that nothing secret is anywhere in the error. */
function coded(error: unknown, code: PapyraErrorCode, exit: number): void {
  expect(isPapyraError(error), inspect(error)).toBe(true)
  expect((error as { code: string }).code, inspect(error)).toBe(code)
  expect(ERROR_CODES[code].exit).toBe(exit)
  const everything = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error)
  expect(everything).not.toContain(PASSWORD)
  expect(everything).not.toContain(PAYLOAD)
  expect((error as Error).cause).toBeUndefined()
}

const open = (options: RedisBackendOptions): Promise<unknown> =>
  redisBackend(options).open({ access: 'write', create: 'if-missing' })

const quick = { appendTimeoutMs: 700, commandTimeoutMs: 300 }
const secret = event(1, `"${PAYLOAD}"`)

test('a server that is down is backend_unreachable', async () => {
  const gone = await startRedis()
  await gone.stop()
  const url = `redis://user:${PASSWORD}@127.0.0.1:${gone.port}`
  const error = await failure(open({ url, system: 's' }))
  coded(error, 'backend_unreachable', 69)
  expect(error).toMatchObject({ details: { reason: 'ECONNREFUSED' } })
})

test.each([
  ['no password', {}],
  ['a wrong password', { password: `${PASSWORD}-not` }],
  ['a wrong user', { username: 'nobody', password: PASSWORD }],
])('%s is backend_denied', async (_, credentials) => {
  coded(await failure(open({ url: locked.url, system: 's', ...credentials })), 'backend_denied', 78)
})

test('a user without the rights is backend_denied', async () => {
  const options = { url: locked.url, system: 's', username: 'reader', password: PASSWORD }
  coded(await failure(open(options)), 'backend_denied', 78)
})

test('credentials of the URL are in no location', () => {
  const url = `redis://user:${PASSWORD}@127.0.0.1:${locked.port}/2`
  const { location } = redisBackend({ url, system: 'shop' })
  expect(location).toBe(`redis://127.0.0.1:${locked.port}/2/{papyra:shop}`)
})

test('a URL that cannot be read is told without repeating it', () => {
  for (const url of [`redis:/${PASSWORD}`, `http://${PASSWORD}@host`, `redis://h/${PASSWORD}`]) {
    let thrown: unknown
    try {
      redisBackend({ url, system: 's' })
    } catch (error) {
      thrown = error
    }
    coded(thrown, 'invalid_argument', 64)
  }
})

test('a read-only replica is backend_refuses_writes; once promoted the writer goes on', async () => {
  const replica = await startRedis([`replicaof 127.0.0.1 ${server.port}`])
  const writer = await begun(redisBackend({ url: server.url, system: 'replica' }))
  await writer.append([event(1)])
  await writer.close()
  const direct = new Redis(replica.port, '127.0.0.1')
  await until(
    async () => (await direct.hget('{papyra:replica}:meta', 'seq').catch(() => null)) === '1',
  )
  const again = await redisBackend({ url: replica.url, system: 'replica', ...quick }).open({
    access: 'write',
  })
  coded(await failure(again.scan()), 'backend_refuses_writes', 69)
  await again.begin()
  coded(await failure(again.append([secret])), 'backend_refuses_writes', 69)
  await direct.replicaof('NO', 'ONE')
  expect(await again.append([event(2)])).toEqual({ firstSeq: 2, lastSeq: 2 })
  await again.close()
  direct.disconnect()
  await replica.stop()
})

test.each([
  ['OOM', ['maxmemory', '1'], ['maxmemory', '0']],
  ['NOREPLICAS', ['min-replicas-to-write', '1'], ['min-replicas-to-write', '0']],
] as const)(
  '%s is backend_refuses_writes; when it is over the writer goes on',
  async (name, set, unset) => {
    const system = `full-${name}`
    const writer = await begun(redisBackend({ url: server.url, system, ...quick }))
    await admin.config('SET', ...set)
    const error = await failure(writer.append([secret]))
    coded(error, 'backend_refuses_writes', 69)
    expect(error).toMatchObject({ details: { reason: name } })
    const waiting = writer.append([event(1)])
    await admin.config('SET', ...unset)
    expect(await waiting).toEqual({ firstSeq: 1, lastSeq: 1 })
    expect((await writer.describe()).metrics.totals.writeErrors).toBe(1)
    await writer.close()
  },
)

test('a server that loads its data is backend_not_ready', async () => {
  const slow = await startRedis()
  const direct = new Redis(slow.port, '127.0.0.1')
  await direct.call('DEBUG', 'POPULATE', '4000').catch(async () => {
    for (let n = 0; n < 4000; n += 1) await direct.set(`key:${n}`, n)
  })
  await direct.save()
  direct.disconnect()
  await slow.kill9()
  await slow.start(['key-load-delay 1000', 'loading-process-events-interval-bytes 1024'])
  coded(await failure(open({ url: slow.url, system: 's' })), 'backend_not_ready', 69)
  await slow.stop()
})

test('a key of another type is backend_key_conflict, and left as it is', async () => {
  await admin.set('{papyra:taken}:meta', 'mine')
  coded(await failure(open({ url: server.url, system: 'taken' })), 'backend_key_conflict', 78)
  expect(await admin.get('{papyra:taken}:meta')).toBe('mine')
  const writer = await begun(redisBackend({ url: server.url, system: 'typed', ...quick }))
  await admin.set('{papyra:typed}:events', 'mine')
  coded(await failure(writer.append([secret])), 'backend_key_conflict', 78)
  await admin.del('{papyra:typed}:events')
  expect(await writer.append([event(1)])).toEqual({ firstSeq: 1, lastSeq: 1 })
  await writer.close()
})

test('streams without their meta are not taken for a new store', async () => {
  await admin.xadd('{papyra:rest}:events', '1-0', 'a', 'b')
  coded(await failure(open({ url: server.url, system: 'rest' })), 'backend_key_conflict', 78)
  const reading = redisBackend({ url: server.url, system: 'rest' }).open({ access: 'read' })
  coded(await failure(reading), 'store_not_found', 66)
})

test('a cluster that is down is backend_not_ready', async () => {
  const node = await startRedis(['cluster-enabled yes'])
  coded(await failure(open({ url: node.url, system: 's' })), 'backend_not_ready', 69)
  await node.stop()
})

test('a lent client gives its connection settings and stays as it was', async () => {
  const client = new Redis({ port: locked.port, password: PASSWORD })
  const definition = redisBackend({ client, system: 'lent' })
  expect(definition.location).not.toContain(PASSWORD)
  const writer = await begun(definition)
  await writer.append([event(1)])
  await writer.close()
  expect(await client.xlen('{papyra:lent}:events')).toBe(1)
  client.disconnect()
})
