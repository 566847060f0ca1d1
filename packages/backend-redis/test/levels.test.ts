import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { redisBackend } from '../src/index.js'
import { startRedis } from './support/redis-server.js'
import { begun, event, failure, seqsOf, until } from './support/stores.js'

const ALWAYS = ['appendonly yes', 'appendfsync always']

test.each([
  ['appendfsync', ['appendonly yes', 'appendfsync everysec'], 'appendfsync always'],
  ['appendonly', [], 'appendonly yes'],
  [
    'no-appendfsync-on-rewrite',
    [...ALWAYS, 'no-appendfsync-on-rewrite yes'],
    'no-appendfsync-on-rewrite no',
  ],
] as const)('fsynced is refused while %s does not allow it', async (setting, config, hint) => {
  const server = await startRedis(config)
  const writer = await begun(redisBackend({ url: server.url, system: 's', ack: 'fsynced' }))
  expect(await failure(writer.append([event(1)]))).toMatchObject({
    code: 'backend_unsuitable',
    details: { setting },
    hint: expect.stringContaining(hint),
  })
  expect(await seqsOf(writer)).toEqual([])
  await writer.close()
  await server.stop()
})

test('fsynced is refused where the settings cannot be read', async () => {
  const server = await startRedis([...ALWAYS, 'rename-command CONFIG ""'])
  const writer = await begun(redisBackend({ url: server.url, system: 's', ack: 'fsynced' }))
  expect(await failure(writer.append([event(1)]))).toMatchObject({ code: 'backend_unsuitable' })
  await writer.close()
  await server.stop()
})

test('what was acknowledged at fsynced survives SIGKILL, 20 times', async () => {
  const server = await startRedis(ALWAYS)
  const writer = await begun(redisBackend({ url: server.url, system: 's', ack: 'fsynced' }))
  const acknowledged: number[] = []
  let n = 0
  const send = (): Promise<unknown> => {
    n += 1
    return writer.append([event(n)]).then(({ firstSeq }) => acknowledged.push(firstSeq))
  }
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(Array.from({ length: 10 }, send))
    const onTheirWay = Array.from({ length: 10 }, send)
    await new Promise((resolve) => setImmediate(resolve))
    await server.kill9()
    await server.start()
    await Promise.all(onTheirWay)
  }
  expect(acknowledged).toEqual(Array.from({ length: 400 }, (_, at) => at + 1))
  expect(await seqsOf(writer)).toEqual(acknowledged)
  expect((await writer.scan()).anomalies).toEqual([])
  await writer.close()
  await server.stop()
})

test('replicated(1) waits for the replica; without one the records are stored and told as such', async () => {
  const server = await startRedis(['repl-diskless-sync-delay 0'])
  const options = {
    url: server.url,
    system: 's',
    ack: 'replicated(1)',
    confirmTimeoutMs: 200,
  } as const
  const writer = await begun(redisBackend(options))
  expect(await failure(writer.append([event(1), event(2)]))).toMatchObject({
    code: 'under_replicated',
    details: { asked: 1, got: 0, firstSeq: 1, lastSeq: 2 },
  })
  const replica = await startRedis([`replicaof 127.0.0.1 ${server.port}`])
  const direct = new Redis(replica.port, '127.0.0.1')
  await until(async () => (await direct.hget('{papyra:s}:meta', 'seq').catch(() => null)) === '2')
  const patient = await begun(redisBackend({ ...options, confirmTimeoutMs: 4000 }))
  expect(await patient.append([event(3)])).toEqual({ firstSeq: 3, lastSeq: 3 })
  expect(await direct.xlen('{papyra:s}:events')).toBe(3)
  await Promise.all([writer.close(), patient.close()])
  direct.disconnect()
  await replica.stop()
  await server.stop()
})
