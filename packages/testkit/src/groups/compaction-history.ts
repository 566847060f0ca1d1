import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { expectCode, readAll, sameRecords, sum } from '../expect.js'

const group = 'compaction'

/** What a compaction leaves in the history, and what it must be told. */
export const historyChecks: readonly Check[] = [
  {
    id: 'compaction.history-tells',
    group,
    needs: ['compaction'],
    promise:
      'history tells of each compaction who asked, what went by which limit, and how long it took',
    async run(world) {
      const { backend } = await world.filled(12)
      for (const [trigger, maxRecords] of [
        [undefined, 9],
        ['schedule', 6],
        ['control', 3],
      ] as const) {
        const asked = trigger === undefined ? {} : { trigger }
        const report = await backend.compact({ policy: { maxRecords }, ...asked })
        const { history } = await backend.describe()
        const entry = history.at(-1)
        assert.equal(entry?.what, 'compaction')
        assert.equal(entry?.trigger, trigger ?? 'request', 'who asked')
        assert.deepEqual(entry?.dropped, report.dropped, 'what went')
        const removed = sum(report.dropped.map(({ records }) => records))
        assert.equal(entry?.recordsRemoved, removed)
        const { durationMs = Number.NaN } = entry ?? {}
        assert.ok(Number.isFinite(durationMs) && durationMs >= 0, `took ${String(durationMs)} ms`)
      }
      if (!world.subject.definition.capabilities.persistent) return
      const { history } = await backend.describe()
      await backend.close()
      assert.deepEqual((await (await world.openReader()).describe()).history, history)
    },
  },
  {
    id: 'compaction.idle-runs-recorded',
    group,
    needs: ['compaction'],
    promise:
      'a run by schedule or control that removes nothing is in the history, the last one only, and changes nothing else; one by request is not',
    async run(world) {
      const { backend } = await world.filled(6)
      await backend.compact({ policy: { maxRecords: 4 } })
      const before = await readAll(backend)
      const { history, generation, bytes, compactedThrough } = await backend.describe()
      const policy = { maxRecords: 5 }
      assert.equal((await backend.compact({ policy })).changed, false)
      assert.deepEqual((await backend.describe()).history, history, 'on request')
      for (const trigger of ['schedule', 'schedule', 'control', 'schedule'] as const) {
        const report = await backend.compact({ policy, trigger })
        assert.equal(report.changed, false)
        assert.deepEqual(report.generation, { before: generation, after: generation })
      }
      const after = await backend.describe()
      assert.deepEqual(after.history.slice(0, history.length), history, 'what was there before')
      const more = after.history.slice(history.length)
      assert.deepEqual(
        more.map(({ what, trigger, recordsRemoved, bytesRemoved, detail, dropped }) => ({
          what,
          trigger,
          removed: recordsRemoved + bytesRemoved,
          detail,
          dropped,
        })),
        (['control', 'schedule'] as const).map((trigger) => ({
          what: 'compaction',
          trigger,
          removed: 0,
          detail: '',
          dropped: [],
        })),
      )
      const [control, schedule] = more
      assert.ok((control?.at ?? 0) <= (schedule?.at ?? 0), 'in the order of time')
      for (const { durationMs = Number.NaN } of more) assert.ok(durationMs >= 0, 'how long')
      assert.deepEqual(
        [after.generation, after.bytes, after.compactedThrough],
        [generation, bytes, compactedThrough],
      )
      sameRecords(await readAll(backend), before, 'afterwards')
      if (!world.subject.definition.capabilities.persistent) return
      await backend.close()
      assert.deepEqual((await (await world.openReader()).describe()).history, after.history)
    },
  },
  {
    id: 'compaction.idle-runs-keep-plans',
    group,
    needs: ['compaction', 'plans'],
    promise: 'a plan stays good though a run that removed nothing was recorded since',
    async run(world) {
      const { backend } = await world.filled(6)
      const { plan } = await backend.compact({ policy: { maxRecords: 4 }, dryRun: true })
      assert.ok(plan !== null, 'a dry run gives a plan')
      await backend.compact({ policy: { maxRecords: 6 }, trigger: 'schedule' })
      const done = await backend.compact({ plan: plan.id })
      assert.deepEqual(done.records, { before: 6, after: 4 })
    },
  },
  {
    id: 'compaction.policy-or-plan',
    group,
    needs: ['compaction'],
    promise: 'neither a policy nor a plan rejects with invalid_argument and changes nothing',
    async run(world) {
      const { backend } = await world.filled(6)
      const before = await readAll(backend)
      await expectCode('compact without a policy', 'invalid_argument', () => backend.compact({}))
      sameRecords(await readAll(backend), before, 'afterwards')
    },
  },
]
