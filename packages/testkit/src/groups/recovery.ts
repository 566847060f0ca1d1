import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { damageCheck, seesDamage } from '../damaged.js'
import { expectCode, isFact, isPlainJson, readAll, sameRecords, sum } from '../expect.js'
import { eventFact } from '../facts.js'
import { mendingChecks } from './recovery-mending.js'
import { recoveryPlanChecks } from './recovery-plans.js'

/** Codes of damage beside the records, which has no offset and no number. */
const PLACELESS: ReadonlySet<string> = new Set([
  'sidecar_missing',
  'sidecar_damaged',
  'mark_missing',
  'mark_damaged',
  'manifest_damaged',
  'orphan_segment',
  'missing_segment',
  'foreign_log',
])

const seeingChecks: readonly Check[] = [
  damageCheck('damage-found', 'a scan finds each kind of damage, at its place', async (store) => {
    const reader = await store.world.openReader()
    const report = await reader.scan()
    seesDamage(report, store)
    isPlainJson(report, 'a scan report')
    const counted = sum(Object.values(report.anomalyCounts))
    assert.equal(counted, report.anomaliesTotal, `${store.kind}: counts agree`)
    assert.equal(report.anomalies.length, report.anomaliesTotal, `${store.kind}: all are listed`)
    assert.equal(report.consent.acceptLoss, store.outcome.lossExpected, `${store.kind}: consent`)
    for (const { code, path, offset, seq } of report.anomalies) {
      assert.ok(path.length > 0, `${store.kind}: ${code} names where it is`)
      const placed = offset !== null || seq !== null || PLACELESS.has(code)
      assert.ok(placed, `${store.kind}: ${code} has neither offset nor number`)
    }
    const short = await reader.scan({ maxAnomalies: 1 })
    assert.equal(short.anomalies.length, 1, `${store.kind}: maxAnomalies limits the list`)
    assert.equal(short.anomaliesTotal, report.anomaliesTotal, `${store.kind}: but not the count`)
  }),
  damageCheck('scan-mends-nothing', 'a scan leaves damage as it is', async (store) => {
    const writer = await store.world.openWriter()
    seesDamage(await writer.scan(), store)
    seesDamage(await writer.scan(), store)
    await writer.close()
    seesDamage(await (await store.world.openReader()).scan(), store)
  }),
  damageCheck(
    'begin-safe',
    'begin refuses, or what is appended is safe and the damage still seen',
    async (store) => {
      const { world, kind, outcome } = store
      const writer = await world.openWriter()
      const begun = await writer.begin().then(
        () => true,
        (error: unknown) => error,
      )
      if (begun !== true || outcome.beginRefuses === true) {
        await expectCode(`${kind}: begin`, 'anomalies_found', () => writer.begin())
        await expectCode(`${kind}: append`, 'not_begun', () => writer.append([eventFact()]))
        seesDamage(await writer.scan(), store)
        return
      }
      const fact = eventFact({ payload: '"after the damage"' })
      const { firstSeq } = await writer.append([fact])
      assert.ok(!store.before.some((record) => record.seq === firstSeq), `${kind}: a new number`)
      await writer.close()
      const reader = await world.openReader()
      seesDamage(await reader.scan(), store)
      const query = { order: 'newest', limit: 1, onDamage: () => undefined } as const
      const [newest] = await readAll(reader, query)
      assert.equal(newest?.seq, firstSeq, `${kind}: the appended record is there`)
      isFact(newest, fact)
    },
  ),
  damageCheck(
    'tail-set-aside',
    'with set_tail_aside begin moves an unfinished tail aside, says where, and appends behind it',
    async (store) => {
      const { world, kind, outcome, before } = store
      if (outcome.expectCode !== 'torn_tail') return
      const writer = await world.openWriter()
      const { nextSeq, keptAside } = await writer.begin({ onDamage: 'set_tail_aside' })
      assert.ok(keptAside.length > 0, `${kind}: the report names where the tail is`)
      assert.ok(nextSeq > (before.at(-1)?.seq ?? 0), `${kind}: no number twice`)
      assert.deepEqual(await writer.append([eventFact()]), { firstSeq: nextSeq, lastSeq: nextSeq })
      const records = await readAll(writer)
      sameRecords(records.slice(0, -1), before, `${kind}: what was there before`)
      assert.deepEqual((await writer.scan()).anomalies, [], `${kind}: a scan afterwards`)
    },
  ),
  damageCheck(
    'compact-refuses',
    'compact refuses a damaged store with anomalies_found and changes nothing',
    async (store) => {
      const writer = await store.world.openWriter()
      const { bytes } = await writer.describe()
      await expectCode(`${store.kind}: compact`, 'anomalies_found', () =>
        writer.compact({ policy: { maxRecords: 2 } }),
      )
      assert.equal((await writer.describe()).bytes, bytes)
      seesDamage(await writer.scan(), store)
    },
    ['compaction'],
  ),
]

/** What `scan`, `begin`, `compact` and `recover` promise on damaged stores. */
export const recoveryChecks: readonly Check[] = [
  ...seeingChecks,
  ...mendingChecks,
  ...recoveryPlanChecks,
]
