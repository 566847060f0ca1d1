import assert from 'node:assert/strict'
import { METRIC_DEFINITIONS, type MetricKey, type MetricValues } from '@papyra/contracts'
import type { Check } from '../check.js'
import { bytesOf, expectCode, isPlainJson, readMetas } from '../expect.js'
import { eventFact, mixedFacts } from '../facts.js'

const group = 'metrics'

const KEYS: readonly MetricKey[] = METRIC_DEFINITIONS.map(({ key }) => key)

function isComplete(values: MetricValues, what: string): void {
  assert.deepEqual(Object.keys(values).sort(), [...KEYS].sort(), `${what}: every key, no other`)
  for (const key of KEYS) {
    assert.ok(Number.isSafeInteger(values[key]) && values[key] >= 0, `${what}.${key} is a count`)
  }
}

const countingChecks: readonly Check[] = [
  {
    id: 'metrics.keys-complete',
    group,
    promise: 'a snapshot has every metric of the catalogue, in totals and since the last reset',
    async run(world) {
      const backend = await world.begun()
      const { metrics } = await backend.describe()
      isPlainJson(metrics, 'a metrics snapshot')
      isComplete(metrics.totals, 'totals')
      isComplete(metrics.sinceReset, 'sinceReset')
      assert.equal(metrics.resetAt, null, 'never reset')
      const { createdAt } = metrics
      assert.ok(createdAt === null || createdAt === world.subject.clock.now(), String(createdAt))
    },
  },
  {
    id: 'metrics.appends-counted',
    group,
    promise: 'acknowledged records and their bytes are counted, and what is stored now',
    async run(world) {
      const { backend } = await world.filled(7)
      await backend.append(mixedFacts(5, world.subject.clock.now()))
      const { totals } = (await backend.describe()).metrics
      const bytes = bytesOf(await readMetas(backend))
      assert.equal(totals.recordsWritten, 12)
      assert.equal(totals.recordsStored, 12)
      assert.ok(totals.bytesWritten >= bytes, 'bytesWritten')
      assert.ok(totals.bytesStored >= bytes, 'bytesStored')
      assert.equal(totals.bytesStored, (await backend.describe()).bytes)
      assert.equal(totals.writeErrors, 0)
    },
  },
  {
    id: 'metrics.write-errors-counted',
    group,
    needs: ['recordLimit'],
    promise: 'a refused append counts as a write error and not as a record',
    async run(world) {
      const { backend } = await world.filled(2)
      const bytes = world.subject.maxRecordBytes ?? 1_048_576
      const large = eventFact({ payload: `"${'x'.repeat(bytes + 1)}"` })
      await expectCode('a record over the limit', 'record_too_large', () => backend.append([large]))
      const { totals } = (await backend.describe()).metrics
      const { byCode } = (await backend.describe()).metrics
      assert.equal(totals.writeErrors, 1)
      assert.equal(totals.recordsWritten, 2)
      if (byCode !== undefined) assert.deepEqual(byCode.errors, { record_too_large: 1 })
    },
  },
  {
    id: 'metrics.scans-counted',
    group,
    promise: 'completed scans by the owner are counted; a reader counts nothing',
    async run(world) {
      const { backend } = await world.filled(2)
      const before = (await backend.describe()).metrics.totals.scans
      await backend.scan()
      await backend.scan()
      assert.equal((await backend.describe()).metrics.totals.scans, before + 2)
      const reader = await world.openReader()
      await reader.scan()
      assert.equal((await backend.describe()).metrics.totals.scans, before + 2)
      assert.equal((await backend.describe()).metrics.totals.anomaliesDetected, 0)
    },
  },
  {
    id: 'metrics.compactions-counted',
    group,
    needs: ['compaction'],
    promise: 'compactions, what they dropped and what they gave back are counted',
    async run(world) {
      const { backend } = await world.filled(12)
      const report = await backend.compact({ policy: { maxRecords: 5 } })
      const { totals } = (await backend.describe()).metrics
      assert.equal(totals.compactions, 1)
      assert.equal(totals.recordsDropped, 7)
      assert.equal(totals.bytesReclaimed, report.bytes.before - report.bytes.after)
      assert.equal(totals.recordsStored, 5)
      assert.equal(totals.bytesStored, report.bytes.after)
      assert.equal(totals.recordsWritten, 12, 'what was written stays counted')
    },
  },
  {
    id: 'metrics.dry-run-not-counted',
    group,
    needs: ['compaction', 'dryRun'],
    promise: 'a dry run counts neither as a compaction nor as drops',
    async run(world) {
      const { backend } = await world.filled(12)
      await backend.compact({ policy: { maxRecords: 5 }, dryRun: true })
      const { totals } = (await backend.describe()).metrics
      const { compactions, recordsDropped, bytesReclaimed, recordsStored } = totals
      assert.deepEqual(
        { compactions, recordsDropped, bytesReclaimed, recordsStored },
        { compactions: 0, recordsDropped: 0, bytesReclaimed: 0, recordsStored: 12 },
      )
    },
  },
]

const keepingChecks: readonly Check[] = [
  {
    id: 'metrics.survive-reopen',
    group,
    needs: ['persistent'],
    promise: 'totals are kept with the store, over close and reopen',
    async run(world) {
      const { backend } = await world.filled(12)
      await backend.scan()
      const { compaction } = world.subject.definition.capabilities
      if (compaction) await backend.compact({ policy: { maxRecords: 5 } })
      const before = (await backend.describe()).metrics
      await backend.close()
      const reader = await world.openReader()
      const after = (await reader.describe()).metrics
      const counters = ['recordsWritten', 'recordsDropped', 'compactions', 'writeErrors'] as const
      for (const key of counters) assert.equal(after.totals[key], before.totals[key], key)
      assert.ok(after.totals.scans >= before.totals.scans, 'scans')
      assert.ok(after.totals.bytesWritten >= before.totals.bytesWritten, 'bytesWritten')
      assert.equal(after.totals.recordsStored, compaction ? 5 : 12)
      assert.equal(after.createdAt, before.createdAt)
      await reader.close()
      const again = await world.begun()
      await again.append([eventFact()])
      assert.equal((await again.describe()).metrics.totals.recordsWritten, 13)
    },
  },
  {
    id: 'metrics.reset-is-a-baseline',
    group,
    promise: 'a reset starts sinceReset anew and takes nothing from totals or history',
    async run(world) {
      const { backend } = await world.filled(6)
      await backend.scan()
      const before = await backend.describe()
      world.subject.clock.advance(5000)
      const snapshot = await backend.resetMetrics()
      assert.deepEqual(snapshot.totals, before.metrics.totals, 'totals stay')
      for (const { key, type } of METRIC_DEFINITIONS) {
        const expected = type === 'counter' ? 0 : snapshot.totals[key]
        assert.equal(snapshot.sinceReset[key], expected, `sinceReset.${key}`)
      }
      assert.equal(snapshot.resetAt, world.subject.clock.now())
      const after = await backend.describe()
      assert.deepEqual(after.metrics, snapshot, 'describe agrees')
      assert.deepEqual(after.history.slice(0, before.history.length), before.history)
      await backend.append([eventFact(), eventFact()])
      const { totals, sinceReset } = (await backend.describe()).metrics
      assert.equal(totals.recordsWritten, 8)
      assert.equal(sinceReset.recordsWritten, 2)
      assert.equal(sinceReset.recordsStored, 8, 'a gauge has no baseline')
    },
  },
  {
    id: 'metrics.reset-survives-reopen',
    group,
    needs: ['persistent'],
    promise: 'the baseline of a reset is kept with the store',
    async run(world) {
      const { backend } = await world.filled(6)
      const { resetAt } = await backend.resetMetrics()
      await backend.append([eventFact()])
      world.subject.clock.advance(1000)
      const { metrics } = await (await world.reopen(backend)).describe()
      assert.equal(metrics.resetAt, resetAt)
      assert.equal(metrics.totals.recordsWritten, 7)
      assert.equal(metrics.sinceReset.recordsWritten, 1)
    },
  },
]

/** The numbers that a store keeps about itself. */
export const metricsChecks: readonly Check[] = [...countingChecks, ...keepingChecks]
