import assert from 'node:assert/strict'
import type { Backend, RecoverOptions, ScanReport, StoredRecord } from '@papyra/contracts'
import type { Check, Need } from './check.js'
import { readAll } from './expect.js'
import type { DamageOutcome } from './subject.js'
import type { World } from './world.js'

/** How many records a store has when it is damaged. */
export const RECORDS_BEFORE_DAMAGE = 20

/** A closed store that was damaged in one way, and what it held before. */
export interface DamagedStore {
  readonly kind: string
  readonly world: World
  readonly outcome: DamageOutcome
  readonly before: readonly StoredRecord[]
}

/**
 * Fills and closes a new store, damages it, and hands it over; once for every kind of damage.
 * `prepare` comes before the close.
 */
export async function eachDamage(
  world: World,
  visit: (store: DamagedStore) => Promise<void>,
  prepare: (world: World, backend: Backend) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const kinds = world.subject.damage?.kinds ?? []
  assert.ok(kinds.length > 0, 'the subject names no kind of damage')
  for (const kind of kinds) {
    await world.within(async (other) => {
      const { backend } = await other.filled(RECORDS_BEFORE_DAMAGE)
      const before = await readAll(backend)
      assert.equal(before.length, RECORDS_BEFORE_DAMAGE, 'records before the damage')
      await prepare(other, backend)
      await backend.close()
      const outcome = await other.subject.damage?.apply(kind)
      assert.ok(outcome !== undefined)
      await visit({ kind, world: other, outcome, before })
    })
  }
}

/** Asserts that the report holds the expected anomaly against the store, at a place. */
export function seesDamage(report: ScanReport, { kind, outcome }: DamagedStore): void {
  const codes = report.anomalies.map((anomaly) => anomaly.code)
  assert.equal(report.clean, false, `${kind}: a damaged store must not be clean`)
  assert.ok(
    codes.includes(outcome.expectCode),
    `${kind}: a scan must report ${outcome.expectCode}, not ${codes.join(', ')}`,
  )
}

/** What recovery needs to be allowed to mend this store. */
export function consentFor(
  { outcome }: DamagedStore,
  report: ScanReport,
): Pick<RecoverOptions, 'acceptLoss' | 'force'> {
  return { acceptLoss: outcome.lossExpected, force: report.consent.force }
}

/** Opens the damaged store for writing and recovers it with all the consent that it needs. */
export async function openAndRecover(store: DamagedStore): Promise<Backend> {
  const backend = await store.world.openWriter()
  const consent = consentFor(store, await backend.scan())
  await backend.recover({ mode: 'repair', ...consent })
  return backend
}

const needs: readonly Need[] = ['recovery', 'persistent', 'damage']

/** A check that visits a store with each kind of damage in turn. */
export function damageCheck(
  name: string,
  promise: string,
  visit: (store: DamagedStore) => Promise<void>,
  more: readonly Need[] = [],
): Check {
  return {
    id: `recovery.${name}`,
    group: 'recovery',
    promise,
    needs: [...needs, ...more],
    run: (world) => eachDamage(world, visit),
  }
}
