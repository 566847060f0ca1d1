import type { Buffer } from 'node:buffer'
import type { RecoveryReport } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { scanSegments } from '../../src/segments/scan-segments.js'
import {
  everyCrash,
  everyOmittedSync,
  memVfs,
  type CrashContext,
  type MemVfs,
} from '../../src/testing/index.js'
import { fact, SAMPLING } from '../rewrite/support.js'
import { COUNT, damageCalled, DAMAGES, type Damage } from './recover-damage.js'
import { DIR, filled, open, recordsIn } from './recover-support.js'

interface Damaged {
  readonly start: MemVfs
  readonly damage: Damage
  /** The records before the damage. */
  readonly before: ReadonlyMap<number, string>
  /** What a recovery takes out of the store. */
  readonly evidence: readonly Buffer[]
}

async function damaged(damage: Damage): Promise<Damaged> {
  const start = memVfs()
  const before = await filled(start, COUNT)
  await damage.apply(start)
  // What the lock file holds is of no account: no states of it.
  const lock = await start.open(`${DIR}/store.lock`, 'read-write')
  await lock.sync()
  await lock.close()
  const { segments, extras } = await scanSegments(start, DIR)
  const taken = segments.flatMap(({ path, scan }) =>
    (scan?.setAside ?? []).map(({ offset, end }) => start.bytes(path).subarray(offset, end)),
  )
  const whole = extras.filter(({ what }) => what !== 'trace').map(({ path }) => start.bytes(path))
  return { start, damage, before, evidence: [...taken, ...whole] }
}

/** Nothing that was taken out is gone: each stretch stands in some file of the folder. */
async function keepsEvidence(vfs: MemVfs, evidence: readonly Buffer[]): Promise<void> {
  const names = (await vfs.readdir(DIR)).filter((name) => !name.startsWith('store.'))
  const kept = names.map((name) => vfs.bytes(`${DIR}/${name}`))
  for (const bytes of evidence) {
    const there = kept.some((file) => file.includes(bytes))
    expect(there, bytes.toString('latin1')).toBe(true)
  }
}

async function recover(vfs: MemVfs): Promise<RecoveryReport> {
  const store = await open(vfs)
  try {
    return await store.recover({ mode: 'repair', acceptLoss: true, force: true })
  } finally {
    await store.close()
  }
}

/** What a recovery that was interrupted anywhere, then run again, must come to. */
async function recovers(vfs: MemVfs, from: Damaged, context?: CrashContext<true>): Promise<void> {
  const { damage, before, evidence } = from
  const report = await recover(vfs)
  await keepsEvidence(vfs, evidence)
  expect(report.after?.anomalies).toEqual([])
  if (context?.witness === true) expect(report.changed).toBe(false)
  const store = await open(vfs)
  try {
    const again = await store.recover({ mode: 'repair' })
    expect(again.changed).toBe(false)
    const left = [...before].filter(([seq]) => !damage.lost.includes(seq))
    expect([...recordsIn(vfs)]).toEqual(left)
    const { losses } = again.before
    const recorded = losses.reduce((sum, loss) => sum + loss.records, 0)
    expect(recorded, 'records on record as lost').toBe(damage.lost.length)
    for (const seq of damage.lost) {
      expect(losses.some((l) => l.seq !== null && l.seq.first <= seq && seq <= l.seq.last)).toBe(
        true,
      )
    }
    const { nextSeq } = await store.begin()
    expect(nextSeq).toBe(COUNT + 1)
    await store.append([fact(nextSeq)])
  } finally {
    await store.close()
  }
  const last = await open(vfs)
  const seen = await last.scan()
  expect(seen.anomalies).toEqual([])
  expect(seen.notices.filter(({ code }) => code === 'interrupted_work')).toEqual([])
  await last.close()
}

async function interrupted(vfs: MemVfs, say: (said: true) => void): Promise<void> {
  await recover(vfs)
  say(true)
}

describe.each(DAMAGES)('recovery of: $name', (damage) => {
  test('may be killed, and lose its power, at any moment', { timeout: 120_000 }, async () => {
    const from = await damaged(damage)
    const report = await everyCrash<true>(
      interrupted,
      (vfs, context) => recovers(vfs, from, context),
      { ...SAMPLING, start: from.start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(5)
  })
})

const LONG = process.env['PAPYRA_LONG'] !== undefined

describe('recovery inside recovery inside recovery', () => {
  const few = { samples: 0, exhaustiveUpTo: 1, maxFailures: 1 }

  // Of so many states that a recovery may leave, one is recovered again at every moment.
  test.each([
    { name: 'torn tail', every: 19 },
    { name: 'a missing segment and a flipped bit in another', every: 41 },
    { name: 'a flipped bit in the active segment', every: 41 },
    { name: 'no manifest, and a missing segment', every: 13 },
  ])('of: $name', { timeout: LONG ? 3_600_000 : 240_000 }, async ({ name, every }) => {
    const from = await damaged(damageCalled(name))
    const counts = [0, 0, 0]
    const run = async (start: MemVfs, depth: number): Promise<void> => {
      const report = await everyCrash<true>(
        interrupted,
        async (vfs, context) => {
          const n = (counts[depth] ?? 0) + 1
          counts[depth] = n
          if (depth === 2) await recovers(vfs, from, context)
          else if (n % (LONG ? 5 : every) === 0) await run(vfs, depth + 1)
        },
        { ...few, start },
      )
      expect(report.failures).toEqual([])
    }
    await run(from.start, 0)
    expect(counts[2]).toBeGreaterThan(20)
  })
})

describe('every sync of a recovery is needed, but for some that only come early', () => {
  test.each([
    // The folder is synced behind the `.removed` file, before traces go, behind the announcement, and
    // behind the mark: the next sync of the folder, still before what relies on it, would do as well;
    // files that nobody announced are known by their generation, or set aside. The active segment
    // was synced when its owner closed it, and its name is synced again with its mark.
    {
      name: 'a missing segment and a flipped bit in another',
      early: ['syncDir', 'syncDir', 'syncDir', 'sync', 'syncDir', 'syncDir'],
    },
    // The same; and behind the manifest: what it said before is still true of the log that was cut.
    { name: 'torn tail', early: ['syncDir', 'syncDir', 'syncDir', 'syncDir'] },
  ])('$name', { timeout: LONG ? 3_600_000 : 240_000 }, async ({ name, early }) => {
    const from = await damaged(damageCalled(name))
    const { syncs, unnoticed } = await everyOmittedSync<true>(
      interrupted,
      (vfs, context) => recovers(vfs, from, context),
      { start: from.start, samples: 1, exhaustiveUpTo: 8 },
    )
    expect(syncs).toBeGreaterThan(5)
    expect(unnoticed.map((op) => op.name)).toEqual(early)
  })
})
