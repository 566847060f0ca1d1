import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecoveryReport, StoredRecord } from '@papyra/contracts'
import type { Check } from '../check.js'
import {
  consentFor,
  damageCheck,
  openAndRecover,
  RECORDS_BEFORE_DAMAGE,
  seesDamage,
  type DamagedStore,
} from '../damaged.js'
import { expectCode, isFact, isPlainJson, readAll, sameRecords, sum } from '../expect.js'
import { eventFact } from '../facts.js'

/** Asserts that what is gone was declared lost, and that the rest is as it was, byte for byte. */
function nothingElseGone(
  after: readonly StoredRecord[],
  report: RecoveryReport,
  { kind, before, outcome }: DamagedStore,
): void {
  const left = new Map(after.map((record) => [record.seq, record]))
  const gone = before.filter((record) => !left.has(record.seq)).map((record) => record.seq)
  sameRecords(
    after,
    before.filter((record) => left.has(record.seq)),
    `${kind}: what is left`,
  )
  const declared = (seq: number): boolean =>
    report.losses.some(({ seq: lost }) => lost === null || (lost.first <= seq && seq <= lost.last))
  assert.deepEqual(
    gone.filter((seq) => !declared(seq)),
    [],
    `${kind}: gone, but not declared lost`,
  )
  assert.equal(report.recordsKept, after.length, `${kind}: recordsKept`)
  if (outcome.affected !== undefined) {
    const unharmed = gone.filter((seq) => !outcome.affected?.includes(seq))
    assert.deepEqual(unharmed, [], `${kind}: sound records are gone`)
  }
  if (!outcome.lossExpected) return
  const lost = sum(report.losses.map((loss) => loss.records))
  assert.ok(lost >= gone.length && lost > 0, `${kind}: ${String(lost)} declared lost`)
}

/** Asserts that bytes which were taken out are somewhere else now. */
function keepsWhatItTakesOut({ bytesSetAside, keptAside }: RecoveryReport, kind: string): void {
  if (bytesSetAside === 0) return
  assert.ok(keptAside.length > 0, `${kind}: what was taken out must be kept aside`)
}

/** What `recover` promises on damaged stores. */
export const mendingChecks: readonly Check[] = [
  damageCheck('loss-needs-consent', 'loss is recorded only with acceptLoss', async (store) => {
    const { world, kind, outcome } = store
    const writer = await world.openWriter()
    const { force } = (await writer.scan()).consent
    if (outcome.lossExpected) {
      await expectCode(`${kind}: recover`, 'accept_loss_required', () =>
        writer.recover({ mode: 'repair', force }),
      )
      seesDamage(await writer.scan(), store)
      return
    }
    const report = await writer.recover({ mode: 'repair', force })
    assert.equal(report.after?.clean, true, `${kind}: clean without accepting a loss`)
  }),
  damageCheck(
    'mends',
    'after recover the store is clean and takes appends; all sound records are as before',
    async (store) => {
      const { world, kind } = store
      const writer = await world.openWriter()
      const consent = consentFor(store, await writer.scan())
      const report = await writer.recover({ mode: 'repair', ...consent })
      isPlainJson(report, 'a recovery report')
      assert.equal(report.changed, true, `${kind}: changed`)
      seesDamage(report.before, store)
      assert.equal(report.after?.clean, true, `${kind}: the scan afterwards`)
      assert.deepEqual((await writer.scan()).anomalies, [], `${kind}: a scan of its own`)
      keepsWhatItTakesOut(report, kind)
      const after = await readAll(writer)
      nothingElseGone(after, report, store)
      const { nextSeq } = await writer.begin()
      assert.ok(nextSeq > RECORDS_BEFORE_DAMAGE, `${kind}: next number`)
      assert.ok(nextSeq > (after.at(-1)?.seq ?? 0), `${kind}: no number twice`)
      const fact = eventFact({ payload: '"after recovery"' })
      assert.deepEqual(await writer.append([fact]), { firstSeq: nextSeq, lastSeq: nextSeq })
      const again = await world.reopen(writer)
      const records = await readAll(again)
      sameRecords(records.slice(0, -1), after, `${kind}: after reopening`)
      const newest = records.at(-1)
      assert.ok(newest !== undefined, `${kind}: the appended record is there`)
      isFact(newest, fact)
      assert.equal((await again.scan()).clean, true, `${kind}: clean after reopening`)
    },
  ),
  damageCheck('second-run-changes-nothing', 'a second recover changes nothing', async (store) => {
    const writer = await openAndRecover(store)
    const before = await readAll(writer)
    const { history, bytes, losses } = await writer.describe()
    const report = await writer.recover({ mode: 'repair', acceptLoss: true })
    assert.equal(report.changed, false, `${store.kind}: changed`)
    assert.deepEqual(report.losses, [], `${store.kind}: no new loss`)
    sameRecords(await readAll(writer), before, `${store.kind}: after the second run`)
    const after = await writer.describe()
    assert.deepEqual(
      { history: after.history, bytes: after.bytes, losses: after.losses },
      { history, bytes, losses },
    )
  }),
  damageCheck(
    'recorded',
    'describe and every later scan tell the losses; history tells the run',
    async (store) => {
      const { world, kind } = store
      const writer = await world.openWriter()
      const consent = consentFor(store, await writer.scan())
      const { losses } = await writer.recover({ mode: 'repair', ...consent })
      const described = await writer.describe()
      assert.deepEqual(described.losses, losses, `${kind}: losses in describe`)
      assert.equal(described.history.at(-1)?.what, 'recovery', `${kind}: history`)
      const again = await world.reopen(writer)
      assert.deepEqual((await again.describe()).losses, losses, `${kind}: losses after reopening`)
      assert.deepEqual((await again.scan()).losses, losses, `${kind}: losses in a scan`)
    },
  ),
  damageCheck(
    'dry-run-foretells',
    'a dry run tells the losses and changes nothing',
    async (store) => {
      const { kind } = store
      const writer = await store.world.openWriter()
      const consent = consentFor(store, await writer.scan())
      const told = await writer.recover({ mode: 'repair', ...consent, dryRun: true })
      assert.equal(told.dryRun, true)
      assert.equal(told.after, null, `${kind}: there is no scan after a dry run`)
      seesDamage(await writer.scan(), store)
      const done = await writer.recover({ mode: 'repair', ...consent })
      assert.equal(told.recordsKept, done.recordsKept, `${kind}: recordsKept`)
      assert.deepEqual(told.losses, done.losses, `${kind}: losses`)
    },
  ),
  damageCheck(
    'quarantine',
    'mode quarantine needs a folder, keeps the originals in it, and mends',
    async (store) => {
      const { kind } = store
      const writer = await store.world.openWriter()
      const consent = consentFor(store, await writer.scan())
      await expectCode(`${kind}: without a folder`, 'quarantine_dir_required', () =>
        writer.recover({ mode: 'quarantine', ...consent }),
      )
      seesDamage(await writer.scan(), store)
      const parent = await mkdtemp(join(tmpdir(), 'papyra-conformance-'))
      try {
        const quarantineDir = join(parent, 'quarantine')
        const report = await writer.recover({ mode: 'quarantine', quarantineDir, ...consent })
        assert.equal(report.after?.clean, true, `${kind}: clean`)
        keepsWhatItTakesOut(report, kind)
        nothingElseGone(await readAll(writer), report, store)
      } finally {
        await rm(parent, { recursive: true, force: true })
      }
    },
  ),
  damageCheck(
    'abort',
    'an aborted signal rejects with aborted and mends nothing',
    async (store) => {
      const writer = await store.world.openWriter()
      const consent = consentFor(store, await writer.scan())
      await expectCode(`${store.kind}: recover`, 'aborted', () =>
        writer.recover({ mode: 'repair', ...consent, signal: AbortSignal.abort() }),
      )
      seesDamage(await writer.scan(), store)
    },
  ),
  damageCheck(
    'counted',
    'recoveries and recorded losses are counted among the metrics',
    async (store) => {
      const { world, kind } = store
      const writer = await world.openWriter()
      const consent = consentFor(store, await writer.scan())
      const { losses } = await writer.recover({ mode: 'repair', ...consent })
      const { totals } = (await (await world.reopen(writer)).describe()).metrics
      // The first recovery of this store, so that this holds even where the damage took the totals.
      assert.equal(totals.recoveries, 1, `${kind}: recoveries`)
      const lost = sum(losses.map((loss) => loss.records))
      assert.equal(totals.recordsLost, lost, `${kind}: recordsLost`)
    },
  ),
]
