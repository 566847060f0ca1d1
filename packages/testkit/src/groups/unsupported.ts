import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { expectCode, readAll, sameRecords } from '../expect.js'

const group = 'unsupported'

/** What a backend cannot do is a coded error, never a silent no-op. */
export const unsupportedChecks: readonly Check[] = [
  {
    id: 'unsupported.compact',
    group,
    lacks: ['compaction'],
    promise: 'without the capability compact rejects with unsupported, a dry run too',
    async run(world) {
      const { backend } = await world.filled(6)
      const before = await readAll(backend)
      const policy = { maxRecords: 2 }
      await expectCode('compact', 'unsupported', () => backend.compact({ policy }))
      await expectCode('compact, dry', 'unsupported', () =>
        backend.compact({ policy, dryRun: true }),
      )
      sameRecords(await readAll(backend), before, 'afterwards')
    },
  },
  {
    id: 'unsupported.dry-run',
    group,
    needs: ['compaction'],
    lacks: ['dryRun'],
    promise: 'without the capability a dry run rejects with unsupported instead of deleting',
    async run(world) {
      const { backend } = await world.filled(6)
      const before = await readAll(backend)
      await expectCode('compact, dry', 'unsupported', () =>
        backend.compact({ policy: { maxRecords: 2 }, dryRun: true }),
      )
      sameRecords(await readAll(backend), before, 'afterwards')
    },
  },
  {
    id: 'unsupported.plan',
    group,
    needs: ['compaction'],
    lacks: ['plans'],
    promise: 'without the capability a dry run gives no plan, and a plan rejects with unsupported',
    async run(world) {
      const { backend } = await world.filled(6)
      const before = await readAll(backend)
      const policy = { maxRecords: 2 }
      for (const options of [{ plan: 'p' }, { plan: 'p', policy }]) {
        await expectCode('compact by a plan', 'unsupported', () => backend.compact(options))
      }
      sameRecords(await readAll(backend), before, 'afterwards')
      if (!backend.capabilities.dryRun) return
      assert.equal((await backend.compact({ policy, dryRun: true })).plan, null)
    },
  },
  {
    id: 'unsupported.recover',
    group,
    lacks: ['recovery'],
    promise: 'without the capability recover rejects with unsupported',
    async run(world) {
      await (await world.filled(6)).backend.close()
      const backend = await world.openWriter()
      const before = await readAll(backend)
      await expectCode('recover', 'unsupported', () => backend.recover({ mode: 'repair' }))
      await expectCode('recover, dry', 'unsupported', () =>
        backend.recover({ mode: 'repair', dryRun: true }),
      )
      sameRecords(await readAll(backend), before, 'afterwards')
    },
  },
]
