import { isPapyraError } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import type { Vfs } from '../../src/index.js'
import { everyFault, memVfs, type FaultContext, type MemVfs } from '../../src/testing/index.js'
import { fact } from '../rewrite/support.js'
import { COUNT, damageCalled, type Damage } from './recover-damage.js'
import { DIR, filled, open, recordsIn } from './recover-support.js'

/** Calls that need room, or that make something durable. */
const OPS = [
  'open',
  'write',
  'truncate',
  'datasync',
  'sync',
  'rename',
  'unlink',
  'syncDir',
] as const
const FAULTS = [{ error: 'ENOSPC' }, { short: 5 }] as const

async function damaged(damage: Damage): Promise<{ base: MemVfs; left: Map<number, string> }> {
  const base = memVfs()
  const before = await filled(base, COUNT)
  await damage.apply(base)
  return { base, left: new Map([...before].filter(([seq]) => !damage.lost.includes(seq))) }
}

async function attempt(vfs: Vfs): Promise<unknown> {
  try {
    const store = await open(vfs)
    try {
      await store.recover({ mode: 'repair', acceptLoss: true, force: true })
      return null
    } finally {
      await store.close()
    }
  } catch (error) {
    return error
  }
}

/** It was refused or completed; with room again it completes, and nothing is lost that was there. */
async function completes(
  sound: MemVfs,
  error: unknown,
  { damage, left }: { damage: Damage; left: ReadonlyMap<number, string> },
  context: FaultContext | null,
): Promise<void> {
  const said = context?.description ?? 'without a fault'
  if (error !== null && !isPapyraError(error)) {
    throw new Error(`${said}: not one of ours`, { cause: error })
  }
  const store = await open(sound.kill())
  try {
    const report = await store.recover({ mode: 'repair', acceptLoss: true, force: true })
    expect(report.after?.anomalies, said).toEqual([])
    if (error === null) expect(report.changed, said).toBe(false)
    expect([...recordsIn(sound)], said).toEqual([...left])
    const { losses } = (await store.recover({ mode: 'repair' })).before
    expect(
      losses.reduce((sum, { records }) => sum + records, 0),
      said,
    ).toBe(damage.lost.length)
    expect((await store.begin()).nextSeq, said).toBe(COUNT + 1)
    await store.append([fact(90)])
  } finally {
    await store.close()
  }
}

describe('every call of a recovery fails once, and for good', () => {
  test.each([
    'torn tail',
    'a flipped bit in a sealed segment',
    'two swapped segments',
    'a flipped bit in the active segment',
    'an orphan',
    'a damaged manifest',
  ])('of: %s', { timeout: 240_000 }, async (name) => {
    const damage = damageCalled(name)
    const { base, left } = await damaged(damage)
    const runs = await everyFault(
      () => base.clone(),
      async (vfs, sound, context) => {
        await completes(sound, await attempt(vfs), { damage, left }, context)
      },
      { ops: OPS, faults: FAULTS, paths: (path) => path.startsWith(DIR) },
    )
    expect(runs).toBeGreaterThan(50)
  })
})

/** Bytes of all files of the store. */
async function used(vfs: MemVfs): Promise<number> {
  const names = await vfs.readdir(DIR)
  return names.reduce((sum, name) => sum + vfs.bytes(`${DIR}/${name}`).length, 0)
}

test('a torn tail is mended where only a few KiB are free', async () => {
  const { base, left } = await damaged(damageCalled('torn tail'))
  base.capacity = (await used(base)) + 6 * 1024
  const store = await open(base)
  expect((await store.recover({ mode: 'repair' })).after?.anomalies).toEqual([])
  await store.close()
  expect([...recordsIn(base)]).toEqual([...left])
})

test('without room for a copy a recovery is refused beforehand, and leaves nothing', async () => {
  const { base } = await damaged(damageCalled('a flipped bit in a sealed segment'))
  base.capacity = (await used(base)) + 100
  const names = await base.readdir(DIR)
  const store = await open(base)
  await expect(store.recover({ mode: 'repair', acceptLoss: true })).rejects.toMatchObject({
    code: 'io_error',
    details: { errno: 'ENOSPC' },
  })
  expect(await base.readdir(DIR)).toEqual(names)
  base.capacity = Number.POSITIVE_INFINITY
  expect((await store.recover({ mode: 'repair', acceptLoss: true })).after?.anomalies).toEqual([])
  await store.close()
})
