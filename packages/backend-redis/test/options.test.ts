import { Cluster } from 'ioredis'
import { expect, test } from 'vitest'
import { redisBackend, type RedisBackendOptions } from '../src/index.js'

const url = 'redis://127.0.0.1:1'

test.each<[string, object]>([
  ['no options', {}],
  ['no system', { url }],
  ['a system that could leave its hash tag', { url, system: 'a}b' }],
  ['an unknown option', { url, system: 's', pasword: 'x' }],
  ['neither a URL nor a client', { system: 's' }],
  ['another protocol', { url: 'http://127.0.0.1', system: 's' }],
  ['a level that is none', { url, system: 's', ack: 'durable' }],
  ['no replica', { url, system: 's', ack: 'replicated(0)' }],
  ['a deadline that is none', { url, system: 's', appendTimeoutMs: 0 }],
  ['tls for a URL without it', { url, system: 's', tls: {} }],
])('%s is refused with invalid_argument', (_, options) => {
  expect(() => redisBackend(options as RedisBackendOptions)).toThrow(
    expect.objectContaining({ code: 'invalid_argument' }),
  )
})

test('a client of a Cluster that knows no node is refused', () => {
  const client = new Cluster([{ port: 1 }], { lazyConnect: true })
  expect(() => redisBackend({ client, system: 's' })).toThrow(
    expect.objectContaining({ code: 'invalid_argument', hint: expect.stringContaining('Connect') }),
  )
  client.disconnect()
})

test.each([
  [{ url, sentinel: { name: 'a', sentinels: [{ host: 'h' }] } }],
  [{ sentinel: { name: '', sentinels: [{ host: 'h' }] } }],
  [{ sentinel: { name: 'a', sentinels: [] } }],
  [{ sentinel: { name: 'a', sentinels: [{ host: 'h', port: 0 }] } }],
  [{ cluster: { nodes: [] } }],
  [{ cluster: { nodes: 'h' } }],
  [{}],
])('%j is refused', (way: object) => {
  expect(() => redisBackend({ ...way, system: 's' } as RedisBackendOptions)).toThrow(
    expect.objectContaining({ code: 'invalid_argument' }),
  )
})

test('the location names server, database and store', () => {
  expect(redisBackend({ url, system: 's', prefix: 'p' }).location).toBe(`${url}/0/{p:s}`)
  expect(redisBackend({ url: 'rediss://[::1]/3', system: 's' }).location).toBe(
    'rediss://[::1]:6379/3/{papyra:s}',
  )
})
