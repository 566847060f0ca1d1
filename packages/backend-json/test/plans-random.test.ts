import {
  manualClock,
  type AppendFact,
  type Backend,
  type RecordMeta,
  type RetentionPolicy,
} from '@papyra/contracts'
import { createLogStore } from '@papyra/filelog'
import { Random, memVfs } from '@papyra/filelog/testing'
import { planRetention, verdict } from '@papyra/retention'
import { describe, expect, it } from 'vitest'
import { jsonBackend } from '../src/index.js'

const KINDS = ['event', 'event', 'audit', 'dead_letter'] as const

function randomFacts(random: Random, now: number, count: number): AppendFact[] {
  const members = '"system_id":"shop","actor_address":null,"event_type":"t","payload":{}'
  return Array.from({ length: count }, () => {
    const odd = random.below(12) === 0
    const timestamp = odd ? random.pick([0, 12_345, now + 61_000]) : now - random.below(20) * 1000
    return { kind: random.pick(KINDS), timestamp, members }
  })
}

function randomLimits(random: Random): RetentionPolicy {
  return {
    ...(random.below(3) === 0 && { maxAgeSeconds: 1 + random.below(30) }),
    ...(random.below(3) === 0 && { maxRecords: 1 + random.below(30) }),
    ...(random.below(4) === 0 && { maxTotalBytes: 200 + random.below(4000) }),
  }
}

describe('any log under any policy', () => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))(
    'loses just what the plan says, with appends in between (seed %i)',
    async (seed) => {
      const random = new Random(seed)
      const [vfs, clock] = [memVfs(), manualClock()]
      await vfs.mkdir('/data')
      const path = '/data/shop.ndjson'
      // Mostly of many blocks, of which a plan knows only what their marks say.
      const blockBytes = random.pick([500, 1500, 4_194_304])
      await createLogStore(vfs, path, { clock, blockBytes })
      const reopened = async (): Promise<Backend> => {
        const opened = await jsonBackend({ path, vfs, clock }).open({
          access: 'write',
          waitLockMs: 0,
        })
        await opened.begin()
        return opened
      }
      let store = await reopened()
      const now = clock.now()
      const seqs = async (): Promise<number[]> => {
        const all: number[] = []
        for await (const { seq } of store.read()) all.push(seq)
        return all
      }
      for (let n = 0; n < 8; n++) await store.append(randomFacts(random, now, 1 + random.below(6)))
      for (let round = 0; round < 3; round++) {
        const policy = { ...randomLimits(random), perKind: { event: randomLimits(random) } }
        const metas: RecordMeta[] = []
        for await (const meta of store.readMeta()) metas.push(meta)
        async function* newestFirst(): AsyncGenerator<RecordMeta> {
          yield* metas
        }
        const expected = await planRetention(newestFirst, policy, { now })
        const told = await store.compact({ policy, dryRun: true, force: true })
        await store.append(randomFacts(random, now, random.below(8) + 1))
        const before = await seqs()
        const done = await store.compact({ plan: told.plan?.id ?? '', force: true })
        expect([told.dropped, done.dropped]).toEqual([expected.dropped, expected.dropped])
        const gone = new Set(
          metas.filter((meta) => verdict(expected, meta) !== null).map(({ seq }) => seq),
        )
        expect(await seqs()).toEqual(before.filter((seq) => !gone.has(seq)))
        const { recordsStored } = (await store.describe()).metrics.totals
        expect(recordsStored).toBe(before.length - gone.size)
        // Of the block that was open then a mark does not know all.
        await store.close()
        store = await reopened()
        const next = { ...randomLimits(random), perKind: { audit: randomLimits(random) } }
        const foretold = await store.compact({ policy: next, dryRun: true, force: true })
        const { bytes, records, dropped } = await store.compact({ policy: next, force: true })
        expect({ bytes, records, dropped }).toEqual({
          bytes: foretold.bytes,
          records: foretold.records,
          dropped: foretold.dropped,
        })
        await store.append(randomFacts(random, now, 12))
      }
      expect((await store.scan()).anomalies).toEqual([])
      await store.close()
    },
  )
})
