import type { Backend, RecordMeta } from '@papyra/contracts'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { redisBackend } from '../src/index.js'
import { random } from './support/random.js'
import { ownServer } from './support/own-server.js'
import { startRedis } from './support/redis-server.js'
import { begun, event, failure, seqsOf } from './support/stores.js'

const { server, client } = await ownServer()

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at)

async function allOf(backend: Backend): Promise<{ seq: number; n: string }[]> {
  const all: { seq: number; n: string }[] = []
  for await (const { seq, json } of backend.read()) {
    all.push({ seq, n: (JSON.parse(json) as { payload: string }).payload })
  }
  return all
}

test('several writers share the numbers: none twice, none left out, each writer in its order', async () => {
  const definition = redisBackend({ url: server.url, system: 'many' })
  const writers = await Promise.all(range(1, 4).map(() => begun(definition)))
  const given: number[] = []
  await Promise.all(
    writers.map(async (writer, who) => {
      for (let n = 0; n < 60; n += 1) {
        const facts = range(0, n % 3).map((part) => event(n, `"${who}:${n}:${part}"`))
        const { firstSeq, lastSeq } = await writer.append(facts)
        given.push(...range(firstSeq, lastSeq))
      }
    }),
  )
  expect(given.sort((a, b) => a - b)).toEqual(range(1, 480))
  const [one] = writers
  const all = await allOf(one as Backend)
  expect(all.map(({ seq }) => seq)).toEqual(range(1, 480))
  for (const who of [0, 1, 2, 3]) {
    const own = all.filter(({ n }) => n.startsWith(`${who}:`)).map(({ n }) => n)
    const expected = range(0, 59).flatMap((n) =>
      range(0, n % 3).map((part) => `${who}:${n}:${part}`),
    )
    expect(own).toEqual(expected)
  }
  await Promise.all(writers.map((writer) => writer.close()))
  expect(await client.hlen('{papyra:many}:writers')).toBe(0)
})

test('writers of other processes go on beside a compaction, and beside a recovery without a loss', async () => {
  const definition = redisBackend({ url: server.url, system: 'beside' })
  const [writer, keeper] = [await begun(definition), await begun(definition)]
  await writer.append(range(1, 3000).map((n) => event(n)))
  let busy = true
  const appended = (async () => {
    let count = 0
    while (busy || count < 10) {
      await writer.append([event(count)])
      count += 1
    }
    return count
  })()
  const report = await keeper.compact({ policy: { maxRecords: 500 } }).finally(() => (busy = false))
  const count = await appended
  expect(report.verified).toBe(true)
  const seqs = await seqsOf(keeper)
  expect(seqs.at(-1)).toBe(3000 + count)
  expect(seqs).toEqual(range(seqs[0] ?? 0, 3000 + count))
  await keeper.close()
  await writer.close()
})

test('large and small records in many pages are read, scanned and compacted exactly', async () => {
  const rng = random()
  const definition = redisBackend({ url: server.url, system: 'pages' })
  const store = await begun(definition)
  const base = Date.now() - 10_000_000
  for (let at = 0; at < 4000; at += 200) {
    const facts = range(1, 200).map((n) => {
      const size = rng.below(100) === 0 ? 100_000 : rng.below(300)
      return { ...event(at + n, `"${'x'.repeat(size)}"`), timestamp: base + rng.below(10_000_000) }
    })
    await store.append(facts)
  }
  const metas: RecordMeta[] = []
  for await (const meta of store.readMeta()) metas.push(meta)
  expect(metas.map(({ seq }) => seq)).toEqual(range(1, 4000).reverse())
  // Times in no order: most of what goes stands between records that stay.
  const now = Date.now()
  const told = await store.compact({ policy: { maxAgeSeconds: 5000 }, dryRun: true })
  const kept = metas.filter(({ timestamp }) => timestamp >= (told.plan?.at ?? now) - 5_000_000)
  const done = await store.compact({ plan: told.plan?.id ?? '' })
  expect(done.verified).toBe(true)
  expect(done.records).toEqual({ before: 4000, after: kept.length })
  expect(await seqsOf(store)).toEqual(kept.map(({ seq }) => seq).reverse())
  expect((await store.describe()).bytes).toBe(kept.reduce((sum, { bytes }) => sum + bytes, 0))
  const report = await store.scan()
  expect(report).toMatchObject({ clean: true, records: kept.length })
  await store.close()
})

test('a lost record in the midst of a compacted store is found with its number', async () => {
  const store = await begun(redisBackend({ url: server.url, system: 'midst' }))
  await store.append(range(1, 50).map((n) => event(n)))
  await store.compact({ policy: { maxRecords: 30 } })
  await client.xdel('{papyra:midst}:events', '33-0')
  expect((await store.scan()).anomalies).toMatchObject([
    { code: 'sequence_gap', seq: { first: 33, last: 33 }, records: 1 },
  ])
  expect(await failure(store.compact({ policy: { maxRecords: 5 } }))).toMatchObject({
    code: 'anomalies_found',
  })
  await store.close()
})

test('appends wait while too many bytes are waiting, and all are stored in order', async () => {
  const definition = redisBackend({ url: server.url, system: 'full', maxWaitingBytes: 2000 })
  const store = await begun(definition)
  const results = await Promise.all(range(1, 500).map((n) => store.append([event(n)])))
  expect(results.map(({ firstSeq }) => firstSeq)).toEqual(range(1, 500))
  const all = await allOf(store).then((found) => found.map(({ seq }) => seq))
  expect(all).toEqual(range(1, 500))
  await store.close()
})

test('diagnose tells of eviction, persistence and expiring keys', async () => {
  const weak = await startRedis(['maxmemory 1gb', 'maxmemory-policy allkeys-lru'])
  const direct = new Redis(weak.port, '127.0.0.1')
  const store = await begun(redisBackend({ url: weak.url, system: 's' }))
  await direct.expire('{papyra:s}:meta', 1000)
  const states = async (): Promise<Record<string, string>> => {
    const found: Record<string, string> = {}
    for await (const { id, state } of store.diagnose?.() ?? []) found[id] = state
    return found
  }
  expect(await states()).toMatchObject({
    'redis.eviction': 'fail',
    'redis.persistence': 'fail',
    'redis.expiry': 'fail',
    'redis.role': 'pass',
  })
  await direct.config('SET', 'maxmemory-policy', 'noeviction')
  await direct.config('SET', 'appendonly', 'yes')
  await direct.config('SET', 'appendfsync', 'always')
  await direct.persist('{papyra:s}:meta')
  expect(await states()).toMatchObject({
    'redis.eviction': 'pass',
    'redis.persistence': 'pass',
    'redis.aof': 'pass',
    'redis.expiry': 'pass',
  })
  await direct.call('ACL', 'SETUSER', 'default', '-info', '-config')
  expect(await states()).toMatchObject({ 'redis.eviction': 'unknown', 'redis.role': 'unknown' })
  await store.close()
  direct.disconnect()
  await weak.stop()
})

test('what is isolated is told of the database that the store is in', async () => {
  const other = redisBackend({ url: `${server.url}/2`, system: 'apart' })
  const store = await begun(other)
  await store.append([event(1)])
  await client.set('cart', 'apples')
  const found: (string | undefined)[] = []
  for await (const { id, state, evidence } of store.diagnose?.() ?? []) {
    if (id === 'redis.isolation') found.push(state, evidence)
  }
  await store.close()
  expect(found).toEqual([
    'warn',
    expect.stringMatching(/^0 of \d+ keys looked at are not of Papyra; databases .*: 0$/),
  ])
})
