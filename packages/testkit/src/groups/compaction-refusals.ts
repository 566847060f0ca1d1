import assert from 'node:assert/strict'
import type { Backend, PapyraErrorCode, RetentionPolicy } from '@papyra/contracts'
import type { Check } from '../check.js'
import { expectCode, readAll, readSeqs, sameRecords } from '../expect.js'
import { eventFact } from '../facts.js'

const group = 'compaction'

/** Values that a configuration file or a caller without types may hand over. */
const INVALID: readonly unknown[] = [
  { maxRecords: 0 },
  { maxRecords: -1 },
  { maxRecords: 1.5 },
  { maxRecords: Number.NaN },
  { maxRecords: Number.POSITIVE_INFINITY },
  { maxRecords: '5' },
  { maxRecords: null },
  { maxAgeSeconds: 0 },
  { maxAgeSeconds: '60' },
  { maxTotalBytes: -1 },
  { maxTotalBytes: 0.5 },
  { maxRecord: 5 },
  { perKind: { event: { maxRecords: 0 } } },
  { perKind: { event: { maxCount: 1 } } },
  { perKind: { events: { maxRecords: 1 } } },
]

/** Asserts that the compaction is refused and that not a record has changed. */
async function refused(
  backend: Backend,
  code: PapyraErrorCode,
  policy: RetentionPolicy,
  what: string,
): Promise<void> {
  const before = await readAll(backend)
  const { bytes, history, generation } = await backend.describe()
  await expectCode(what, code, () => backend.compact({ policy }))
  sameRecords(await readAll(backend), before, `after ${what}`)
  const after = await backend.describe()
  assert.deepEqual(
    { bytes: after.bytes, history: after.history, generation: after.generation },
    { bytes, history, generation },
    `${what} must change nothing`,
  )
}

/** When `compact` must refuse, and then has changed nothing. */
export const refusalChecks: readonly Check[] = [
  {
    id: 'compaction.invalid-policy-refused',
    group,
    needs: ['compaction'],
    promise:
      'a limit that is no positive whole number, or an unknown key, rejects with invalid_policy',
    async run(world) {
      const { backend } = await world.filled(6)
      for (const policy of INVALID) {
        const what = `compact with ${JSON.stringify(policy)}`
        await refused(backend, 'invalid_policy', policy as RetentionPolicy, what)
      }
    },
  },
  {
    id: 'compaction.drop-all-refused',
    group,
    needs: ['compaction'],
    promise: 'a policy that would drop every record is refused unless forced',
    async run(world) {
      const { backend } = await world.filled(6)
      world.subject.clock.advance(3_600_000)
      const policy = { maxAgeSeconds: 60 }
      await refused(backend, 'drop_all_refused', policy, 'a cut that drops everything')
      const report = await backend.compact({ policy, force: true })
      assert.deepEqual(report.records, { before: 6, after: 0 })
      assert.deepEqual(await readSeqs(backend), [])
    },
  },
  {
    id: 'compaction.clock-ahead-refused',
    group,
    needs: ['compaction'],
    promise:
      'an age limit is refused while wall time ran over 60 s ahead of elapsed time since opening',
    async run(world) {
      const { clock } = world.subject
      const { backend } = await world.filled(6)
      clock.setWallTime(clock.now() + 61_000)
      await backend.append([eventFact({ timestamp: clock.now() })])
      const policy = { maxAgeSeconds: 30 }
      await refused(backend, 'clock_suspect', policy, 'an age limit under a clock that jumped')
      await backend.compact({ policy: { maxRecords: 6 } })
      assert.equal((await readSeqs(backend)).length, 6, 'a count limit needs no clock')
      await backend.compact({ policy, force: true })
      assert.deepEqual(await readSeqs(backend), [7])
    },
  },
  {
    id: 'compaction.clock-behind-refused',
    group,
    needs: ['compaction'],
    promise: 'an age limit is refused while the clock is over 60 s behind the newest record',
    async run(world) {
      const { clock } = world.subject
      const { backend } = await world.filled(6)
      clock.setWallTime(clock.now() - 61_000)
      const policy = { maxAgeSeconds: 3600 }
      await refused(backend, 'clock_suspect', policy, 'an age limit under a clock set back')
      await backend.compact({ policy: { maxRecords: 5 } })
      assert.equal((await readSeqs(backend)).length, 5, 'a count limit needs no clock')
    },
  },
  {
    id: 'compaction.steady-clock-accepted',
    group,
    needs: ['compaction'],
    promise: 'an age limit is not refused where wall time and elapsed time agree',
    async run(world) {
      const { clock } = world.subject
      const { backend } = await world.filled(6)
      clock.advance(86_400_000)
      await backend.append([eventFact({ timestamp: clock.now() })])
      await backend.compact({ policy: { maxAgeSeconds: 30 } })
      assert.deepEqual(await readSeqs(backend), [7])
    },
  },
  {
    id: 'compaction.abort',
    group,
    needs: ['compaction'],
    promise: 'an aborted signal rejects with aborted and changes nothing',
    async run(world) {
      const { backend } = await world.filled(12)
      const before = await readAll(backend)
      await expectCode('compact', 'aborted', () =>
        backend.compact({ policy: { maxRecords: 2 }, signal: AbortSignal.abort() }),
      )
      sameRecords(await readAll(backend), before, 'after an aborted compaction')
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 13, lastSeq: 13 })
    },
  },
  {
    id: 'compaction.policy-recorded',
    group,
    promise: 'begin records the policy of the owner with the store, and null records none',
    async run(world) {
      const policy = { maxAgeSeconds: 86_400, perKind: { dead_letter: { maxRecords: 5000 } } }
      let backend = await world.begun({ retention: policy })
      assert.deepEqual((await backend.describe()).retention, policy)
      if (!world.subject.definition.capabilities.persistent) return
      await backend.close()
      assert.deepEqual((await (await world.openReader()).describe()).retention, policy)
      backend = await world.begun({ retention: null })
      assert.equal((await backend.describe()).retention, null)
    },
  },
]
