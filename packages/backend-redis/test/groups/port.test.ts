import type { Backend, GroupAct, GroupsPort } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { redisBackend } from '../../src/index.js'
import { ownServer } from '../support/own-server.js'
import { failure } from '../support/stores.js'
import { pendingOf, range, seqs, take, world, type World } from './kit.js'

const { server, client } = await ownServer()

const nothing = (): Promise<void> => Promise.resolve()
const mail = { kind: 'event', group: 'mail' } as const

function portOf(store: Backend): GroupsPort {
  if (store.groups === undefined) throw new Error('there is no port')
  return store.groups
}

/** Ten events: 1 to 3 are handled, 4 to 6 held by one who is gone, the others wait. */
async function stuck(): Promise<World & { readonly holder: string; readonly port: GroupsPort }> {
  const made = await world(server, 10)
  await made.group.ensure({ start: 'oldest' })
  await take(made.group, 3, { batch: 3 })
  const [held] = await take(made.group, 3, { batch: 3 }, nothing)
  return { ...made, holder: held?.consumer ?? '', port: portOf(made.store) }
}

describe('the groups of a store', () => {
  test('are told with what waits, what is pending, by whom, and since when', async () => {
    const { store, port, holder, close } = await stuck()
    const now = Date.now()
    const [found] = await port.list()
    expect(found).toMatchObject({
      ...{ ...mail, pending: 3, lastDelivered: 6, poison: 0, abandoned: false, lastClaim: null },
      consumers: [{ name: holder, pending: 3, state: 'alive' }],
      oldestPending: { consumer: holder, deliveries: 1 },
      lag: { records: 4, atLeast: false },
    })
    expect(found?.samples.at(-1)).toMatchObject({ pending: 3, lag: 4 })
    // The events of this kit are of 2024.
    expect(found?.lag.seconds).toBeCloseTo((now - 1_704_067_200_007) / 1000, -1)
    const more: number[] = []
    for await (const { seq } of port.pending(mail)) more.push(seq)
    expect(more).toEqual([4, 5, 6])
    expect(await failure(port.list({ group: 'none' }))).toMatchObject({ code: 'group_not_found' })
    const none = portOf(store).pending({ kind: 'event', group: 'none' })[Symbol.asyncIterator]()
    expect(await failure(none.next())).toMatchObject({ code: 'group_not_found' })
    await close()
  })

  test('count what waits exactly, also behind deletes, trims and a start of their own', async () => {
    const { group, store, port, close } = await stuck()
    await store.append(
      range(1, 3).map(() => ({ kind: 'audit' as const, timestamp: 1, members: '"a":1' })),
    )
    await port.apply((await port.plan({ ...mail, what: 'reset', after: 8 })).id)
    expect((await port.list(mail))[0]?.lag.records).toBe(2)
    await port.apply((await port.plan({ ...mail, what: 'reset', after: 1 })).id)
    expect((await port.list(mail))[0]?.lag.records).toBe(9)
    await store.compact({ policy: { perKind: { event: { maxRecords: 4 } } }, ignoreGroups: true })
    expect((await port.list(mail))[0]?.lag.records).toBe(4)
    expect(seqs(await take(group, 4, { consumer: 'late' }))).toEqual([7, 8, 9, 10])
    expect((await port.list(mail))[0]?.lag).toEqual({ records: 0, atLeast: false, seconds: null })
    await close()
  })

  test('keep samples of what is pending, as many as matter, and only if the store may be written', async () => {
    const { group, system, port, close } = await stuck()
    await port.list()
    await port.list()
    await group.claim({ consumer: 'heir', minIdleMs: 0 })
    const reader = await redisBackend({ url: server.url, system }).open({ access: 'read' })
    const before = await client.hgetall(`{papyra:${system}}:meta`)
    const [seen] = await portOf(reader).list()
    expect(await client.hgetall(`{papyra:${system}}:meta`)).toEqual(before)
    expect(seen?.samples.at(-1)).toMatchObject({ pending: 3, lag: 4 })
    expect(seen?.lastClaim).toMatchObject({ consumer: 'heir', claimed: 3, deleted: 0, poison: 0 })
    for (let n = 0; n < 40; n += 1) {
      await take(group, 0)
      await client.xadd(`{papyra:${system}}:events`, '*', 'a', 'b').catch(() => undefined)
      await client.xreadgroup(
        'GROUP',
        'mail',
        'x',
        'COUNT',
        1,
        'STREAMS',
        `{papyra:${system}}:events`,
        '>',
      )
      await port.list()
    }
    const [last] = await port.list()
    expect(last?.samples.length).toBe(32)
    expect(last?.samples.at(-1)?.pending).toBe(last?.pending)
    await reader.close()
    await close()
  })
})

describe('an act on a group', () => {
  const acts = (holder: string): [string, GroupAct][] => [
    ['claim', { ...mail, what: 'claim', to: 'heir', minIdleMs: 0 }],
    ['remove a consumer', { ...mail, what: 'remove_consumer', consumer: holder, to: 'heir' }],
    ['remove the group', { ...mail, what: 'remove_group' }],
    ['reset', { ...mail, what: 'reset', after: 2 }],
  ]

  test('does just what its plan said', async () => {
    for (let i = 0; i < 4; i += 1) {
      const { group, port, holder, close } = await stuck()
      const [what, act] = acts(holder)[i] as [string, GroupAct]
      const plan = await port.plan(act)
      expect(await pendingOf(group)).toEqual([4, 5, 6])
      const report = await port.apply(plan.id)
      expect(report).toMatchObject({ act, changed: true, deleted: [] })
      if (what === 'remove the group') {
        expect(plan).toMatchObject({
          pendingTotal: 3,
          skipped: 4,
          redelivered: 0,
          consumers: [holder],
        })
        expect(report).toMatchObject({ forgotten: 3, consumers: [holder] })
        expect(await port.list()).toEqual([])
      } else if (what === 'reset') {
        expect(plan).toMatchObject({ pendingTotal: 0, redelivered: 4, skipped: 0 })
        expect((await port.list())[0]).toMatchObject({ lastDelivered: 2, pending: 3 })
      } else {
        expect(plan.pending.map(({ seq }) => seq)).toEqual([4, 5, 6])
        expect(report.claimed).toBe(3)
        const [after] = await port.list()
        const held = after?.consumers.filter(({ pending }) => pending > 0).map(({ name }) => name)
        expect(held).toEqual(['heir'])
        if (what === 'remove a consumer') {
          expect(after?.consumers.map(({ name }) => name)).toEqual(['heir'])
        }
      }
      await close()
    }
  })

  test('is refused where the group went on since its plan, and then changes nothing', async () => {
    for (let i = 0; i < 4; i += 1) {
      const { group, port, holder, close } = await stuck()
      const [, act] = acts(holder)[i] as [string, GroupAct]
      const plan = await port.plan(act)
      if (act.what === 'reset' || act.what === 'remove_group') await take(group, 1, { batch: 1 })
      else await group.claim({ consumer: 'other', minIdleMs: 0 })
      const before = await port.list()
      expect(await failure(port.apply(plan.id))).toMatchObject({ code: 'stale_plan' })
      const [was, is] = [before[0], (await port.list())[0]]
      expect([is?.pending, is?.lastDelivered]).toEqual([was?.pending, was?.lastDelivered])
      await close()
    }
  })

  test('reports what is gone from the store, and that it is not pending any more', async () => {
    const { group, system, port, holder, close } = await stuck()
    await client.xdel(`{papyra:${system}}:events`, '5-0')
    const plan = await port.plan({ ...mail, what: 'remove_consumer', consumer: holder, to: 'heir' })
    expect(await port.apply(plan.id)).toMatchObject({ claimed: 2, deleted: [5] })
    expect(await pendingOf(group)).toEqual([4, 6])
    await close()
  })

  test('is no plan of another store, nor one that was mistyped, nor for a reader', async () => {
    const [a, b] = [await stuck(), await stuck()]
    const { id } = await a.port.plan({ ...mail, what: 'remove_group' })
    expect(await failure(b.port.apply(id))).toMatchObject({ code: 'stale_plan' })
    for (const bad of [id.slice(0, -1), `${id}0`, 'g1.', '', id.replace('g1', 'p1')]) {
      expect(await failure(a.port.apply(bad))).toMatchObject({ code: 'invalid_argument' })
    }
    const reader = await redisBackend({ url: server.url, system: a.system }).open({
      access: 'read',
    })
    expect(await failure(portOf(reader).apply(id))).toMatchObject({ code: 'read_only' })
    const odd = { ...mail, what: 'remove_consumer', consumer: a.holder, to: a.holder } as const
    expect(await failure(a.port.plan(odd))).toMatchObject({ code: 'invalid_argument' })
    await reader.close()
    await a.close()
    await b.close()
  })
})
