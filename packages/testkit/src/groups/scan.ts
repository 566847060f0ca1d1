import assert from 'node:assert/strict'
import type { Progress, ScanReport } from '@papyra/contracts'
import type { Check } from '../check.js'
import { expectCode, isPlainJson, readAll, readSeqs, sameRecords, started } from '../expect.js'
import { eventFact } from '../facts.js'
import { verifiedChecks } from './scan-verified.js'

const group = 'scan'

/** Asserts that a report says "clean" in all of its parts. */
function isClean(report: ScanReport, records: number, what: string): void {
  assert.deepEqual(report.anomalies, [], `${what}: anomalies`)
  assert.equal(report.anomaliesTotal, 0, `${what}: anomaliesTotal`)
  assert.deepEqual(
    Object.values(report.anomalyCounts).filter((count) => count > 0),
    [],
    what,
  )
  assert.equal(report.clean, true, `${what}: clean`)
  assert.equal(report.records, records, `${what}: records`)
  assert.deepEqual(report.losses, [], `${what}: losses`)
  assert.deepEqual(report.consent, { acceptLoss: false, force: false }, `${what}: consent`)
  isPlainJson(report, 'a scan report')
}

const soundChecks: readonly Check[] = [
  {
    id: 'scan.clean-when-fresh',
    group,
    promise: 'a new store is clean and empty',
    async run(world) {
      const backend = await world.openWriter()
      isClean(await backend.scan(), 0, 'before begin')
      await backend.begin()
      isClean(await backend.scan(), 0, 'after begin')
    },
  },
  {
    id: 'scan.clean-after-appends',
    group,
    promise:
      'a store that was appended to is clean; the report counts its records and names its ends',
    async run(world) {
      const { backend } = await world.filled(20)
      const report = await backend.scan()
      isClean(report, 20, 'after appends')
      assert.equal(report.backend, backend.name)
      assert.equal(report.location, world.subject.definition.location)
      assert.equal(report.firstSeq, 1)
      assert.equal(report.lastSeq, 20)
      assert.equal(report.coverage, 'full', 'a full scan is the default')
      assert.ok(report.bytes > 0)
    },
  },
  {
    id: 'scan.clean-after-compaction',
    group,
    needs: ['compaction'],
    promise: 'gaps that compaction made are no anomaly',
    async run(world) {
      const { backend } = await world.filled(20)
      await backend.compact({ policy: { perKind: { event: { maxRecords: 3 } } } })
      isClean(await backend.scan(), 11, 'after compaction')
      await backend.append([eventFact(), eventFact()])
      isClean(await backend.scan(), 13, 'after compaction and appends')
    },
  },
  {
    id: 'scan.clean-after-reopen',
    group,
    needs: ['persistent'],
    promise: 'a closed store scans clean, for a reader and for its next owner, quickly or in full',
    async run(world) {
      const { backend } = await world.filled(20)
      await backend.close()
      const reader = await world.openReader()
      isClean(await reader.scan(), 20, 'by a reader')
      assert.equal((await reader.scan({ coverage: 'auto' })).clean, true, 'coverage auto')
      await reader.close()
      const again = await world.openWriter()
      isClean(await again.scan(), 20, 'by the next owner')
      await again.begin()
      await again.append([eventFact()])
      isClean(await again.scan(), 21, 'after its first append')
    },
  },
  {
    id: 'scan.changes-nothing',
    group,
    promise: 'a scan changes no record, no number and no size',
    async run(world) {
      const { backend } = await world.filled(12)
      const before = await readAll(backend)
      const { bytes, history, generation } = await backend.describe()
      await backend.scan()
      await backend.scan({ coverage: 'auto', maxAnomalies: 1 })
      sameRecords(await readAll(backend), before, 'after scans')
      const after = await backend.describe()
      assert.deepEqual(
        { bytes: after.bytes, history: after.history, generation: after.generation },
        { bytes, history, generation },
      )
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 13, lastSeq: 13 })
    },
  },
  {
    id: 'scan.while-appending',
    group,
    promise: 'a scan while appends go on is clean, by the owner and by a reader',
    async run(world) {
      const { backend } = await world.filled(100)
      const reader = await world.openReader()
      const appends = Array.from({ length: 100 }, () => started(backend.append([eventFact()])))
      const [own, other] = await Promise.all([backend.scan(), reader.scan()])
      await Promise.all(appends)
      assert.deepEqual(own.anomalies, [], 'by the owner')
      assert.deepEqual(other.anomalies, [], 'by a reader')
      isClean(await backend.scan(), 200, 'afterwards')
    },
  },
  {
    id: 'scan.progress',
    group,
    promise: 'where progress is told it never goes back nor beyond the whole',
    async run(world) {
      const { backend } = await world.filled(50)
      const told: Progress[] = []
      await backend.scan({ onProgress: (progress) => told.push(progress) })
      for (const [index, { doneBytes, totalBytes, records }] of told.entries()) {
        assert.ok(doneBytes >= 0 && doneBytes <= totalBytes, `${String(doneBytes)} bytes done`)
        assert.ok(records >= 0 && records <= 50, `${String(records)} records`)
        const previous = told[index - 1]
        if (previous === undefined || previous.phase !== told[index]?.phase) continue
        assert.ok(doneBytes >= previous.doneBytes, 'bytes done never go back')
      }
    },
  },
  {
    id: 'scan.abort',
    group,
    promise: 'an aborted signal rejects with aborted',
    async run(world) {
      const { backend } = await world.filled(12)
      await expectCode('scan', 'aborted', () => backend.scan({ signal: AbortSignal.abort() }))
      isClean(await backend.scan(), 12, 'afterwards')
    },
  },
  {
    id: 'scan.describe-agrees',
    group,
    promise: 'describe tells place, id and last number as a scan does, and is plain JSON',
    async run(world) {
      const { backend } = await world.filled(12)
      const description = await backend.describe()
      const report = await backend.scan()
      isPlainJson(description, 'a description')
      assert.equal(description.exists, true)
      assert.equal(description.backend, backend.name)
      assert.equal(description.location, world.subject.definition.location)
      assert.equal(description.logId, report.logId)
      assert.equal(description.generation, report.generation)
      assert.equal(description.lastSeq, report.lastSeq)
      assert.deepEqual(description.losses, [])
    },
  },
  {
    id: 'scan.recover-clean-changes-nothing',
    group,
    needs: ['recovery', 'persistent'],
    promise: 'recover on a clean store changes nothing and says so',
    async run(world) {
      const { backend } = await world.filled(12)
      const before = await readAll(backend)
      const { history } = await backend.describe()
      await backend.close()
      const again = await world.openWriter()
      const report = await again.recover({ mode: 'repair' })
      isPlainJson(report, 'a recovery report')
      assert.equal(report.changed, false)
      assert.equal(report.recordsKept, 12)
      assert.equal(report.bytesSetAside, 0)
      assert.deepEqual(report.keptAside, [])
      assert.deepEqual(report.losses, [])
      sameRecords(await readAll(again), before, 'after recover')
      assert.deepEqual((await again.describe()).history, history)
      await again.begin()
      await again.append([eventFact()])
      assert.equal((await readSeqs(again)).length, 13)
    },
  },
]

/** What `scan` and `recover` promise on a store without damage, and how much a scan verifies. */
export const scanChecks: readonly Check[] = [...soundChecks, ...verifiedChecks]
