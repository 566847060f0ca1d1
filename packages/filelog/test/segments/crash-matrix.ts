import { decodeSlot, SLOT_BYTES } from '../../src/format/ack-mark.js'
import { parseSegmentName, segmentPath } from '../../src/segments/names.js'
import {
  everyCrash,
  type CrashContext,
  type CrashReport,
  type EveryCrashOptions,
  type MemVfs,
} from '../../src/testing/index.js'
import { expect } from 'vitest'
import type { SegmentStore, SegmentStoreOptions } from '../../src/index.js'
import { compactTo } from './compact-support.js'
import {
  create,
  DIR,
  facts,
  holds,
  manifestOf,
  open,
  SAMPLING,
  storedAs,
  strictly,
} from './support.js'

/** True in the long run, which takes many more mixtures of what a power cut leaves. */
export const LONG: boolean = process.env['PAPYRA_LONG'] !== undefined

const LOCK = `${DIR}/store.lock`

/** Three records a segment. */
export const THREE: Partial<SegmentStoreOptions> = { seal: { maxRecords: 3 } }

const sampling = LONG ? SAMPLING : { samples: 2, exhaustiveUpTo: 12 }

/** What an owner was told until then. */
export interface Said {
  readonly acked: ReadonlyMap<number, string>
  /** What of it has to survive a power cut as well. */
  readonly durable: ReadonlyMap<number, string>
  readonly phase: 'none' | 'owned' | 'closing' | 'closed'
  /** The last number that the mark of the active segment has to name after a power cut. */
  readonly marked: number
}

export const NOTHING: Said = { acked: new Map(), durable: new Map(), phase: 'none', marked: 0 }

/** What a check gives back for a state that it did not look at. */
export const SKIPPED = 'skipped'

/** Counts the states that were checked in all runs, by what was done. */
export class Tally {
  readonly #states: Map<string, number> = new Map()

  async run<Witness>(
    what: string,
    scenario: (vfs: MemVfs, say: (witness: Witness) => void) => Promise<void>,
    check: (vfs: MemVfs, context: CrashContext<Witness>) => Promise<unknown>,
    options: EveryCrashOptions,
  ): Promise<CrashReport> {
    const seen = new Map<Witness | undefined, Set<string>>()
    const once = async (vfs: MemVfs, context: CrashContext<Witness>): Promise<void> => {
      // What the lock file says is a courtesy: states that differ in it alone are one.
      const copy = vfs.clone()
      if ((await copy.stat(LOCK)) !== null) copy.put(LOCK, '')
      const known = seen.get(context.witness) ?? new Set()
      const key = `${context.kind} ${copy.fingerprint()}`
      if (known.has(key)) return
      seen.set(context.witness, known.add(key))
      if ((await check(vfs, context)) === SKIPPED) return
      this.#states.set(what, (this.#states.get(what) ?? 0) + 1)
    }
    const report = await everyCrash(scenario, once, { ...sampling, maxFailures: 1, ...options })
    expect(report.failures, what).toEqual([])
    return report
  }

  get count(): number {
    return [...this.#states.values()].reduce((sum, n) => sum + n, 0)
  }

  /** The numbers, for the console. */
  text(): string {
    const all = this.count
    const rows = [...this.#states].map(([what, n]) => `  ${what}: ${n}`)
    return [`${all} crash states of a store of segments were checked:`, ...rows].join('\n')
  }
}

/** A store with the records 1 to `count`, three in each segment; and what it holds, by number. */
export async function made(vfs: MemVfs, count: number): Promise<Map<number, string>> {
  await create(vfs)
  const store = await open(vfs, THREE)
  await store.begin()
  const acked = await appendAll(vfs, store, 1, count)
  await store.close()
  return acked
}

/** Appends the facts `from` to `from + count - 1`, three in a call; gives them as they are stored. */
export async function appendAll(
  vfs: MemVfs,
  store: SegmentStore,
  from: number,
  count: number,
  told: (acked: ReadonlyMap<number, string>) => void = () => undefined,
): Promise<Map<number, string>> {
  const { logId } = manifestOf(vfs)
  const acked = new Map<number, string>()
  for (let n = from; n < from + count; n += 3) {
    const given = facts(n, Math.min(3, from + count - n))
    const { firstSeq } = await store.append(given)
    for (const [seq, json] of storedAs(logId, given, firstSeq)) acked.set(seq, json)
    told(new Map(acked))
  }
  return acked
}

function slotsNaming(vfs: MemVfs, seq: number): number {
  const bytes = vfs.bytes(`${segmentPath(DIR, manifestOf(vfs).active)}.mark`)
  const slots = [0, 1].map((i) => decodeSlot(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)))
  return slots.filter((slot) => slot !== null && slot.acked >= seq).length
}

/** What was only flushed may be gone after a power cut, with a word; what is durable must be there. */
async function survives(
  vfs: MemVfs,
  context: CrashContext<unknown>,
  durable: ReadonlyMap<number, string>,
): Promise<void> {
  const store = await open(vfs, THREE)
  const { anomalyCounts } = await store.scan()
  for (const beside of ['manifest_damaged', 'mark_damaged', 'orphan_segment'] as const) {
    expect(anomalyCounts[beside] ?? 0, beside).toBe(0)
  }
  const report = await store.recover({ mode: 'repair', acceptLoss: true, force: true })
  expect(report.after?.anomalies).toEqual([])
  await store.close()
  await holds(vfs, context, { acked: durable }, THREE)
}

/** Holds a store after a crash to what its owner was told. */
export async function keeps(vfs: MemVfs, context: CrashContext<Said>): Promise<void> {
  const { acked, durable, phase, marked } = context.witness ?? NOTHING
  if (phase === 'owned' || phase === 'closed') {
    expect(manifestOf(vfs).clean, 'the manifest says that it was closed').toBe(phase === 'closed')
  }
  const slots = slotsNaming(vfs, marked)
  expect(slots, 'slots of the mark').toBeGreaterThanOrEqual(phase === 'closed' ? 2 : 1)
  if (context.kind === 'kill' || acked === durable) return holds(vfs, context, { acked }, THREE)
  await survives(vfs, context, durable)
}

/** Compacts a store at rest, so that only these stay, and says when it is done. */
export async function compactAtRest(vfs: MemVfs, stays: (seq: number) => boolean): Promise<void> {
  const store = await open(vfs, THREE)
  try {
    // A crash may have left a torn tail.
    await store.recover({ mode: 'repair' })
    const result = await compactTo(store, stays)
    if (result !== null) expect(result.verified).toBe(true)
  } finally {
    await store.close()
  }
}

/**
 * After a crash of a compaction each segment is the old one or the new one: whatever stays is there,
 * byte for byte, and of the rest whole segments are there or not. A store that `was closed` before it
 * was compacted is so afterwards.
 */
export async function oldOrNew(
  vfs: MemVfs,
  context: CrashContext<true>,
  before: ReadonlyMap<number, string>,
  stays: (seq: number) => boolean,
  closed: 'was closed' | 'was interrupted' = 'was closed',
): Promise<void> {
  const done = context.witness === true
  if (done && closed === 'was closed')
    expect(manifestOf(vfs).clean, 'the manifest says that it was closed').toBe(true)
  const left = new Map([...before].filter(([seq]) => stays(seq)))
  await holds(vfs, context, { acked: left }, THREE)
  const { records, manifest } = await strictly(vfs)
  const { segments, active } = manifest
  for (const [i, { firstSeq }] of segments.entries()) {
    const next = segments[i + 1] ?? active
    const all = [...before.keys()].filter((seq) => seq >= firstSeq && seq < next.firstSeq)
    const there = all.filter((seq) => records.has(seq))
    expect([all, all.filter(stays)], `segment ${firstSeq}`).toContainEqual(there)
  }
  const found = [...records.keys()].filter((seq) => before.has(seq))
  if (done) expect(found).toEqual([...left.keys()])
}

/** Names in the folder that look like a segment's. */
export async function segmentsIn(vfs: MemVfs): Promise<string[]> {
  return (await vfs.readdir(DIR)).filter((name) => parseSegmentName(name) !== null)
}

/**
 * Runs the scenario on the start, and again on a share of what its crashes leave, and again on what
 * those leave; what the third leaves is checked.
 */
export async function threeDeep(
  tally: Tally,
  what: string,
  start: MemVfs,
  scenario: (vfs: MemVfs, say: (done: true) => void) => Promise<void>,
  check: (vfs: MemVfs, context: CrashContext<true>) => Promise<void>,
): Promise<void> {
  // Of so many states one is the start of the next run, and of so many that it leaves one is checked.
  const [every, checked] = LONG ? [20, 1] : [40, 13]
  const few = LONG ? { samples: 4, exhaustiveUpTo: 8 } : { samples: 1, exhaustiveUpTo: 2 }
  let third = 0
  const run = async (from: MemVfs, depth: number, cut: boolean): Promise<void> => {
    let n = 0
    const options = { ...few, start: from }
    await tally.run<true>(
      `${what}, crash ${depth} deep`,
      scenario,
      async (vfs, context) => {
        const power = cut || context.kind === 'power'
        if (depth < 3) {
          if (n++ % every !== 0) return SKIPPED
          return run(vfs, depth + 1, power)
        }
        if (third++ % checked !== 0) return SKIPPED
        return check(vfs, { ...context, kind: power ? 'power' : 'kill' })
      },
      options,
    )
  }
  await run(start, 1, false)
  expect(third / checked, 'states three deep').toBeGreaterThan(20)
}
