import { describe, expect, test } from 'vitest'
import type { RecoveryReport } from '@papyra/contracts'
import { everyCrash, everyOmittedSync, memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { DAMAGES, type Damage } from './damage.js'
import { bySeq, fact, filled, open, readAll } from './support.js'

const COUNT = 12

async function damaged(damage: Damage): Promise<{ start: MemVfs; before: ReadonlyMap<number, string> }> {
  const start = memVfs()
  const before = bySeq(await filled(start, COUNT))
  damage.apply(start)
  return { start, before }
}

async function recover(vfs: MemVfs): Promise<RecoveryReport> {
  const store = await open(vfs)
  try {
    return await store.recover({ mode: 'repair', acceptLoss: true })
  } finally {
    await store.close()
  }
}

/** What a recovery that was interrupted anywhere, then run again, must come to. */
async function recovers(
  vfs: MemVfs,
  damage: Damage,
  before: ReadonlyMap<number, string>,
  context?: CrashContext<true>,
): Promise<void> {
  const report = await recover(vfs)
  expect(report.after?.anomalies).toEqual([])
  if (context?.witness === true) expect(report.changed).toBe(false)
  const store = await open(vfs)
  try {
    const again = await store.recover({ mode: 'repair' })
    expect(again.changed).toBe(false)
    const left = bySeq(await readAll(store))
    const expected = [...before].filter(([seq]) => !damage.lost.includes(seq))
    expect([...left]).toEqual(expected)
    const { losses } = again.before
    const recorded = losses.reduce((sum, loss) => sum + loss.records, 0)
    expect(recorded, 'records on record as lost').toBe(damage.lost.length)
    for (const seq of damage.lost) {
      expect(losses.some((l) => l.seq !== null && l.seq.first <= seq && seq <= l.seq.last)).toBe(true)
    }
    const { nextSeq } = await store.begin()
    expect(nextSeq).toBe(COUNT + 1)
    await store.append([fact(nextSeq)])
  } finally {
    await store.close()
  }
  const last = await open(vfs)
  expect((await last.scan()).anomalies).toEqual([])
  await last.close()
}

describe.each(DAMAGES)('recovery of: $name', (damage) => {
  test('mends, keeps every intact record, and a second run changes nothing', async () => {
    const { start, before } = await damaged(damage)
    const store = await open(start)
    expect((await store.scan()).clean).toBe(false)
    const consent = damage.lost.length > 0
    if (consent) {
      await expect(store.recover({ mode: 'repair' })).rejects.toMatchObject({ code: 'accept_loss_required' })
    }
    const report = await store.recover({ mode: 'repair', acceptLoss: consent })
    expect(report.changed).toBe(true)
    await store.close()
    await recovers(start, damage, before)
  })

  test('may be killed, and lose its power, at any moment', async () => {
    const { start, before } = await damaged(damage)
    const report = await everyCrash<true>(
      async (vfs, say) => {
        await recover(vfs)
        say(true)
      },
      (vfs, context) => recovers(vfs, damage, before, context),
      { start, samples: 8, exhaustiveUpTo: 32 },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(5)
  })
})

describe('recovery inside recovery', () => {
  test.each(DAMAGES.filter(({ name }) => ['flipped bit', 'cut at a line', 'torn tail'].includes(name)))(
    'a second recovery of $name may be killed too',
    async (damage) => {
      const { start, before } = await damaged(damage)
      let inner = 0
      const outer = await everyCrash<true>(
        async (vfs, say) => {
          await recover(vfs)
          say(true)
        },
        async (vfs) => {
          const report = await everyCrash<true>(
            async (machine, say) => {
              await recover(machine)
              say(true)
            },
            (machine, context) => recovers(machine, damage, before, context),
            { start: vfs, samples: 1, exhaustiveUpTo: 4 },
          )
          inner += report.states
          expect(report.failures).toEqual([])
        },
        { start, samples: 1, exhaustiveUpTo: 2, maxFailures: 1 },
      )
      expect(outer.failures).toEqual([])
      expect(inner).toBeGreaterThan(200)
    },
  )
})

test('no sync of a recovery is needless', async () => {
  const damage = DAMAGES.find(({ name }) => name === 'flipped bit') as Damage
  const { start, before } = await damaged(damage)
  const { syncs, unnoticed } = await everyOmittedSync<true>(
    async (vfs, say) => {
      await recover(vfs)
      say(true)
    },
    (vfs, context) => recovers(vfs, damage, before, context),
    { start, samples: 8, exhaustiveUpTo: 32 },
  )
  expect(syncs).toBeGreaterThan(5)
  expect(unnoticed.map(({ name, path }) => `${name} ${path}`)).toEqual([])
})
