import {
  manualClock,
  type AppendFact,
  type ManualClock,
  type StoredRecord,
} from '@papyra/contracts'
import { expect } from 'vitest'
import {
  createLogStore,
  openLogStore,
  type LogStore,
  type LogStoreOptions,
  type Vfs,
} from '../../src/index.js'
import type { CrashContext, CrashOptions } from '../../src/testing/index.js'

/** The long run takes many more mixtures of what a power cut leaves. */
export const SAMPLING: CrashOptions =
  process.env['PAPYRA_LONG'] === undefined
    ? { samples: 4, exhaustiveUpTo: 24 }
    : { samples: 64, exhaustiveUpTo: 512, seed: Number(process.env['PAPYRA_SEED'] ?? 1) }

export const LOG = '/data/shop.ndjson'

/** A small fact; `size` fills its payload up. */
export function fact(n: number, size: number = 0): AppendFact {
  const payload = `{"n":${n},"pad":"${'x'.repeat(size)}"}`
  const members = `"system_id":"shop","actor_address":null,"event_type":"t","payload":${payload}`
  return { kind: 'event', timestamp: 1_704_067_200_000 + n, members }
}

export function facts(from: number, count: number, size: number = 0): AppendFact[] {
  return Array.from({ length: count }, (_, i) => fact(from + i, size))
}

export function open(vfs: Vfs, options: Partial<LogStoreOptions> = {}): Promise<LogStore> {
  const clock: ManualClock = manualClock()
  return openLogStore(vfs, LOG, {
    backend: 'json',
    access: 'write',
    clock,
    waitLockMs: 0,
    ...options,
  })
}

/** A new store with small blocks, so that a few records make several of them. */
export async function create(vfs: Vfs, blockBytes: number = 600): Promise<void> {
  await createLogStore(vfs, LOG, { clock: manualClock(), blockBytes })
}

export async function readAll(store: LogStore): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const record of store.read()) records.push(record)
  return records
}

/** Creates and fills a store, closes it, and gives the records it holds. */
export async function filled(
  vfs: Vfs,
  count: number,
  options: { size?: number; close?: boolean } = {},
): Promise<StoredRecord[]> {
  await create(vfs)
  const store = await open(vfs)
  await store.begin()
  for (let n = 1; n <= count; n += 3) {
    await store.append(facts(n, Math.min(3, count - n + 1), options.size ?? 0))
  }
  const records = await readAll(store)
  if (options.close !== false) await store.close()
  return records
}

/** What a check after a crash has to hold a store to. */
export interface Expected {
  /** Records that were acknowledged and must be there, by number. */
  readonly acked: ReadonlyMap<number, string>
  /** Records that may be there too, or instead be gone, without any report. */
  readonly optional?: ReadonlySet<number>
}

/**
 * What must hold of a store after any crash: nothing but an unfinished tail may be wrong with it,
 * recovery needs no consent and comes to rest, everything acknowledged is there byte for byte, and
 * an append works and stays.
 */
export async function holds(
  vfs: Vfs,
  context: CrashContext<unknown>,
  expected: Expected,
): Promise<void> {
  const store = await open(vfs)
  try {
    const scan = await store.scan()
    const codes = Object.keys(scan.anomalyCounts).filter(
      (code) => (scan.anomalyCounts[code] ?? 0) > 0,
    )
    // A power cut may leave sound records that were never acknowledged behind torn ones, or right
    // behind what is left of one: they stay.
    const torn =
      context.kind === 'kill' ? ['torn_tail'] : ['torn_tail', 'corrupt_record', 'glued_line']
    expect(codes.filter((code) => !torn.includes(code))).toEqual([])
    expect(scan.consent).toEqual({ acceptLoss: false, force: false })
    if (context.kind === 'kill') expect(scan.unproven).toBeNull()
    const report = await store.recover({ mode: 'repair' })
    expect(report.after?.clean).toBe(true)
    expect(report.losses).toEqual([])
    expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
    await hasAll(store, expected)
    const last = Math.max(0, ...expected.acked.keys())
    const { nextSeq } = await store.begin()
    expect(nextSeq).toBeGreaterThan(last)
    expect(await store.append([fact(999)])).toEqual({ firstSeq: nextSeq, lastSeq: nextSeq })
  } finally {
    await store.close()
  }
  await staysSound(vfs, expected)
}

async function staysSound(vfs: Vfs, expected: Expected): Promise<void> {
  const again = await open(vfs)
  try {
    expect((await again.scan({ coverage: 'full' })).anomalies).toEqual([])
    await hasAll(again, expected)
  } finally {
    await again.close()
  }
}

async function hasAll(store: LogStore, { acked }: Expected): Promise<void> {
  const there = new Map((await readAll(store)).map(({ seq, json }) => [seq, json]))
  const missing = [...acked].filter(([seq, json]) => there.get(seq) !== json).map(([seq]) => seq)
  expect(missing, 'acknowledged records that are gone or changed').toEqual([])
}

/** The records by number. */
export function bySeq(records: readonly StoredRecord[]): Map<number, string> {
  return new Map(records.map(({ seq, json }) => [seq, json]))
}
