import { manualClock, type RecordMeta, type RetentionPolicy } from '@papyra/contracts'
import { createSegmentStore } from '@papyra/filelog'
import { memVfs } from '@papyra/filelog/testing'
import { planRetention, verdict } from '@papyra/retention'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rotationBackend } from '../src/index.js'
import { DIR, fact } from './compaction-kit.js'

const NOW = 1_760_000_000_000
const KINDS = ['event', 'audit', 'dead_letter'] as const

const records = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS, 'event', 'event'),
    // Mostly in order; some times are no times of records, some are ahead of the clock.
    ago: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, fc.constantFrom(0, NOW, -3_600_000)),
  }),
  { minLength: 1, maxLength: 60 },
)
const limits = fc.record(
  {
    maxRecords: fc.integer({ min: 1, max: 50 }),
    maxAgeSeconds: fc.integer({ min: 1, max: 70 }),
    maxTotalBytes: fc.integer({ min: 300, max: 8000 }),
  },
  { requiredKeys: [] },
)
const policies = fc
  .record({ wide: limits, event: limits, audit: limits })
  .map(({ wide, event, audit }): RetentionPolicy => ({ ...wide, perKind: { event, audit } }))

// Nothing but marks tells what most blocks hold, so what is decided by them has to be just what is
// decided by looking at each record.
it('removes by the marks of blocks what it would remove record by record', async () => {
  await fc.assert(
    fc.asyncProperty(records, policies, fc.constantFrom(300, 900), async (all, policy, blocks) => {
      const [vfs, clock] = [memVfs(), manualClock(NOW - all.length * 1000)]
      await createSegmentStore(vfs, DIR, { clock, blockBytes: blocks })
      const open = () =>
        rotationBackend({ dir: DIR, vfs, clock, segment: { maxRecords: 17 } }).open({
          access: 'write',
          waitLockMs: 0,
        })
      let store = await open()
      await store.begin()
      for (const { kind, ago } of all) {
        clock.advance(1000)
        await store.append([fact(kind, ago === null ? clock.now() : NOW - ago)])
      }
      await store.close()
      store = await open()
      const metas: RecordMeta[] = []
      for await (const meta of store.readMeta()) metas.push(meta)
      async function* newestFirst(): AsyncGenerator<readonly RecordMeta[]> {
        yield metas
      }
      const plan = await planRetention(newestFirst, policy, { now: clock.now() })
      const kept = metas.filter((meta) => verdict(plan, meta) === null).map(({ seq }) => seq)
      const dry = await store.compact({ policy, dryRun: true, force: true })
      const done = await store.compact({ policy, force: true })
      expect(done.dropped).toEqual(plan.dropped)
      expect(dry.dropped).toEqual(plan.dropped)
      expect(done.bytes).toEqual(dry.bytes)
      expect(done.verified).toBe(done.changed ? true : null)
      const left: number[] = []
      for await (const { seq } of store.readMeta()) left.push(seq)
      expect(left).toEqual(kept)
      const scan = await store.scan()
      expect(scan.anomalies).toEqual([])
      expect(scan.records).toBe(kept.length)
      // Once more over what a compaction wrote.
      expect((await store.compact({ policy, force: true })).changed).toBe(false)
      await store.close()
    }),
    { numRuns: 150 },
  )
})
