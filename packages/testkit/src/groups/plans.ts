import assert from 'node:assert/strict'
import type { Backend, CompactionReport, PapyraErrorCode, RetentionPolicy } from '@papyra/contracts'
import type { Check, Need } from '../check.js'
import { consentFor, eachDamage } from '../damaged.js'
import {
  expectCode,
  isPlainJson,
  range,
  readAll,
  readMetas,
  readSeqs,
  sameRecords,
  sum,
} from '../expect.js'
import { mixedFacts } from '../facts.js'
import { planByModel } from '../model.js'
import type { World } from '../world.js'

const group = 'plans'
const needs: readonly Need[] = ['compaction', 'dryRun', 'plans']

/** Policies of every sort: by count, by age, by bytes, for one kind. */
const POLICIES: readonly RetentionPolicy[] = [
  { maxRecords: 5 },
  { maxAgeSeconds: 5 },
  { maxTotalBytes: 700 },
  { perKind: { event: { maxRecords: 1 }, audit: { maxAgeSeconds: 3 } } },
]

/** A dry run, its plan's id, and what the store must hold once that plan was carried out. */
async function planned(
  world: World,
  backend: Backend,
  policy: RetentionPolicy,
): Promise<{ told: CompactionReport; plan: string; kept: readonly number[] }> {
  const metas = (await readMetas(backend)).reverse()
  const { kept } = planByModel(metas, policy, world.subject.clock.now())
  const told = await backend.compact({ policy, dryRun: true })
  assert.ok(told.plan !== null, 'a dry run gives a plan')
  return { told, plan: told.plan.id, kept }
}

/** Asserts that the plan is refused and that not a record has changed. */
async function refused(
  backend: Backend,
  codes: PapyraErrorCode | readonly PapyraErrorCode[],
  options: { readonly plan: string; readonly policy?: RetentionPolicy },
  what: string,
): Promise<void> {
  const before = await readAll(backend)
  const { history, generation } = await backend.describe()
  await expectCode(what, codes, () => backend.compact(options))
  sameRecords(await readAll(backend), before, `after ${what}`)
  const after = await backend.describe()
  assert.deepEqual(
    { history: after.history, generation: after.generation },
    { history, generation },
  )
}

const making: readonly Check[] = [
  {
    id: 'plans.of-a-dry-run',
    group,
    needs,
    promise:
      'a dry run tells file by file what would go, as its figures do; a real run has no plan',
    async run(world) {
      const { backend } = await world.filled(12)
      const policy = { maxRecords: 9, perKind: { event: { maxRecords: 2 } } }
      const { told } = await planned(world, backend, policy)
      isPlainJson(told, 'the report of a dry run')
      const { id, at, through, files } = told.plan ?? assert.fail('no plan')
      assert.equal(typeof id, 'string')
      assert.equal(at, world.subject.clock.now(), 'the time that ages are measured against')
      assert.equal(through, 12, 'the last number that it judges')
      assert.ok(files.length > 0, 'the files that it touches')
      for (const file of files) {
        assert.ok(file.action === 'drop' || file.action === 'rewrite', file.action)
        const gone = sum(file.dropped.map(({ records }) => records))
        assert.ok(gone > 0 && gone <= file.records, `${file.path}: ${String(gone)} records go`)
      }
      const byFile = files.flatMap(({ dropped }) => dropped)
      for (const what of ['records', 'bytes'] as const) {
        const all = sum(byFile.map((entry) => entry[what]))
        assert.equal(all, sum(told.dropped.map((entry) => entry[what])), `${what} of all files`)
      }
      assert.equal((await backend.compact({ policy })).plan, null, 'of a real run')
    },
  },
  {
    id: 'plans.of-nothing',
    group,
    needs,
    promise: 'where nothing has to go there is a plan of no file, and it changes nothing',
    async run(world) {
      const { backend } = await world.filled(6)
      const { told, plan } = await planned(world, backend, { maxRecords: 100 })
      assert.deepEqual(told.plan?.files, [])
      const before = await readAll(backend)
      assert.equal((await backend.compact({ plan })).changed, false)
      sameRecords(await readAll(backend), before, 'after it')
    },
  },
]

const carryingOut: readonly Check[] = [
  {
    id: 'plans.exactly-what-it-said',
    group,
    needs,
    promise: 'carried out it takes just the records that it said, though time and appends went on',
    async run(world) {
      for (const policy of POLICIES) {
        await world.within(async (other) => {
          const { clock } = other.subject
          const { backend } = await other.filled(12)
          const what = JSON.stringify(policy)
          const { told, plan, kept } = await planned(other, backend, policy)
          assert.ok(kept.length < 12, `${what} takes something`)
          clock.advance(4000)
          await backend.append(mixedFacts(8, clock.now()))
          const before = await readAll(backend)
          const done = await backend.compact({ plan })
          const left = [...kept, ...range(13, 20)]
          sameRecords(
            await readAll(backend),
            before.filter(({ seq }) => left.includes(seq)),
            `after the plan of ${what}`,
          )
          assert.deepEqual(done.dropped, told.dropped, `${what}: dropped`)
          assert.deepEqual(done.policy, told.policy, `${what}: policy`)
          assert.deepEqual(done.records, { before: 20, after: left.length }, `${what}: records`)
          assert.equal(done.dryRun, false)
          assert.equal(done.plan, null)
          assert.equal((await backend.scan()).clean, true, `${what}: clean`)
        })
      }
    },
  },
  {
    id: 'plans.survive-reopen',
    group,
    needs: [...needs, 'persistent'],
    promise: 'a plan that an owner made, the next one carries out',
    async run(world) {
      const { backend } = await world.filled(12)
      const { plan, kept } = await planned(world, backend, { maxRecords: 5 })
      const again = await world.reopen(backend)
      await again.append(mixedFacts(2, world.subject.clock.now()))
      await again.compact({ plan })
      assert.deepEqual(await readSeqs(again), [...kept, 13, 14])
    },
  },
]

const refusing: readonly Check[] = [
  {
    id: 'plans.stale-after-compaction',
    group,
    needs,
    promise: 'a plan is stale once a compaction came between, the one that carried it out too',
    async run(world) {
      const { backend } = await world.filled(12)
      const { plan } = await planned(world, backend, { maxRecords: 4 })
      await backend.compact({ policy: { maxRecords: 9 } })
      await refused(backend, 'stale_plan', { plan }, 'a plan from before a compaction')
      const next = await planned(world, backend, { maxRecords: 6 })
      await backend.compact({ plan: next.plan })
      await backend.append(mixedFacts(3, world.subject.clock.now()))
      await refused(backend, 'stale_plan', { plan: next.plan }, 'a plan that was carried out')
    },
  },
  {
    id: 'plans.stale-after-recovery',
    group,
    needs: [...needs, 'persistent', 'recovery', 'damage'],
    promise: 'a plan is stale once a recovery came between',
    async run(world) {
      const plans = new Map<World, string>()
      const prepare = async (other: World, backend: Backend): Promise<void> => {
        plans.set(other, (await planned(other, backend, { maxRecords: 4 })).plan)
      }
      await eachDamage(
        world,
        async (store) => {
          const writer = await store.world.openWriter()
          const consent = consentFor(store, await writer.scan())
          await writer.recover({ mode: 'repair', ...consent })
          const plan = plans.get(store.world) ?? assert.fail('no plan')
          await refused(writer, 'stale_plan', { plan }, `${store.kind}: a plan from before`)
        },
        prepare,
      )
    },
  },
  {
    id: 'plans.no-id-refused',
    group,
    needs,
    promise: 'what is no id of a plan, or was changed, is refused and nothing is changed',
    async run(world) {
      const { backend } = await world.filled(12)
      const { plan } = await planned(world, backend, { maxRecords: 4 })
      for (const none of ['', 'plan', '0', plan.slice(0, -1), `${plan}0`, plan.slice(1)]) {
        const what = `compact by ${JSON.stringify(none)}`
        await refused(backend, 'invalid_argument', { plan: none }, what)
      }
      for (let at = 0; at < plan.length; at += 7) {
        const changed = `${plan.slice(0, at)}${plan[at] === 'A' ? 'B' : 'A'}${plan.slice(at + 1)}`
        const codes = ['invalid_argument', 'stale_plan'] as const
        await refused(backend, codes, { plan: changed }, `a plan changed at ${String(at)}`)
      }
    },
  },
  {
    id: 'plans.of-another-store-refused',
    group,
    needs,
    promise: 'the plan of another store is refused and nothing is changed',
    async run(world) {
      const { backend } = await world.filled(12)
      await world.within(async (other) => {
        const theirs = await other.filled(12)
        const { plan } = await planned(other, theirs.backend, { maxRecords: 4 })
        const codes = ['invalid_argument', 'stale_plan'] as const
        await refused(backend, codes, { plan }, 'the plan of another store')
      })
    },
  },
  {
    id: 'plans.other-policy-refused',
    group,
    needs,
    promise: 'a policy beside a plan must be the one that it was made with',
    async run(world) {
      const { backend } = await world.filled(12)
      const policy = { maxRecords: 4 }
      const { plan, kept } = await planned(world, backend, policy)
      for (const other of [
        { maxRecords: 3 },
        { maxAgeSeconds: 4 },
        { ...policy, maxTotalBytes: 9 },
      ]) {
        const what = `a plan with ${JSON.stringify(other)}`
        await refused(backend, 'invalid_argument', { plan, policy: other }, what)
      }
      await backend.compact({ plan, policy })
      assert.deepEqual(await readSeqs(backend), kept)
    },
  },
]

/** Plans of a dry run that are carried out later. */
export const planChecks: readonly Check[] = [...making, ...carryingOut, ...refusing]
