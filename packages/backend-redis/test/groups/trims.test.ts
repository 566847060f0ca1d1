import type { Backend, CompactionReport } from '@papyra/contracts'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { redisBackend } from '../../src/index.js'
import { ownServer } from '../support/own-server.js'
import { begun, failure, seqsOf } from '../support/stores.js'
import { range, seqs, take, world, type World } from './kit.js'

const { server, client } = await ownServer()

const nothing = (): Promise<void> => Promise.resolve()
const policy = { maxRecords: 2 } as const

/** 20 events: a group has handled 1 to 5, holds 6 to 8, and has not seen the others. */
async function handledFive(): Promise<World> {
  const made = await world(server, 20)
  await made.group.ensure({ start: 'oldest' })
  await take(made.group, 5, { batch: 5 })
  await take(made.group, 3, { batch: 3 }, nothing)
  return made
}

const held = ({ notices }: CompactionReport) =>
  notices.map(({ code, count, detail }) => ({ code, count, mail: detail.includes('mail') }))

async function sound(store: Backend, expected: readonly number[]): Promise<void> {
  expect(await seqsOf(store)).toEqual(expected)
  const { anomalies, records } = await store.scan()
  expect(anomalies).toEqual([])
  expect(records).toBe(expected.length)
}

describe('a compaction', () => {
  test('leaves what a group has not handled, names the group, and takes the rest when it went on', async () => {
    const { group, store, close } = await handledFive()
    const dry = await store.compact({ policy, dryRun: true })
    const done = await store.compact({ policy })
    for (const report of [dry, done]) {
      expect(report.records).toEqual({ before: 20, after: 15 })
      expect(report.dropped).toMatchObject([{ records: 5, seq: { first: 1, last: 5 } }])
      expect(held(report)).toEqual([{ code: 'held_by_group', count: 13, mail: true }])
    }
    expect(done.bytes).toEqual(dry.bytes)
    await sound(store, range(6, 20))
    await group.claim({ consumer: 'heir', minIdleMs: 0 })
    await take(group, 15, { minIdleMs: 0 })
    expect((await store.compact({ policy })).records.after).toBe(2)
    await sound(store, [19, 20])
    await close()
  })

  test('keeps what a group that vanished has not handled, until it is removed', async () => {
    const { store, system, close } = await handledFive()
    await client.xgroup('DESTROY', `{papyra:${system}}:events`, 'mail')
    const report = await store.compact({ policy })
    expect(report.records.after).toBe(15)
    expect(held(report)).toEqual([{ code: 'held_by_group', count: 13, mail: true }])
    const [found] = (await store.groups?.list()) ?? []
    expect(found).toMatchObject({ vanished: true, abandoned: true, lastDelivered: 5 })
    expect(found?.lag.records).toBe(15)
    const plan = await store.groups?.plan({ kind: 'event', group: 'mail', what: 'remove_group' })
    expect(plan?.skipped).toBe(15)
    await store.groups?.apply(plan?.id ?? '')
    expect(await store.groups?.list()).toEqual([])
    expect((await store.compact({ policy })).records.after).toBe(2)
    await sound(store, [19, 20])
    await close()
  })

  test('takes it if it is told to, and counts what the group will never see', async () => {
    const { store, group, events, close } = await handledFive()
    const report = await store.compact({ policy, ignoreGroups: true })
    expect(held(report)).toEqual([{ code: 'unhandled_removed', count: 13, mail: true }])
    await sound(store, [19, 20])
    expect(seqs(await take(group, 2, { minIdleMs: 0 }))).toEqual([19, 20])
    const deleted = events.flatMap((one) => (one.what === 'deleted' ? one.seqs : []))
    expect(deleted).toEqual([6, 7, 8])
    await close()
  })

  test('by a plan takes no more than it said, though the group went on', async () => {
    const { store, group, close } = await handledFive()
    const { plan } = await store.compact({ policy, dryRun: true })
    await group.claim({ consumer: 'heir', minIdleMs: 0 })
    await take(group, 15, { minIdleMs: 0 })
    const report = await store.compact({ plan: plan?.id ?? '' })
    expect(report.records.after).toBe(15)
    await sound(store, range(6, 20))
    await close()
  })

  test('by a plan takes less, and says so, where a group came since', async () => {
    const { store, system, close } = await world(server, 20)
    const { plan } = await store.compact({ policy, dryRun: true })
    await client.xgroup('CREATE', `{papyra:${system}}:events`, 'late', '4-0')
    const report = await store.compact({ plan: plan?.id ?? '' })
    expect(report.dropped).toMatchObject([{ records: 4 }])
    expect(report.notices).toMatchObject([{ code: 'held_by_group', count: 14 }])
    await sound(store, range(5, 20))
    await close()
  })

  // Whoever looks first and trims then trims what a group was made for in between.
  test('holds for a group that is made between its look and its step', async () => {
    const { store, system, close } = await world(server, 20)
    const key = `{papyra:${system}}:events`
    const other = await begun(redisBackend({ client: meddling(key), system }))
    const report = await other.compact({ policy })
    expect(await client.xinfo('GROUPS', key)).toHaveLength(1)
    expect(report.records).toEqual({ before: 20, after: 20 })
    expect(report.notices).toMatchObject([{ code: 'approximate_rest', count: 18 }])
    await sound(store, range(1, 20))
    await other.close()
    await close()
  })

  test('that is approximate takes whole beginnings only, and says what it left', async () => {
    const { store, close } = await world(server, 20)
    const members = '"system_id":"s","actor_address":null,"event_type":"t","payload":{}'
    const old = { kind: 'event', timestamp: 1_000_000_000_000, members } as const
    await store.append([old, old])
    const age = { maxAgeSeconds: Math.ceil(Date.now() / 1000) - 1_704_067_000 }
    await store.compact({ policy: age, approximate: true })
    const report = await store.compact({ policy: { ...age, maxRecords: 10 }, approximate: true })
    expect(report.notices).toMatchObject([{ code: 'approximate_rest', count: 2 }])
    await sound(store, range(11, 22))
    const planned = store.compact({ policy, approximate: true, dryRun: true })
    expect(await failure(planned)).toMatchObject({ code: 'invalid_argument' })
    expect((await store.compact({ policy: age })).records.after).toBe(10)
    await sound(store, range(11, 20))
    await close()
  })
})

/** A client whose connections make a group right before a step of maintenance. */
function meddling(key: string) {
  const real = new Redis(server.port, '127.0.0.1', { lazyConnect: true })
  return {
    options: { host: '127.0.0.1', port: server.port },
    duplicate(override: Readonly<Record<string, unknown>>) {
      const inner = real.duplicate(override)
      const call = inner.callBuffer.bind(inner) as (...all: unknown[]) => Promise<unknown>
      inner.callBuffer = (async (...all: unknown[]) => {
        if (all.some((one) => one === 'trim') && all.some((one) => one === 'require')) {
          await client.xgroup('CREATE', key, 'late', '0').catch(() => undefined)
        }
        return call(...all)
      }) as typeof inner.callBuffer
      return inner
    },
  }
}
