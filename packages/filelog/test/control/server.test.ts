import { existsSync } from 'node:fs'
import { PapyraError } from '@papyra/contracts'
import { expect, test } from 'vitest'
import { greeted, RawClient, serving } from './support.js'

test('whoever connects is told who owns what, in which version', async () => {
  const { path } = await serving()
  expect(await new RawClient(path).next()).toEqual({
    papyra: 'control',
    version: 1,
    owner: { pid: 41, host: 'db1', since: 1000 },
    token: 'abc',
    backend: 'json',
    location: '/shop',
  })
})

test('who, metrics, flush and scan are answered under the number of their request', async () => {
  const { path, owner } = await serving()
  const client = await greeted(path)
  expect(await client.ask({ id: 7, op: 'who' })).toEqual({
    id: 7,
    result: { pid: 41, host: 'db1', since: 1000 },
  })
  expect(await client.ask({ id: 8, op: 'metrics' })).toEqual({ id: 8, result: { createdAt: 7 } })
  expect(await client.ask({ id: 9, op: 'flush' })).toEqual({ id: 9, result: null })
  expect(owner.flushes).toBe(1)
  expect(await client.ask({ id: 7, op: 'scan', options: { coverage: 'full' } })).toEqual({
    id: 7,
    result: { clean: true },
  })
})

test('while a compaction runs everything short is answered, to its own client and to others', async () => {
  const { path, owner } = await serving()
  const client = await greeted(path)
  const other = await greeted(path)
  client.send({ id: 1, op: 'compact', options: { policy: { maxRecords: 3 }, force: true } })
  const held = await owner.compaction(0)
  expect(held.options).toMatchObject({ policy: { maxRecords: 3 }, force: true, trigger: 'control' })
  expect(await client.ask({ id: 2, op: 'metrics' })).toMatchObject({ id: 2 })
  expect(await other.ask({ id: 1, op: 'who' })).toMatchObject({ id: 1, result: { pid: 41 } })
  const progress = { phase: 'copy', doneBytes: 1, totalBytes: 2, records: 1 }
  held.options.onProgress?.(progress)
  expect(await client.next()).toEqual({ id: 1, progress })
  held.finish()
  expect(await client.next()).toEqual({ id: 1, result: { changed: true } })
})

test('long operations of all clients run one at a time', async () => {
  const { path, owner } = await serving()
  const [a, b] = [await greeted(path), await greeted(path)]
  a.send({ id: 1, op: 'compact' })
  const first = await owner.compaction(0)
  b.send({ id: 1, op: 'compact' })
  expect(await b.ask({ id: 2, op: 'who' })).toMatchObject({ id: 2 })
  expect(owner.begun).toHaveLength(1)
  first.finish()
  const second = await owner.compaction(1)
  expect(await a.next()).toMatchObject({ id: 1, result: {} })
  second.finish()
  expect(await b.next()).toMatchObject({ id: 1, result: {} })
})

test('more than eight that wait are refused as busy, and those that wait are still done', async () => {
  const { path, owner } = await serving()
  const client = await greeted(path)
  client.send({ id: 1, op: 'compact' })
  const first = await owner.compaction(0)
  for (let id = 2; id <= 9; id++) client.send({ id, op: 'compact' })
  expect(await client.ask({ id: 10, op: 'compact' })).toMatchObject({
    id: 10,
    error: { code: 'store_locked' },
  })
  first.finish()
  for (let index = 1; index <= 8; index++) (await owner.compaction(index)).finish()
  for (let id = 1; id <= 9; id++) expect(await client.next()).toMatchObject({ id, result: {} })
})

test('an error keeps its code, message, hint and details', async () => {
  const { path, owner } = await serving()
  const client = await greeted(path)
  client.send({ id: 1, op: 'compact' })
  const error = new PapyraError('clock_suspect', 'Odd.', { hint: 'Look.', details: { path: '/p' } })
  ;(await owner.compaction(0)).fail(error)
  expect(await client.next()).toEqual({
    id: 1,
    error: { code: 'clock_suspect', message: 'Odd.', hint: 'Look.', details: { path: '/p' } },
  })
  client.send({ id: 2, op: 'compact' })
  ;(await owner.compaction(1)).fail(Object.assign(new Error('no room'), { code: 'ENOSPC' }))
  expect(await client.next()).toMatchObject({ id: 2, error: { code: 'io_error' } })
  client.send({ id: 3, op: 'compact' })
  ;(await owner.compaction(2)).fail('odd')
  expect(await client.next()).toMatchObject({ id: 3, error: { code: 'internal', message: 'odd' } })
})

test('cancel stops that request alone', async () => {
  const { path, owner } = await serving()
  const client = await greeted(path)
  client.send({ id: 1, op: 'compact' })
  const held = await owner.compaction(0)
  client.send({ id: 2, op: 'compact' })
  client.send({ id: 2, op: 'cancel' })
  expect(await client.next()).toMatchObject({ id: 2, error: { code: 'aborted' } })
  client.send({ id: 5, op: 'cancel' })
  client.send({ id: 1, op: 'cancel' })
  expect(await client.next()).toMatchObject({ id: 1, error: { code: 'aborted' } })
  await held.aborted
  // The one that was cancelled while it waited was never begun.
  client.send({ id: 3, op: 'compact' })
  ;(await owner.compaction(1)).finish()
  expect(await client.next()).toMatchObject({ id: 3, result: {} })
  expect(owner.begun).toHaveLength(2)
})

test.each(['destroy', 'end'] as const)(
  'a client that goes (%s) stops its compaction',
  async (how) => {
    const { path, owner } = await serving()
    const client = await greeted(path)
    client.send({ id: 1, op: 'compact' })
    const held = await owner.compaction(0)
    client.socket[how]()
    await held.aborted
  },
)

test('who says all and closes its side still gets the answers that come at once', async () => {
  const { path } = await serving()
  const client = await greeted(path)
  client.socket.end('{"id":1,"op":"metrics"}\n')
  expect(await client.next()).toEqual({ id: 1, result: { createdAt: 7 } })
  expect(await client.next()).toBeNull()
})

const GARBAGE: readonly (readonly [string, number | null])[] = [
  ['hello', null],
  ['[1]', null],
  ['null', null],
  ['"who"', null],
  ['{"op":"who"}', null],
  ['{"id":"1","op":"who"}', null],
  ['{"id":1.5,"op":"who"}', null],
  ['{"id":1}', 1],
  ['{"id":1,"op":"__proto__"}', 1],
  ['{"id":1,"op":"recover"}', 1],
  ['{"id":1,"op":"who","options":[]}', 1],
  ['{"id":1,"op":"compact","options":{"policy":5}}', 1],
  ['{"id":1,"op":"compact","options":{"trigger":"schedule"}}', 1],
  ['{"id":1,"op":"compact","options":{"__proto__":true}}', 1],
  ['{"id":1,"op":"scan","options":{"maxAnomalies":-1}}', 1],
  ['{"id":1,"op":"scan","options":{"bytesPerSecond":0}}', 1],
]

test.each(GARBAGE)(
  '%s is answered as invalid_argument, and the next request as always',
  async (line, id) => {
    const { path, owner } = await serving()
    const client = await greeted(path)
    expect(await client.ask(line)).toMatchObject({ id, error: { code: 'invalid_argument' } })
    expect(await client.ask({ id: 2, op: 'who' })).toMatchObject({ id: 2, result: { pid: 41 } })
    expect(owner.begun).toHaveLength(0)
  },
)

test('a number that is in use is refused; the one before it goes on', async () => {
  const { path, owner } = await serving()
  const client = await greeted(path)
  client.send({ id: 1, op: 'compact' })
  const held = await owner.compaction(0)
  const again = await client.ask({ id: 1, op: 'who' })
  expect(again).toMatchObject({ id: 1, error: { code: 'invalid_argument' } })
  held.finish()
  expect(await client.next()).toMatchObject({ id: 1, result: {} })
})

test('who sends garbage without end is dropped; others are not', async () => {
  const { path } = await serving()
  const [client, other] = [await greeted(path), await greeted(path)]
  for (let round = 0; round < 21; round++) client.send('?')
  for (let round = 0; round < 22; round++) {
    expect(await client.next()).toMatchObject({ id: null, error: { code: 'invalid_argument' } })
  }
  expect(await client.next()).toBeNull()
  expect(await other.ask({ id: 2, op: 'who' })).toMatchObject({ result: { pid: 41 } })
})

test('a line longer than a mebibyte is refused and the client dropped; one of a mebibyte is read', async () => {
  const { path } = await serving()
  const [client, other] = [await greeted(path), await greeted(path)]
  const start = '{"id":1,"op":"who","x":"'
  const most = 1024 * 1024 - start.length - 2
  expect(await client.ask(`${start}${'a'.repeat(most)}"}`)).toMatchObject({ id: 1, result: {} })
  client.socket.write('b'.repeat(1024 * 1024 + 1))
  expect(await client.next()).toMatchObject({ id: null, error: { code: 'invalid_argument' } })
  expect(await client.next()).toBeNull()
  expect(await other.ask({ id: 2, op: 'who' })).toMatchObject({ result: { pid: 41 } })
})

test('who asks and never reads is not listened to any more; others are answered', async () => {
  const { path, owner } = await serving()
  const client = await greeted(path)
  client.socket.pause()
  const other = await greeted(path)
  // More answers than any buffer between the two holds.
  const requests = 60_000
  for (let id = 1; id <= requests; id++) client.send({ id, op: 'flush' })
  for (let round = 0; round < 200; round++) await other.ask({ id: 1, op: 'who' })
  expect(client.socket.writableLength).toBeGreaterThan(0)
  expect(owner.flushes).toBeLessThan(requests)
  client.socket.destroy()
  expect(await other.ask({ id: 2, op: 'who' })).toMatchObject({ id: 2 })
})

test('the owner that closes stops what runs for others, says so, and takes nobody any more', async () => {
  const { path, server, owner, listening } = await serving()
  const [busy, idle] = [await greeted(path), await greeted(path)]
  busy.send({ id: 1, op: 'compact' })
  const held = await owner.compaction(0)
  busy.send({ id: 2, op: 'compact' })
  await busy.ask({ id: 3, op: 'who' })
  listening.close()
  server.close()
  await held.aborted
  const told = [await busy.next(), await busy.next()]
  expect(told.map((line) => line?.['id']).sort()).toEqual([1, 2])
  for (const line of told) expect(line).toMatchObject({ error: { code: 'backend_unreachable' } })
  expect(await busy.next()).toBeNull()
  expect(await idle.next()).toBeNull()
  expect(existsSync(path)).toBe(false)
})
