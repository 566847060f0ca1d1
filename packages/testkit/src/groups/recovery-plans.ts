import assert from 'node:assert/strict'
import type { Backend, PapyraErrorCode, RecoverOptions, RecoveryReport } from '@papyra/contracts'
import type { Check } from '../check.js'
import { consentFor, damageCheck, type DamagedStore } from '../damaged.js'
import { expectCode, readAll, sameRecords } from '../expect.js'

/** Asserts that a plan is refused, and that neither a record nor the history has changed. */
async function refused(
  backend: Backend,
  code: PapyraErrorCode,
  options: RecoverOptions,
  what: string,
): Promise<void> {
  const state = async (): Promise<unknown> => {
    const { history, generation, losses } = await backend.describe()
    return { history, generation, losses }
  }
  const before = await state()
  await expectCode(what, code, () => backend.recover(options))
  assert.deepEqual(await state(), before, `${what}: nothing has changed`)
}

/** The damaged store, open, what a recovery of it is allowed to do, and the plan of that. */
async function planned(store: DamagedStore): Promise<{
  readonly writer: Backend
  readonly options: RecoverOptions
  readonly told: RecoveryReport
  readonly plan: string
}> {
  const writer = await store.world.openWriter()
  const options = { mode: 'repair', ...consentFor(store, await writer.scan()) } as const
  const told = await writer.recover({ ...options, dryRun: true })
  assert.ok(told.plan !== null, `${store.kind}: a dry run gives a plan`)
  return { writer, options, told, plan: told.plan.id }
}

/** What `recover` promises of plans. */
export const recoveryPlanChecks: readonly Check[] = [
  damageCheck(
    'plan-is-carried-out',
    'a dry run gives the id of a plan, another one gives the same; carried out it does what it said',
    async (store) => {
      const { kind } = store
      const { writer, options, told, plan } = await planned(store)
      assert.match(plan, /^[\w.-]+$/, `${kind}: an id is one word`)
      const again = await writer.recover({ ...options, dryRun: true, plan })
      assert.equal(again.plan?.id, plan, `${kind}: the same state gives the same plan`)
      const done = await writer.recover({ ...options, plan })
      assert.equal(done.after?.clean, true, `${kind}: clean`)
      assert.equal(done.plan, null, `${kind}: a real run has no plan`)
      for (const what of ['losses', 'bytesSetAside', 'recordsKept'] as const) {
        assert.deepEqual(done[what], told[what], `${kind}: ${what}`)
      }
    },
  ),
  damageCheck(
    'stale-plan-refused',
    'a plan of a state that is no more is refused with stale_plan, and nothing is changed',
    async (store) => {
      const { kind } = store
      const { writer, options, plan } = await planned(store)
      await writer.recover(options)
      const records = await readAll(writer)
      await refused(
        writer,
        'stale_plan',
        { ...options, plan },
        `${kind}: a plan that was carried out`,
      )
      sameRecords(await readAll(writer), records, `${kind}: after the refusal`)
    },
  ),
  damageCheck(
    'wrong-plan-refused',
    'what is no id, or one of another mode, is refused with invalid_argument, and nothing is changed',
    async (store) => {
      const { kind } = store
      const { writer, options, plan } = await planned(store)
      for (const wrong of ['', 'r1', plan.slice(0, -1), `${plan}0`]) {
        const given = { ...options, plan: wrong }
        await refused(writer, 'invalid_argument', given, `${kind}: the plan ${wrong}`)
      }
      const other = { ...options, mode: 'quarantine', quarantineDir: 'q', plan } as const
      await refused(writer, 'invalid_argument', other, `${kind}: a plan of another mode`)
    },
  ),
]
