import { expect, test } from 'vitest'
import { redisBackend } from '../../src/index.js'
import { ownServer } from '../support/own-server.js'
import { pendingOf, QUICK, range, seqs, take, world } from './kit.js'

const { server, client } = await ownServer()

/** Recovers as an operator does, and opens the store anew. */
async function recovered(system: string): Promise<void> {
  const store = await redisBackend({ url: server.url, system }).open({ access: 'write' })
  const { after } = await store.recover({ mode: 'repair', acceptLoss: true })
  expect(after?.clean).toBe(true)
  await store.close()
}

test('a stream that recovery copies keeps its groups: where they are, and what is pending for whom', async () => {
  const { system, store, group, close } = await world(server, 10)
  const key = `{papyra:${system}}:events`
  await group.ensure({ start: 'oldest' })
  await take(group, 6, { batch: 6 }, async ({ record, ack }) => {
    if (record.seq <= 4) await ack()
  })
  // Another group has been given the entry of a stranger, whose number is above all of ours.
  await client.xadd(key, '*', 'hello', 'world')
  await client.xgroup('CREATE', key, 'other', '$')
  const before = await client.xpending(key, 'mail', '-', '+', 10)
  await recovered(system)
  const after = await client.xpending(key, 'mail', '-', '+', 10)
  const facts = (rows: unknown[]): unknown[] =>
    (rows as unknown[][]).map(([id, consumer, , deliveries]) => [id, consumer, deliveries])
  expect(facts(after)).toEqual(facts(before))
  expect(facts(after)).toMatchObject([
    ['5-0', expect.any(String), 1],
    ['6-0', expect.any(String), 1],
  ])
  const again = await redisBackend({ url: server.url, system }).open({ access: 'write' })
  await again.begin()
  await again.append([
    { kind: 'event', timestamp: 1, members: '"event_type":"t","payload":{"n":11}' },
  ])
  const rest = await take(group, 7, QUICK)
  expect(seqs(rest).toSorted((a, b) => a - b)).toEqual(range(5, 11))
  expect(await pendingOf(group)).toEqual([])
  const other = (await client.xreadgroup(
    ...(['GROUP', 'other', 'c', 'COUNT', 10, 'STREAMS', key, '>'] as const),
  )) as [string, [string, string[]][]][]
  expect(other[0]?.[1].map(([id]) => id)).toEqual(['11-0'])
  await again.close()
  await close()
  await store.close()
})

test('the groups of a stream that was deleted are made again behind what they had handled', async () => {
  const { system, group, events, close } = await world(server, 5)
  const key = `{papyra:${system}}:events`
  await group.ensure({ start: 'oldest' })
  await take(group, 3, { batch: 3 })
  await client.del(key)
  await recovered(system)
  expect(await client.xinfo('GROUPS', key)).toMatchObject([
    expect.arrayContaining(['mail', 'last-delivered-id', '3-0']),
  ])
  const again = await redisBackend({ url: server.url, system }).open({ access: 'write' })
  await again.begin()
  const { firstSeq } = await again.append([
    { kind: 'event', timestamp: 1, members: '"event_type":"t","payload":{"n":6}' },
  ])
  expect(firstSeq).toBe(6)
  expect(seqs(await take(group, 1, QUICK))).toEqual([6])
  expect(events).toEqual([])
  expect((await again.scan()).clean).toBe(true)
  await again.close()
  await close()
})
