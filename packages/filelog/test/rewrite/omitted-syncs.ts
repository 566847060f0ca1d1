import type { AnomalyCode } from '@papyra/contracts'
import { expect } from 'vitest'
import {
  everyCrash,
  isSync,
  type CrashContext,
  type EveryCrashOptions,
  type MemOp,
  type MemVfs,
} from '../../src/testing/index.js'
import { decodeSlot, SLOT_BYTES } from '../../src/format/ack-mark.js'
import { readSidecarFile } from '../../src/write/sidecar-file.js'
import { bySeq, holds, LOG, open, readAll, SAMPLING } from './support.js'

type Scenario<Witness> = (vfs: MemVfs, say: (witness: Witness) => void) => Promise<void>
type Check<Witness> = (vfs: MemVfs, context: CrashContext<Witness>) => Promise<void>

function tidy(path: string): string {
  return path.replace('/data/', '').replace(/[0-9a-f]{12}/, '*')
}

/**
 * Names each sync of a run: what is synced and, for a folder, which change of it came last. Syncs of
 * the same name are counted.
 */
function named(ops: readonly MemOp[]): Map<number, string> {
  const names = new Map<number, string>()
  const times = new Map<string, number>()
  let change = 'the kill'
  for (const op of ops) {
    const { name, path, index } = op
    if (['create', 'rename', 'unlink', 'mkdir'].includes(name)) change = `${name} ${tidy(path)}`
    if (!isSync(op)) continue
    const plain = name === 'syncDir' ? `syncDir behind ${change}` : `${name} ${tidy(path)}`
    const n = (times.get(plain) ?? 0) + 1
    times.set(plain, n)
    names.set(index, n === 1 ? plain : `${plain}, ${n}`)
  }
  return names
}

/** A sync that may be missing, and why nothing is lost by that. */
export interface Early {
  readonly sync: string
  readonly why: string
}

/** Of the operation before which, or half-way through which, a state was taken; none at the end. */
function indexIn(description: string): number {
  return Number(/\((\d+)\)/.exec(description)?.[1] ?? Number.POSITIVE_INFINITY)
}

/** True if some state that a power cut leaves of the scenario without this sync fails the check. */
async function isCaught<Witness>(
  sync: MemOp,
  scenario: Scenario<Witness>,
  check: Check<Witness>,
  options: EveryCrashOptions,
): Promise<boolean> {
  const { failures } = await everyCrash<Witness>(
    scenario,
    // What is left at a kill, or up to this sync, is what it is with the sync: it was checked.
    async (vfs, context) => {
      if (context.kind === 'kill' || indexIn(context.description) <= sync.index) return
      await check(vfs, context)
    },
    { ...options, omit: ({ index }) => index === sync.index, maxFailures: 1 },
  )
  return failures.length > 0
}

/**
 * Sees first that the scenario, as it is, survives every crash; then leaves out each of its syncs in
 * turn. The check has to fail for each of them but those that are `early`, and for these it must not.
 */
export async function missesEachSync<Witness>(
  start: MemVfs,
  scenario: Scenario<Witness>,
  check: Check<Witness>,
  early: readonly Early[],
): Promise<void> {
  const options = { ...SAMPLING, start }
  const whole = await everyCrash(scenario, check, options)
  expect(whole.failures).toEqual([])
  const names = named(whole.ops)
  const uncaught: string[] = []
  for (const sync of whole.ops.filter(isSync)) {
    if (await isCaught(sync, scenario, check, options)) continue
    uncaught.push(names.get(sync.index) ?? '')
  }
  expect(uncaught).toEqual(early.map(({ sync }) => sync))
  expect(names.size - uncaught.length, 'syncs that were missed').toBeGreaterThanOrEqual(3)
}

/** The machine as it is, with the lock file's content synced: its fate is of no interest here. */
export async function settled(vfs: MemVfs): Promise<MemVfs> {
  const copy = vfs.clone()
  const file = await copy.open(`${LOG}.lock`, 'read-write')
  await file.datasync()
  await file.close()
  return copy.clone()
}

/** After a power cut what was only flushed may be gone; what is `durable` must be there. */
export async function survives(
  vfs: MemVfs,
  context: CrashContext<unknown>,
  durable: ReadonlyMap<number, string>,
): Promise<void> {
  const store = await open(vfs)
  const { anomalyCounts } = await store.scan()
  for (const beside of ['sidecar_damaged', 'mark_damaged']) {
    expect(anomalyCounts[beside as AnomalyCode] ?? 0, beside).toBe(0)
  }
  const report = await store.recover({ mode: 'repair', acceptLoss: true, force: true })
  expect(report.after?.anomalies).toEqual([])
  await store.close()
  await holds(vfs, context, { acked: durable })
}

/** What a store holds, by number, as one who only reads it sees it. */
export async function seenIn(vfs: MemVfs): Promise<Map<number, string>> {
  const store = await open(vfs, { access: 'read' })
  try {
    return bySeq(await readAll(store))
  } finally {
    await store.close()
  }
}

/** What a store's sidecar says: that its owner closed it, or that it has an owner. */
export async function says(
  vfs: MemVfs,
  what: 'closed' | 'owned',
  log: string = LOG,
): Promise<void> {
  const there = await readSidecarFile(vfs, log)
  if (there.state !== 'ok') throw new Error(`the sidecar is ${there.state}`)
  expect(there.sidecar.clean ? 'closed' : 'owned', 'what the sidecar says').toBe(what)
}

/** The mark, a bound for what was acknowledged, names at least this number of this generation. */
export async function isMarked(
  vfs: MemVfs,
  seq: number,
  slots: 'either slot' | 'both slots' = 'either slot',
  generation: number = 1,
): Promise<void> {
  const bytes = vfs.bytes(`${LOG}.mark`)
  const there = [0, 1].map((i) => decodeSlot(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)))
  const good = there.filter(
    (slot) => slot !== null && slot.acked >= seq && slot.generation >= generation,
  )
  expect(good.length, 'slots that name it').toBeGreaterThanOrEqual(slots === 'both slots' ? 2 : 1)
}
