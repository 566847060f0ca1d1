import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { bytesOf, isPlainJson, readAll, readMetas, readSeqs, sameRecords, sum } from '../expect.js'
import { eventFact, mixedFacts } from '../facts.js'
import { besideChecks } from './compaction-beside.js'
import { historyChecks } from './compaction-history.js'
import { refusalChecks } from './compaction-refusals.js'

const group = 'compaction'

const dryRunChecks: readonly Check[] = [
  {
    id: 'compaction.dry-run-changes-nothing',
    group,
    needs: ['compaction', 'dryRun'],
    promise: 'a dry run changes nothing',
    async run(world) {
      const { backend } = await world.filled(12)
      const before = await readAll(backend)
      const described = await backend.describe()
      const report = await backend.compact({ policy: { maxRecords: 4 }, dryRun: true })
      assert.equal(report.dryRun, true)
      assert.equal(report.verified, null, 'nothing to verify')
      sameRecords(await readAll(backend), before, 'after a dry run')
      const after = await backend.describe()
      assert.equal(after.bytes, described.bytes)
      assert.equal(after.generation, described.generation)
      assert.deepEqual(after.history, described.history)
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 13, lastSeq: 13 })
    },
  },
  {
    id: 'compaction.dry-run-foretells',
    group,
    needs: ['compaction', 'dryRun'],
    promise: 'a dry run tells exactly what the real run then does',
    async run(world) {
      const { backend } = await world.filled(12)
      const policies = [
        { maxRecords: 9, perKind: { event: { maxRecords: 3 } } },
        { maxAgeSeconds: 5 },
        { maxRecords: 1000 },
      ]
      for (const policy of policies) {
        const told = await backend.compact({ policy, dryRun: true })
        const done = await backend.compact({ policy })
        const what = JSON.stringify(policy)
        assert.deepEqual(told.records, done.records, `records under ${what}`)
        assert.deepEqual(told.bytes, done.bytes, `bytes under ${what}`)
        assert.deepEqual(told.dropped, done.dropped, `drops under ${what}`)
        assert.deepEqual(told.unmet, done.unmet, `unmet limits under ${what}`)
        assert.equal(told.changed, done.changed, `changed under ${what}`)
      }
    },
  },
]

const resultChecks: readonly Check[] = [
  {
    id: 'compaction.kept-byte-identical',
    group,
    needs: ['compaction'],
    promise: 'records that stay keep their numbers and every byte',
    async run(world) {
      const backend = await world.begun()
      const payload = '{"big":12345678901234567890123, "twice":1,"twice":2,"\\u0041":"\\/"}'
      await backend.append(mixedFacts(6, world.subject.clock.now()))
      await backend.append([eventFact({ payload }), eventFact({ payload: '-0.0' })])
      const before = await readAll(backend)
      await backend.compact({ policy: { maxRecords: 4 } })
      sameRecords(await readAll(backend), before.slice(4), 'after compaction')
    },
  },
  {
    id: 'compaction.report-figures',
    group,
    needs: ['compaction'],
    promise: 'the report counts records and bytes before and after, and is plain JSON',
    async run(world) {
      const { backend } = await world.filled(12)
      const metas = (await readMetas(backend)).reverse()
      const policy = { maxRecords: 5 }
      const report = await backend.compact({ policy })
      isPlainJson(report, 'a compaction report')
      assert.equal(report.dryRun, false)
      assert.equal(report.changed, true)
      assert.equal(report.verified, true, 'the result was scanned')
      assert.deepEqual(report.policy, policy)
      assert.deepEqual(report.records, { before: 12, after: 5 })
      assert.equal(sum(report.dropped.map((entry) => entry.bytes)), bytesOf(metas.slice(0, 7)))
      assert.ok(report.bytes.before >= bytesOf(metas), 'bytes before')
      assert.ok(report.bytes.after >= bytesOf(metas.slice(7)), 'bytes after')
      assert.ok(report.bytes.after < report.bytes.before, 'the store is smaller')
      assert.deepEqual(report.unmet, [])
      assert.equal((await backend.describe()).bytes, report.bytes.after, 'describe agrees')
    },
  },
  {
    id: 'compaction.second-run-changes-nothing',
    group,
    needs: ['compaction'],
    promise: 'a second run with the same policy changes nothing and says so',
    async run(world) {
      const { backend } = await world.filled(12)
      const policy = { maxRecords: 5 }
      await backend.compact({ policy })
      const before = await readAll(backend)
      const { history, generation } = await backend.describe()
      const report = await backend.compact({ policy })
      assert.equal(report.changed, false)
      assert.equal(report.verified, null)
      assert.deepEqual(report.dropped, [])
      assert.deepEqual(report.records, { before: 5, after: 5 })
      assert.equal(report.bytes.before, report.bytes.after)
      sameRecords(await readAll(backend), before, 'after the second run')
      const after = await backend.describe()
      assert.deepEqual(after.history, history)
      assert.equal(after.generation, generation)
    },
  },
  {
    id: 'compaction.recorded',
    group,
    needs: ['compaction'],
    promise: 'describe tells the run in its history, and through which number was compacted',
    async run(world) {
      const { backend } = await world.filled(12)
      await backend.compact({ policy: { maxRecords: 5 } })
      const { history, compactedThrough, lastSeq } = await backend.describe()
      const entry = history.at(-1)
      assert.equal(entry?.what, 'compaction')
      assert.equal(entry.at, world.subject.clock.now())
      assert.equal(entry.recordsRemoved, 7)
      assert.ok(entry.bytesRemoved > 0)
      assert.equal(lastSeq, 12)
      assert.ok(compactedThrough >= 7 && compactedThrough <= 12, String(compactedThrough))
    },
  },
  {
    id: 'compaction.survives-reopen',
    group,
    needs: ['compaction', 'persistent'],
    promise: 'records, numbers and history are the same after reopening',
    async run(world) {
      const { backend } = await world.filled(12)
      await backend.compact({ policy: { maxRecords: 5 } })
      const before = await readAll(backend)
      const { history } = await backend.describe()
      const again = await world.reopen(backend)
      sameRecords(await readAll(again), before, 'after reopening')
      assert.deepEqual((await again.describe()).history, history)
      assert.deepEqual(await again.append([eventFact()]), { firstSeq: 13, lastSeq: 13 })
      assert.equal((await again.scan()).clean, true)
    },
  },
  {
    id: 'compaction.numbers-never-reused',
    group,
    needs: ['compaction'],
    promise: 'numbers go on growing though the newest records, or all, were dropped',
    async run(world) {
      const now = world.subject.clock.now()
      let backend = await world.begun()
      await backend.append(
        [now, now, now - 60_000, now - 60_000].map((timestamp) => eventFact({ timestamp })),
      )
      await backend.compact({ policy: { maxAgeSeconds: 30 } })
      assert.deepEqual(await readSeqs(backend), [1, 2])
      if (world.subject.definition.capabilities.persistent) backend = await world.reopen(backend)
      await backend.append([eventFact({ timestamp: now - 60_000 })])
      assert.deepEqual(await readSeqs(backend), [1, 2, 5])
      world.subject.clock.advance(120_000)
      await backend.compact({ policy: { maxAgeSeconds: 30 }, force: true })
      assert.deepEqual(await readSeqs(backend), [])
      if (world.subject.definition.capabilities.persistent) backend = await world.reopen(backend)
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 6, lastSeq: 6 })
      assert.equal((await backend.scan()).clean, true)
    },
  },
]

/** What `compact` promises. */
export const compactionChecks: readonly Check[] = [
  ...dryRunChecks,
  ...resultChecks,
  ...besideChecks,
  ...refusalChecks,
  ...historyChecks,
]
