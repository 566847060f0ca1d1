import type { AppendFact, Backend, BackendDefinition } from '@papyra/contracts'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisBackend } from '../src/index.js'
import { TestProxy, type Fault } from './support/proxy.js'
import { random, type Random } from './support/random.js'
import { startRedis, type TestServer } from './support/redis-server.js'

/** How many faults the link has; `PAPYRA_REDIS_CUTS=500` for the long run. */
const CUTS = Number(process.env['PAPYRA_REDIS_CUTS'] ?? 30)
const HOWS = ['cut', 'cut', 'cut', 'swallow', 'half_open'] as const

let server: TestServer
let proxy: TestProxy

beforeAll(async () => {
  server = await startRedis()
  proxy = await TestProxy.before(server.port)
})

afterAll(async () => {
  await proxy.close()
  await server.stop()
})

function fact(n: number): AppendFact {
  const kind = (['event', 'audit', 'dead_letter'] as const)[n % 3] ?? 'event'
  return {
    kind,
    timestamp: 1_704_067_200_000 + n,
    members: `"n":${n},"pad":"${'x'.repeat(n % 97)}"`,
  }
}

function fault(rng: Random): Fault {
  const direction = rng.below(2) === 0 ? 'request' : 'reply'
  const after = rng.below(direction === 'request' ? 3000 : 120)
  return { direction, after, how: HOWS[rng.below(HOWS.length)] ?? 'cut' }
}

function through(
  system: string,
  more: { readonly appendTimeoutMs?: number } = {},
): BackendDefinition {
  const url = `redis://127.0.0.1:${proxy.port}`
  return redisBackend({ url, system, commandTimeoutMs: 400, ...more })
}

async function numbersOf(backend: Backend): Promise<number[]> {
  const numbers: number[] = []
  for await (const { json } of backend.read()) numbers.push((JSON.parse(json) as { n: number }).n)
  return numbers
}

test(`after ${CUTS} faults of the link at random bytes nothing is lost, doubled or out of order`, async () => {
  const rng = random()
  const definition = through('cuts')
  const writer = await definition.open({ access: 'write', create: 'if-missing' })
  await writer.begin()
  const settled: Promise<{ readonly n: number; readonly seq: number }>[] = []
  let next = 0
  while (proxy.faults < CUTS) {
    if (!proxy.pending) proxy.plan(fault(rng))
    const calls = Array.from({ length: 1 + rng.below(4) }, () => {
      const facts = Array.from({ length: 1 + rng.below(4) }, () => fact(next++))
      const n = next - facts.length
      return writer.append(facts).then(({ firstSeq }) => ({ n, seq: firstSeq }))
    })
    settled.push(...calls)
    await Promise.all(calls)
  }
  proxy.restore()
  const results = await Promise.all(settled)
  for (const { n, seq } of results) expect(seq, `record ${n}`).toBe(n + 1)
  await writer.close()
  const reader = await redisBackend({ url: server.url, system: 'cuts' }).open({ access: 'read' })
  expect(await numbersOf(reader)).toEqual(Array.from({ length: next }, (_, n) => n))
  const report = await reader.scan()
  expect(report.anomalies).toEqual([])
  expect(report.records).toBe(next)
  await reader.close()
})

test('the same faults with plain XADD and retries store records twice', async () => {
  const rng = random()
  const key = 'plain'
  const before = proxy.faults
  const client = new Redis({
    ...{ host: '127.0.0.1', port: proxy.port, commandTimeout: 400, socketTimeout: 400 },
    ...{ maxRetriesPerRequest: null, retryStrategy: () => 5, enableReadyCheck: false },
  })
  client.on('error', () => undefined)
  let n = 0
  while (proxy.faults - before < Math.max(30, CUTS)) {
    if (!proxy.pending) proxy.plan({ ...fault(rng), direction: 'reply', how: 'cut' })
    for (let done = false; !done; ) {
      done = await client.xadd(key, '*', 'n', String(n)).then(
        () => true,
        () => false,
      )
    }
    n += 1
  }
  proxy.restore()
  client.disconnect()
  const direct = new Redis(server.port, '127.0.0.1')
  const entries = await direct.xrange(key, '-', '+')
  direct.disconnect()
  const stored = entries.map(([, [, value]]) => Number(value))
  expect(new Set(stored).size).toBe(n)
  expect(stored.length).toBeGreaterThan(n)
})

test('with the server gone every append settles by its deadline: unsent ones as not stored', async () => {
  const definition = through('gone', { appendTimeoutMs: 1500 })
  const writer = await definition.open({ access: 'write', create: 'if-missing' })
  await writer.begin()
  proxy.down()
  const calls = Array.from({ length: 40 }, (_, n) => writer.append([fact(n + 1)]))
  const results = await Promise.allSettled(calls)
  const codes = results.map((one) =>
    one.status === 'rejected' ? (one.reason as { code: string }).code : 'stored',
  )
  expect(new Set(codes)).toEqual(new Set(['backend_unreachable']))
  proxy.restore()
  // It goes on by itself.
  expect(await writer.append([fact(1)])).toEqual({ firstSeq: 1, lastSeq: 1 })
  await writer.close()
})

test('an append whose fate cannot be found out by its deadline stops the writer and says which', async () => {
  const definition = through('fate', { appendTimeoutMs: 1500 })
  const writer = await definition.open({ access: 'write', create: 'if-missing' })
  await writer.begin()
  await writer.append([fact(0)])
  proxy.plan({ direction: 'reply', after: 0, how: 'half_open' })
  const first = writer.append([fact(1), fact(2)]).catch((error: unknown) => error)
  while (proxy.pending) await new Promise((resolve) => setImmediate(resolve))
  proxy.down()
  expect(await first).toMatchObject({
    code: 'writer_latched',
    details: { records: 2, numbers: { first: 2, last: 3 }, afterSeq: 1 },
  })
  proxy.restore()
  await expect(writer.append([fact(3)])).rejects.toMatchObject({ code: 'writer_latched' })
  await writer.close()
})
