import assert from 'node:assert/strict'
import type { ScanOptions, ScanReport } from '@papyra/contracts'
import type { Check, Need } from '../check.js'
import { eachDamage, openAndRecover } from '../damaged.js'
import { eventFact } from '../facts.js'
import type { World } from '../world.js'

const group = 'scan'
const needs: readonly Need[] = ['persistent', 'checksums']
const DAY_MS = 86_400_000

/** A store that was scanned and closed, and when it was scanned. */
async function verified(world: World): Promise<number> {
  const { clock } = world.subject
  const { backend } = await world.filled(60)
  clock.advance(1000)
  const at = clock.now()
  assert.equal((await backend.scan()).clean, true)
  clock.advance(1000)
  await backend.close()
  return at
}

/** What a reader finds that looks no deeper than it must. */
async function look(world: World, options: ScanOptions = {}): Promise<ScanReport> {
  const reader = await world.openReader()
  const report = await reader.scan({ coverage: 'auto', ...options })
  await reader.close()
  return report
}

/** When a store was last verified, and what a scan leaves out because of that. */
export const verifiedChecks: readonly Check[] = [
  {
    id: 'scan.verified-by-the-owner',
    group,
    needs,
    promise: 'a full scan by the owner that finds nothing is told as verifiedAt; a reader’s is not',
    async run(world) {
      const { clock } = world.subject
      const { backend } = await world.filled(6)
      clock.advance(1000)
      const at = clock.now()
      await backend.scan()
      const reader = await world.openReader()
      assert.equal((await backend.describe()).verifiedAt, at, 'by the owner')
      assert.equal((await reader.describe()).verifiedAt, at, 'beside it')
      clock.advance(1000)
      await reader.scan()
      assert.equal((await backend.describe()).verifiedAt, at, 'after a scan by a reader')
      await backend.append([eventFact()])
      await backend.close()
      assert.equal((await reader.describe()).verifiedAt, at, 'after the close')
    },
  },
  {
    id: 'scan.tells-what-it-left-out',
    group,
    needs,
    promise:
      'a scan that left something out says what, and when that was verified; a full one nothing',
    async run(world) {
      const at = await verified(world)
      const report = await look(world)
      assert.equal(report.clean, true)
      const reader = await world.openReader()
      const full = await reader.scan()
      assert.deepEqual([full.coverage, full.unread], ['full', null], 'a full scan')
      const left = report.unread
      if (report.coverage !== 'quick') {
        assert.equal(left, null, 'where everything was read')
        return
      }
      assert.ok(left !== null, 'a quick scan must tell what it left out')
      assert.equal(left.verifiedAt, at, 'when that was last verified')
      assert.ok(left.bytes >= 0 && left.bytes <= report.bytes, `${String(left.bytes)} bytes`)
      assert.equal(left.files > 0, left.bytes > 0, `${String(left.files)} files`)
    },
  },
  {
    id: 'scan.auto-only-while-verified',
    group,
    needs,
    promise: 'coverage auto reads everything once the last verification is as old as is allowed',
    async run(world) {
      const at = await verified(world)
      const { clock } = world.subject
      const none = await look(world, { maxVerifiedAgeMs: 0 })
      assert.equal(none.coverage, 'full', 'where no age is allowed')
      clock.setWallTime(at + 5000)
      const old = await look(world, { maxVerifiedAgeMs: 5000 })
      assert.equal(old.coverage, 'full', 'as old as is allowed')
      clock.setWallTime(at + DAY_MS)
      const dayOld = await look(world)
      assert.deepEqual([dayOld.coverage, dayOld.unread], ['full', null], 'a day by default')
    },
  },
  {
    id: 'scan.auto-full-unless-closed',
    group,
    needs,
    promise: 'coverage auto reads everything of a store that was not closed since it began',
    async run(world) {
      await verified(world)
      const backend = await world.begun()
      await backend.append([eventFact()])
      assert.equal((await look(world)).coverage, 'full', 'by a reader beside the owner')
    },
  },
  {
    id: 'scan.auto-sees-damage',
    group,
    needs: [...needs, 'recovery', 'damage'],
    promise:
      'coverage auto is never clean on a store whose files somebody wrote to since its close',
    async run(world) {
      for (const kind of world.subject.damage?.kinds ?? []) {
        await world.within(async (other) => {
          await verified(other)
          const { records } = await look(other, { coverage: 'full' })
          assert.equal(records, 60, 'records before the damage')
          await other.subject.damage?.apply(kind)
          const full = await look(other, { coverage: 'full' })
          assert.equal(full.clean, false, `${kind}: a damaged store must not be clean`)
          assert.equal((await look(other)).clean, false, `${kind}: not seen by a quick look`)
        })
      }
    },
  },
  {
    id: 'scan.verified-by-recovery',
    group,
    needs: [...needs, 'recovery', 'damage'],
    promise: 'a recovery that ended clean is a verification',
    async run(world) {
      await eachDamage(world, async (store) => {
        const { clock } = store.world.subject
        clock.advance(1000)
        const writer = await openAndRecover(store)
        assert.equal((await writer.describe()).verifiedAt, clock.now(), `${store.kind}: recovered`)
        await writer.close()
        const { verifiedAt } = await (await store.world.openReader()).describe()
        assert.equal(verifiedAt, clock.now(), `${store.kind}: after the close`)
      })
    },
  },
]
