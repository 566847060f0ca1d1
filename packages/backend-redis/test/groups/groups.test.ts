import { describe, expect, test } from 'vitest'
import { openConsumerGroup, type Delivery } from '../../src/consumer-groups.js'
import { TestProxy } from '../support/proxy.js'
import { ownServer } from '../support/own-server.js'
import { failure } from '../support/stores.js'
import { pendingOf, QUICK, range, seqs, take, world } from './kit.js'

const { server, client } = await ownServer()

const nothing = (): Promise<void> => Promise.resolve()
const keyOf = (system: string, name: string): string => `{papyra:${system}}:${name}`

describe('a group', () => {
  test.each([
    ['oldest', 'oldest', range(1, 5)],
    ['newest', 'newest', [6]],
    ['behind a record', { afterSeq: 3 }, [4, 5]],
  ] as const)('begins where it is told to: %s', async (_, start, expected) => {
    const { group, append, close } = await world(server, 5)
    expect(await group.ensure({ start })).toBe('made')
    expect(await group.ensure({ start })).toBe('there')
    if (start === 'newest') await append(1)
    expect(seqs(await take(group, expected.length))).toEqual(expected)
    expect(await pendingOf(group)).toEqual([])
    const other = start === 'oldest' ? 'newest' : 'oldest'
    expect(await failure(group.ensure({ start: other }))).toMatchObject({ code: 'group_exists' })
    await close()
  })

  test('has no start of its own accord, and none of a name that is none', async () => {
    const { group, url, system, close } = await world(server, 1)
    const bad = { start: undefined } as unknown as { start: 'oldest' }
    expect(await failure(group.ensure(bad))).toMatchObject({ code: 'invalid_argument' })
    const store = { url, system }
    const odd = openConsumerGroup({ store, kind: 'event', group: 'a:b' })
    expect(await failure(odd)).toMatchObject({ code: 'invalid_argument' })
    const missing = openConsumerGroup({ store: { url, system: 'no' }, kind: 'event', group: 'a' })
    expect(await failure(missing)).toMatchObject({ code: 'store_not_found' })
    await close()
  })

  test('can be made before the first record, and the store stays sound', async () => {
    const { group, store, append, close } = await world(server, 0)
    await group.ensure({ start: 'oldest' })
    const coming = take(group, 2)
    await append(2)
    expect(seqs(await coming)).toEqual([1, 2])
    expect((await store.scan()).anomalies).toEqual([])
    await close()
  })

  test('shares the records out: each goes to one consumer, with a key of its own', async () => {
    const { group, system, close } = await world(server, 300)
    await group.ensure({ start: 'oldest' })
    const stop = new AbortController()
    const all: Delivery[] = []
    const run = async (consumer: string): Promise<void> => {
      for await (const one of group.consume({
        consumer,
        batch: 7,
        signal: stop.signal,
        blockMs: 50,
      })) {
        all.push(one)
        await one.ack()
        if (all.length === 300) stop.abort()
      }
    }
    await Promise.all(['a', 'b', 'c'].map(run))
    expect(seqs(all).sort((a, b) => a - b)).toEqual(range(1, 300))
    expect(new Set(all.map(({ key }) => key)).size).toBe(300)
    expect(all.every(({ deliveries }) => deliveries === 1)).toBe(true)
    expect(await pendingOf(group)).toEqual([])
    // Consumers that hold nothing leave no trace.
    expect(await client.xinfo('CONSUMERS', keyOf(system, 'events'), 'mail')).toEqual([])
    await close()
  })
})

describe('an acknowledgement', () => {
  test('of a consumer whose record was claimed meanwhile is refused; the claimer’s counts', async () => {
    const { group, close } = await world(server, 3)
    await group.ensure({ start: 'oldest' })
    const [held] = await take(group, 1, { batch: 1 }, nothing)
    const [again] = await take(group, 1, { ...QUICK, batch: 1 }, nothing)
    expect(again?.record.seq).toBe(held?.record.seq)
    expect(again).toMatchObject({ deliveries: 2, key: held?.key })
    expect(again?.consumer).not.toBe(held?.consumer)
    expect(await failure(held?.ack() ?? nothing())).toMatchObject({ code: 'not_owner' })
    await again?.ack()
    expect(await failure(held?.ack() ?? nothing())).toMatchObject({ code: 'not_owner' })
    expect(await pendingOf(group)).not.toContain(1)
    await close()
  })

  test('of a run under the same name does not count for the run before it', async () => {
    const { group, close } = await world(server, 1)
    await group.ensure({ start: 'oldest' })
    const [held] = await take(group, 1, {}, nothing)
    const [again] = await take(group, 1, QUICK, nothing)
    expect(again?.consumer).toMatch(/^c\.[0-9a-f]{8}$/)
    expect(await failure(held?.ack() ?? nothing())).toMatchObject({ code: 'not_owner' })
    expect(await pendingOf(group)).toEqual([1])
    await again?.ack()
    expect(await pendingOf(group)).toEqual([])
    await close()
  })
})

describe('what others left pending', () => {
  test('is claimed to its end, also where most of it is gone or too young', async () => {
    const { group, system, events, close } = await world(server, 1200)
    await group.ensure({ start: 'oldest' })
    await take(group, 1200, { batch: 400 }, nothing)
    const gone = range(1, 1200).filter((seq) => seq % 3 === 0)
    await client.xdel(keyOf(system, 'events'), ...gone.map((seq) => `${seq}-0`))
    const report = await group.claim({ consumer: 'heir', minIdleMs: 0 })
    expect(report.claimed).toEqual(range(1, 1200).filter((seq) => seq % 3 !== 0))
    expect([...report.deleted].sort((a, b) => a - b)).toEqual(gone)
    expect(report).toMatchObject({ poison: [], invalid: [] })
    const told = events.flatMap((one) => (one.what === 'deleted' ? one.seqs : []))
    expect(told.length).toBe(gone.length)
    expect((await pendingOf(group)).length).toBe(report.claimed.length)
    await close()
  })

  test('goes to the poison of the group after so many deliveries, and holds nobody up', async () => {
    const { group, system, store, close } = await world(server, 4)
    await group.ensure({ start: 'oldest' })
    const handled = new Map<number, number>()
    const stop = new AbortController()
    const options = { ...QUICK, consumer: 'c', batch: 1, maxDeliveries: 3, signal: stop.signal }
    const run = async (): Promise<void> => {
      // A run that fails at a record ends, as a process does that dies of it.
      for await (const { record, ack } of group.consume(options)) {
        handled.set(record.seq, (handled.get(record.seq) ?? 0) + 1)
        if (record.seq === 2) return
        await ack()
      }
    }
    for (let n = 0; n < 3; n += 1) await run()
    const last = run()
    while ((await client.xlen(keyOf(system, 'events:poison:mail'))) === 0 || !handled.has(4)) {
      await new Promise(setImmediate)
    }
    stop.abort()
    await last
    expect(handled.get(2)).toBe(3)
    expect([...handled.keys()].sort()).toEqual([1, 2, 3, 4])
    expect(await pendingOf(group)).toEqual([])
    const [poison] = await client.xrange(keyOf(system, 'events:poison:mail'), '-', '+')
    const fields = new Map(
      poison?.[1].flatMap((_, i, all) =>
        i % 2 === 0 ? [[all[i] ?? '', all[i + 1] ?? '']] : [],
      ) as [string, string][],
    )
    expect(fields.get('id')).toBe('2-0')
    expect(fields.get('why')).toBe('deliveries')
    expect(fields.get('deliveries')).toBe('3')
    expect([...fields.keys()].filter((name) => name.startsWith('f:'))).toHaveLength(1)
    expect(await store.groups?.list()).toMatchObject([{ group: 'mail', poison: 1, pending: 0 }])
    await close()
  })

  test.each(['new', 'claimed'])(
    'and is no sound record goes aside with the reason: %s',
    async (how) => {
      const { group, system, events, close } = await world(server, 2)
      const key = keyOf(system, 'events')
      const [[, fields] = ['', []]] = await client.xrange(key, '1-0', '1-0')
      await client.xadd(key, '3-0', fields[0] ?? '', `${fields[1] ?? ''}x`)
      await client.xadd(key, '3-5', 'who', 'knows')
      await group.ensure({ start: 'oldest' })
      // Some of them meet it among new entries, some when they claim.
      const batch = how === 'new' ? 16 : 3
      const taken = await take(group, how === 'new' ? 2 : 1, { batch }, nothing)
      const stop = new AbortController()
      const running = (async () => {
        for await (const one of group.consume({ consumer: 'd', ...QUICK, signal: stop.signal })) {
          taken.push(one)
          await one.ack()
        }
      })()
      while ((await pendingOf(group)).length > 0) await new Promise(setImmediate)
      while (events.filter(({ what }) => what === 'invalid').length < 2)
        await new Promise(setImmediate)
      stop.abort()
      await running
      expect([...new Set(seqs(taken))].sort()).toEqual([1, 2])
      expect(events.filter(({ what }) => what === 'invalid')).toMatchObject([
        { id: '3-0', why: 'corrupt_record' },
        { id: '3-5', why: 'foreign_record' },
      ])
      expect(await client.xlen(keyOf(system, 'events:poison:mail'))).toBe(2)
      expect(await pendingOf(group)).toEqual([])
      await close()
    },
  )
})

describe('a group that vanished', () => {
  test('goes on behind what was handled; what was pending is delivered again', async () => {
    const { group, system, events, append, close } = await world(server, 20)
    await group.ensure({ start: 'oldest' })
    await take(group, 10, { batch: 10 })
    await take(group, 4, { batch: 4 }, nothing)
    const stop = new AbortController()
    const seen: number[] = []
    const running = (async () => {
      for await (const { record, ack } of group.consume({
        consumer: 'd',
        ...QUICK,
        claimEveryMs: 0,
        signal: stop.signal,
      })) {
        seen.push(record.seq)
        await ack()
        if (record.seq === 20 && events.length === 0)
          await client.xgroup('DESTROY', keyOf(system, 'events'), 'mail')
        if (record.seq === 22) stop.abort()
      }
    })()
    while (!events.some(({ what }) => what === 'vanished')) await new Promise(setImmediate)
    await append(2)
    await running
    expect(events.filter(({ what }) => what === 'vanished')).toEqual([
      { what: 'vanished', after: 10 },
    ])
    expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(range(11, 22))
    expect(await pendingOf(group)).toEqual([])
    await close()
  })

  test('ends the iteration where that was asked for, and so does one that never was', async () => {
    const { group, close } = await world(server, 1)
    const consuming = take(group, 1, { onVanished: 'fail' })
    expect(await failure(consuming)).toMatchObject({ code: 'group_not_found' })
    expect(await failure(take(group, 1))).toMatchObject({ code: 'group_not_found' })
    await close()
  })

  test('with its stream is a loss of the store, and is told as one', async () => {
    const { group, system, close } = await world(server, 3)
    await group.ensure({ start: 'oldest' })
    await take(group, 1, { batch: 1 })
    await client.del(keyOf(system, 'events'))
    expect(await failure(take(group, 1))).toMatchObject({ code: 'store_replaced' })
    await close()
  })
})

test('a consumer leaves samples of what is pending, so that a trend can be seen', async () => {
  const { group, store, close } = await world(server, 6)
  await group.ensure({ start: 'oldest' })
  await take(group, 4, { batch: 4 }, nothing)
  for (const left of [3, 2]) await take(group, 1, { ...QUICK, batch: left })
  const [found] = (await store.groups?.list()) ?? []
  const seen = found?.samples.map(({ pending }) => pending) ?? []
  expect(seen.length).toBeGreaterThan(1)
  expect(found?.samples.at(-1)).toMatchObject({ pending: found?.pending, lag: found?.lag.records })
  await close()
})

describe('a link', () => {
  test('that swallows everything is noticed and made anew; nothing is missed', async () => {
    const proxy = await TestProxy.before(server.port)
    const url = `redis://127.0.0.1:${proxy.port}`
    const { group, events, append, close } = await world(server, 5, url)
    await group.ensure({ start: 'oldest' })
    const seen: number[] = []
    let acked = 0
    const stop = new AbortController()
    const running = (async () => {
      const options = {
        consumer: 'c',
        blockMs: 100,
        batch: 2,
        claimEveryMs: 0,
        signal: stop.signal,
      }
      for await (const { record, ack } of group.consume(options)) {
        seen.push(record.seq)
        await ack()
        acked += 1
        if (record.seq === 10) stop.abort()
      }
    })()
    while (acked < 5) await new Promise(setImmediate)
    // From here on nothing but the wait for records is on any link.
    proxy.plan({ direction: 'reply', after: 7, how: 'half_open' })
    while (proxy.faults === 0) await new Promise(setImmediate)
    await append(5)
    while (!events.some(({ what }) => what === 'disconnected')) await new Promise(setImmediate)
    await running
    expect(proxy.faults).toBe(1)
    expect([...new Set(seen)]).toEqual(range(1, 10))
    expect(await pendingOf(group)).toEqual([])
    await close()
    await proxy.close()
  })

  test('that is waiting for records ends at once when it is told to', async () => {
    const { group, close } = await world(server, 0)
    await group.ensure({ start: 'oldest' })
    const stop = new AbortController()
    const running = take(group, 1, { blockMs: 60_000, claimEveryMs: 0, signal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 100))
    stop.abort()
    expect(await running).toEqual([])
    const closing = take(group, 1, { blockMs: 60_000, claimEveryMs: 0 })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await group.close()
    expect(await closing).toEqual([])
    await close()
  })
})
