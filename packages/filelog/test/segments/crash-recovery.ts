import type { Buffer } from 'node:buffer'
import { expect } from 'vitest'
import type { RecoveryReport } from '@papyra/contracts'
import { scanSegments } from '../../src/segments/scan-segments.js'
import { memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { COUNT, damageCalled, type Damage } from './recover-damage.js'
import { DIR, filled, MANIFEST, open, remove, segmentAt } from './recover-support.js'
import { fact, manifestOf, strictly } from './support.js'

/** A store that was damaged, and what a recovery owes it. */
export interface DamagedStore {
  readonly start: MemVfs
  readonly damage: Damage
  /** The records that stay, by number. */
  readonly left: ReadonlyMap<number, string>
  /** What goes out of the store: it has to stand in some file afterwards. */
  readonly evidence: readonly Buffer[]
}

/** Only the mark tells that there was an active segment, and that must not be forgotten half-way. */
const ONLY_ITS_MARK: Damage = {
  name: 'no manifest, and of the active segment only its mark',
  code: 'manifest_damaged',
  lost: [10, 11, 12],
  apply: async (vfs) => {
    await remove(vfs, await segmentAt(vfs, 10))
    await remove(vfs, MANIFEST)
  },
}

export async function damagedStore(name: string): Promise<DamagedStore> {
  const damage = name === ONLY_ITS_MARK.name ? ONLY_ITS_MARK : damageCalled(name)
  const start = memVfs()
  const before = await filled(start, COUNT)
  await damage.apply(start)
  const { segments, extras } = await scanSegments(start, DIR)
  const taken = segments.flatMap(({ path, scan }) =>
    (scan?.setAside ?? []).map(({ offset, end }) => start.bytes(path).subarray(offset, end)),
  )
  const whole = extras.filter(({ what }) => what !== 'trace').map(({ path }) => start.bytes(path))
  const left = new Map([...before].filter(([seq]) => !damage.lost.includes(seq)))
  return { start, damage, left, evidence: [...taken, ...whole] }
}

async function recover(vfs: MemVfs): Promise<RecoveryReport> {
  const store = await open(vfs)
  try {
    return await store.recover({ mode: 'repair', acceptLoss: true, force: true })
  } finally {
    await store.close()
  }
}

/** Recovers, and says when it is done. */
export async function recoverAndSay(vfs: MemVfs, say: (done: true) => void): Promise<void> {
  await recover(vfs)
  say(true)
}

async function keepsEvidence(vfs: MemVfs, evidence: readonly Buffer[]): Promise<void> {
  const names = (await vfs.readdir(DIR)).filter((name) => !name.startsWith('store.'))
  const files = names.map((name) => vfs.bytes(`${DIR}/${name}`))
  for (const bytes of evidence) {
    const there = files.some((file) => file.includes(bytes))
    expect(there, `what was taken out: ${bytes.toString('latin1')}`).toBe(true)
  }
}

/** What a recovery that was interrupted anywhere, then run again, must come to. */
export async function recovered(
  vfs: MemVfs,
  context: CrashContext<true>,
  { damage, left, evidence }: DamagedStore,
): Promise<void> {
  await keepsEvidence(vfs, evidence)
  const { changed, after } = await recover(vfs)
  expect(after?.anomalies).toEqual([])
  if (context.witness === true) expect(changed, 'once it is done').toBe(false)
  await keepsEvidence(vfs, evidence)
  const { records } = await strictly(vfs, DIR)
  expect([...records.keys()]).toEqual([...left.keys()])
  const { losses } = manifestOf(vfs, DIR)
  const recorded = losses.reduce((sum, loss) => sum + loss.records, 0)
  expect(recorded, 'records on record as lost').toBe(damage.lost.length)
  await goesOn(vfs, left)
}

/** It takes appends again, and stays sound. */
async function goesOn(vfs: MemVfs, left: ReadonlyMap<number, string>): Promise<void> {
  const store = await open(vfs)
  const { nextSeq } = await store.begin()
  expect(nextSeq).toBe(COUNT + 1)
  for (let n = 0; n < 4; n++) await store.append([fact(nextSeq + n)])
  await store.close()
  const { records, unnamed } = await strictly(vfs, DIR)
  expect(unnamed).toEqual([])
  expect([...records].slice(0, left.size)).toEqual([...left])
  expect(records.size).toBe(left.size + 4)
  const again = await open(vfs, { access: 'read' })
  expect((await again.scan({ coverage: 'full' })).anomalies).toEqual([])
  await again.close()
}
