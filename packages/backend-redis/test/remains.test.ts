import { expect, test } from 'vitest'
import { openConsumerGroup } from '../src/consumer-groups.js'
import { redisBackend } from '../src/index.js'
import { take } from './groups/kit.js'
import { ownServer } from './support/own-server.js'
import { begun, event, failure, seqsOf } from './support/stores.js'

const { server, client: admin } = await ownServer()

test('a deleted `:meta` is rebuilt from the streams, with consent, and old writers are refused', async () => {
  const tag = '{papyra:lost}'
  const options = { url: server.url, system: 'lost' }
  const definition = redisBackend(options)
  const writer = await begun(definition)
  await writer.append([1, 2, 3, 4, 5, 6].map((n) => event(n)))
  await writer.append([{ ...event(7), kind: 'audit' }, event(8), event(9)])
  const mail = { store: options, kind: 'event', group: 'mail' } as const
  const group = await openConsumerGroup(mail)
  await group.ensure({ start: 'oldest' })
  await take(group, 4, { batch: 4 })
  await writer.compact({ policy: { perKind: { event: { maxRecords: 6 } } } })
  const before = await seqsOf(writer)
  expect(before).toEqual([3, 4, 5, 6, 7, 8, 9])
  // The newest record goes too: its number is never given again.
  await admin.xdel(`${tag}:events`, '9-0')
  await admin.del(`${tag}:meta`)
  const stopped = await failure(writer.append([event(10)]))
  expect(stopped).toMatchObject({ code: 'store_replaced' })
  const open = definition.open({ access: 'write', create: 'if-missing' })
  expect(await failure(open)).toMatchObject({ code: 'backend_key_conflict' })
  expect(await failure(definition.open({ access: 'read' }))).toMatchObject({
    code: 'store_not_found',
  })

  const again = await definition.open({ access: 'write' })
  expect(await failure(again.begin())).toMatchObject({ code: 'anomalies_found' })
  expect(await failure(again.recover({ mode: 'repair' }))).toMatchObject({
    code: 'accept_loss_required',
  })
  const { plan } = await again.recover({ mode: 'repair', acceptLoss: true, dryRun: true })
  expect(await admin.exists(`${tag}:meta`)).toBe(0)
  await again.close()

  // Whoever opens it next carries the plan out: it has no id yet by which the two could differ.
  const third = await definition.open({ access: 'write' })
  const planned = { mode: 'repair', acceptLoss: true, plan: plan?.id ?? '' } as const
  const report = await third.recover(planned)
  expect(report.after?.clean).toBe(true)
  expect(report.losses).toMatchObject([
    { code: 'external_trim', records: 2, seq: { first: 1, last: 2 } },
    { code: 'sidecar_missing', records: 1, seq: { first: 9, last: 9 } },
  ])
  expect(await admin.hget(`${tag}:meta`, 'group:event:mail:done')).toBe('4')
  await third.begin()
  expect(await third.append([event(10)])).toEqual({ firstSeq: 10, lastSeq: 10 })
  expect(await seqsOf(third)).toEqual([3, 4, 5, 6, 7, 8, 10])
  expect(await failure(writer.append([event(11)]))).toBe(stopped)
  await writer.close()
  await group.close()

  const anew = await openConsumerGroup(mail)
  expect(await anew.ensure({ start: 'oldest' })).toBe('there')
  expect((await take(anew, 4)).map(({ record }) => record.seq)).toEqual([5, 6, 8, 10])
  await anew.close()
  const reader = await definition.open({ access: 'read' })
  expect((await reader.scan()).clean).toBe(true)
  await reader.close()
  await third.close()
})

test('streams of which no entry is one of a store are no remains', async () => {
  await admin.xadd('{papyra:alien}:events', '*', 'hello', 'world')
  const definition = redisBackend({ url: server.url, system: 'alien' })
  expect(await failure(definition.open({ access: 'write' }))).toMatchObject({
    code: 'store_not_found',
  })
})
