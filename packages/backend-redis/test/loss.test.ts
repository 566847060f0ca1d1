import { copyFile, readdir, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend } from '@papyra/contracts'
import { redisBackend } from '../src/index.js'
import { startRedis, type TestServer } from './support/redis-server.js'
import { begun, event, failure, seqsOf } from './support/stores.js'

const TAG = '{papyra:shop}'

let server: TestServer
let admin: Redis
let writer: Backend

beforeEach(async () => {
  server = await startRedis()
  admin = new Redis(server.port, '127.0.0.1')
  admin.on('error', () => undefined)
  writer = await begun(redisBackend({ url: server.url, system: 'shop' }))
})

afterEach(async () => {
  await writer.close()
  admin.disconnect()
  await server.stop()
})

async function fill(count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await writer.append([event(n)])
}

async function scanned(): Promise<Awaited<ReturnType<Backend['scan']>>> {
  const reader = await redisBackend({ url: server.url, system: 'shop' }).open({ access: 'read' })
  try {
    return await reader.scan()
  } finally {
    await reader.close()
  }
}

/** The writer has stopped: this append and every later one is refused with the same error. */
async function stopped(details: object): Promise<void> {
  const error = await failure(writer.append([event(99)]))
  expect(error).toMatchObject({ code: 'store_replaced', details })
  expect(await failure(writer.append([event(100)]))).toBe(error)
}

/** Recovers, and appends again. */
async function acceptLoss(): Promise<Awaited<ReturnType<Backend['recover']>>> {
  await writer.close()
  const again = await redisBackend({ url: server.url, system: 'shop' }).open({ access: 'write' })
  expect(await failure(again.begin())).toMatchObject({ code: 'anomalies_found' })
  expect(await failure(again.recover({ mode: 'repair' }))).toMatchObject({
    code: 'accept_loss_required',
  })
  const report = await again.recover({ mode: 'repair', acceptLoss: true })
  expect(report.after?.clean).toBe(true)
  await again.begin()
  const { totals, byCode } = (await again.describe()).metrics
  const found = Object.values(byCode?.anomalies ?? {})
  expect(found.length).toBeGreaterThan(0)
  expect(found.reduce((sum, count) => sum + count, 0)).toBe(totals.anomaliesDetected)
  writer = again
  return report
}

test('FLUSHALL stops the writer, which names what it had been acknowledged', async () => {
  await fill(5)
  await admin.flushall()
  await stopped({ reason: 'replaced', afterSeq: 0, lastSeq: 5 })
  expect(await admin.dbsize()).toBe(0)
  expect(await failure(scanned())).toMatchObject({ code: 'store_not_found' })
})

test('another store under the same name stops the writer', async () => {
  await fill(2)
  await admin.flushall()
  const other = await begun(redisBackend({ url: server.url, system: 'shop' }))
  await stopped({ reason: 'replaced' })
  expect(await failure(writer.describe())).toMatchObject({ code: 'store_replaced' })
  await other.append([event(1)])
  await other.close()
})

test('a deleted stream stops the writer; a scan tells its range, and recovery records it', async () => {
  await fill(5)
  await admin.del(`${TAG}:events`)
  await stopped({ reason: 'length', records: 5 })
  const report = await scanned()
  expect(report.anomalies).toMatchObject([
    {
      code: 'stream_missing',
      path: `${TAG}:events`,
      seq: { first: 1, last: 5 },
      records: 5,
      loss: true,
    },
  ])
  const { losses } = await acceptLoss()
  expect(losses).toMatchObject([{ seq: { first: 1, last: 5 }, records: 5, code: 'stream_missing' }])
  expect(await writer.append([event(6)])).toEqual({ firstSeq: 6, lastSeq: 6 })
})

test('an old snapshot stops the writer; the range is noted for every later scan', async () => {
  await fill(3)
  await admin.save()
  await copyFile(join(server.dir, 'dump.rdb'), join(server.dir, 'old.rdb'))
  await fill(4)
  await server.kill9()
  await rm(join(server.dir, 'dump.rdb'))
  await copyFile(join(server.dir, 'old.rdb'), join(server.dir, 'dump.rdb'))
  await server.start()
  await stopped({ reason: 'rolled_back', firstSeq: 4, lastSeq: 7 })
  const report = await scanned()
  expect(report.anomalies).toMatchObject([
    { code: 'rolled_back', seq: { first: 4, last: 7 }, records: 4, loss: true },
  ])
  const { losses } = await acceptLoss()
  expect(losses).toMatchObject([{ seq: { first: 4, last: 7 }, records: 4, code: 'rolled_back' }])
  // The numbers that are lost are never given again.
  expect(await writer.append([event(8)])).toEqual({ firstSeq: 8, lastSeq: 8 })
  expect(await seqsOf(writer)).toEqual([1, 2, 3, 8])
})

test('an append-only file that was cut, which Redis loads without a word, stops the writer', async () => {
  const cut = await startRedis(['appendonly yes', 'appendfsync always', 'aof-load-truncated yes'])
  const definition = redisBackend({ url: cut.url, system: 'shop' })
  const owner = await begun(definition)
  for (let n = 1; n <= 5; n += 1) await owner.append([event(n)])
  await cut.kill9()
  const folder = join(cut.dir, 'appendonlydir')
  const name = (await readdir(folder)).find((file) => file.endsWith('.incr.aof')) ?? ''
  const path = join(folder, name)
  await truncate(path, (await stat(path)).size - 7)
  await cut.start()
  const error = await failure(owner.append([event(6)]))
  expect(error).toMatchObject({
    code: 'store_replaced',
    details: { reason: 'rolled_back', firstSeq: 5, lastSeq: 5 },
  })
  await owner.close()
  const again = await definition.open({ access: 'write' })
  await again.recover({ mode: 'repair', acceptLoss: true })
  await again.begin()
  expect(await seqsOf(again)).toEqual([1, 2, 3, 4])
  expect((await again.append([event(6)])).firstSeq).toBeGreaterThan(5)
  await again.close()
  await cut.stop()
})

test('a snapshot from before the first append of the writer stops it too', async () => {
  await admin.save()
  await fill(3)
  await server.kill9()
  await server.start()
  await stopped({ reason: 'rolled_back', firstSeq: 1, lastSeq: 3 })
})

test('a writer from before a recovery that accepted a loss is refused', async () => {
  await fill(3)
  const other = await begun(redisBackend({ url: server.url, system: 'shop' }))
  await other.append([event(4)])
  await admin.xdel(`${TAG}:events`, '2-0')
  await acceptLoss()
  expect(await failure(other.append([event(5)]))).toMatchObject({
    code: 'store_replaced',
    details: { reason: 'recovered' },
  })
  expect(await writer.append([event(5)])).toEqual({ firstSeq: 5, lastSeq: 5 })
  await other.close()
})

test('a hole from outside stops the writer and is told with its number', async () => {
  await fill(6)
  await admin.xdel(`${TAG}:events`, '3-0', '4-0')
  await stopped({ reason: 'length', records: 2 })
  expect((await scanned()).anomalies).toMatchObject([
    { code: 'sequence_gap', seq: { first: 3, last: 4 }, records: 2, loss: true },
  ])
})

test.each([
  ['MAXLEN', '2', 4],
  ['MINID', '4-0', 3],
  ['MAXLEN', '0', 6],
] as const)(
  'XTRIM %s %s from outside stops the writer unless it is allowed',
  async (how, to, gone) => {
    await fill(6)
    await admin.call('XTRIM', `${TAG}:events`, how, to)
    await stopped({ reason: 'length', records: gone })
    expect((await scanned()).anomalies).toMatchObject([
      { code: 'external_trim', seq: { first: 1, last: gone }, records: gone, loss: true },
    ])
  },
)

test.each([
  ['MAXLEN', '2', 4],
  ['MINID', '4-0', 3],
  ['MAXLEN', '0', 6],
] as const)(
  'XTRIM %s %s from outside is counted and told where it is allowed',
  async (how, to, gone) => {
    await fill(6)
    await writer.close()
    const definition = redisBackend({ url: server.url, system: 'shop', externalTrim: 'allow' })
    writer = await begun(definition)
    await admin.call('XTRIM', `${TAG}:events`, how, to)
    const before = await writer.scan()
    expect(before).toMatchObject({ clean: true, records: 6 - gone })
    expect(before.notices).toMatchObject([{ code: 'trimmed_outside', count: gone }])
    expect(await writer.append([event(7)])).toEqual({ firstSeq: 7, lastSeq: 7 })
    const after = await writer.scan()
    expect(after).toMatchObject({ clean: true, records: 7 - gone })
    expect(after.notices).toMatchObject([{ code: 'trimmed_outside', count: gone }])
    const { metrics } = await writer.describe()
    expect(metrics.totals.recordsStored).toBe(7 - gone)
    expect(metrics.totals.bytesStored).toBe(after.bytes)
  },
)

test('a hole behind a trim is a loss also where trims are allowed', async () => {
  await fill(6)
  await writer.close()
  writer = await begun(redisBackend({ url: server.url, system: 'shop', externalTrim: 'allow' }))
  await admin.call('XTRIM', `${TAG}:events`, 'MINID', '3-0')
  await admin.xdel(`${TAG}:events`, '5-0')
  await stopped({ reason: 'length' })
  const report = await writer.scan()
  expect(report.anomalies).toMatchObject([{ code: 'sequence_gap', seq: { first: 5, last: 5 } }])
})

test('evicted keys are noticed', async () => {
  await fill(3)
  await admin.config('SET', 'maxmemory-policy', 'allkeys-random')
  await admin.config('SET', 'maxmemory', '1')
  while ((await admin.dbsize()) > 0) await admin.get('x').catch(() => undefined)
  await admin.config('SET', 'maxmemory', '0')
  await stopped({ reason: 'replaced' })
})

test('an entry with a higher number from outside stops the writer; recovery makes room again', async () => {
  await fill(3)
  await admin.xadd(`${TAG}:events`, '*', 'hello', 'world')
  await stopped({ reason: 'length' })
  await writer.close()
  const again = await redisBackend({ url: server.url, system: 'shop' }).open({ access: 'write' })
  const report = await again.recover({ mode: 'repair' })
  expect(report.before.anomalies).toMatchObject([{ code: 'foreign_record', loss: false }])
  expect(report.keptAside).toEqual([`${TAG}:aside`])
  const aside = await admin.xrange(`${TAG}:aside`, '-', '+')
  expect(aside.map(([, fields]) => fields.slice(4))).toEqual([
    ['why', 'foreign_record', 'f:hello', 'world'],
  ])
  await again.begin()
  expect(await again.append([event(4)])).toEqual({ firstSeq: 4, lastSeq: 4 })
  writer = again
})
