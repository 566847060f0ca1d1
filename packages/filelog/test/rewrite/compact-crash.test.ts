import { describe, expect, test } from 'vitest'
import type { StoredRecord } from '@papyra/contracts'
import type { Keep, LogStore } from '../../src/index.js'
import {
  everyCrash,
  everyOmittedSync,
  memVfs,
  type CrashContext,
  type MemVfs,
} from '../../src/testing/index.js'
import { bySeq, facts, filled, holds, open, readAll, SAMPLING } from './support.js'

const keepLate: Keep = ({ seq }) => seq > 5
const plan = (): Promise<Keep> => Promise.resolve(keepLate)

/** After a crash the store is that before the compaction or that after it, never a mixture. */
async function oldOrNew(
  vfs: MemVfs,
  context: CrashContext<true>,
  before: readonly StoredRecord[],
): Promise<void> {
  const late = before.filter(keepLate)
  const seen = await open(vfs, { access: 'read' })
  const count = (await readAll(seen)).length
  await seen.close()
  expect([before.length, late.length]).toContain(count)
  if (context.witness === true) expect(count).toBe(late.length)
  await holds(vfs, context, { acked: bySeq(count === before.length ? before : late) })
}

async function compactClosed(vfs: MemVfs): Promise<void> {
  const store = await open(vfs)
  const result = await store.compact({ plan })
  expect(result?.verified).toBe(true)
  await store.close()
}

describe('compaction of a store at rest', () => {
  test('keeps what is to be kept, byte for byte, under a new generation', async () => {
    const vfs = memVfs()
    const before = await filled(vfs, 12)
    const store = await open(vfs)
    const result = await store.compact({ plan })
    expect(result).toMatchObject({
      before: { generation: 1, records: 12 },
      after: { generation: 2, records: 7 },
      verified: true,
    })
    expect(await readAll(store)).toEqual(before.filter(keepLate))
    expect((await store.scan()).anomalies).toEqual([])
    const { nextSeq } = await store.begin()
    expect(nextSeq).toBe(13)
    await store.append(facts(13, 2))
    await store.close()
    const again = await open(vfs)
    expect((await again.scan()).anomalies).toEqual([])
    expect((await again.describe()).metrics.totals).toMatchObject({
      recordsWritten: 14,
      recordsDropped: 5,
      compactions: 1,
      recordsStored: 9,
    })
    await again.close()
  })

  test('may drop everything, and then goes on with the next number', async () => {
    const vfs = memVfs()
    await filled(vfs, 12)
    const store = await open(vfs)
    await store.compact({ plan: () => Promise.resolve(() => false) })
    expect(await readAll(store)).toEqual([])
    expect((await store.scan()).anomalies).toEqual([])
    expect((await store.begin()).nextSeq).toBe(13)
    await store.close()
  })

  test('changes nothing where nothing has to go', async () => {
    const vfs = memVfs()
    await filled(vfs, 5)
    const store = await open(vfs)
    const { ops } = vfs
    expect(await store.compact({ plan: () => Promise.resolve(null) })).toBeNull()
    expect(vfs.ops).toBe(ops)
    await store.close()
  })

  test('power cut or kill at any moment leaves the old log or the new one', async () => {
    const start = memVfs()
    const before = await filled(start, 12)
    const report = await everyCrash<true>(
      async (vfs, say) => {
        await compactClosed(vfs)
        say(true)
      },
      (vfs, context) => oldOrNew(vfs, context, before),
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(40)
  })

  test('every sync of it is needed, but for three that only spare the next owner some work', async () => {
    const start = memVfs()
    const before = await filled(start, 12)
    const { syncs, unnoticed } = await everyOmittedSync<true>(
      async (vfs, say) => {
        await compactClosed(vfs)
        say(true)
      },
      (vfs, context) => oldOrNew(vfs, context, before),
      { ...SAMPLING, start },
    )
    expect(syncs).toBeGreaterThan(5)
    // As in a recovery: the folder behind the sidecar, behind the mark, and behind the sidecar that
    // says when the result was verified.
    expect(unnoticed.map(({ name, path }) => `${name} ${path}`)).toEqual([
      'syncDir /data',
      'syncDir /data',
      'syncDir /data',
    ])
  })
})

/** Appends while a compaction runs; what was acknowledged is said after each call. */
async function compactWhileAppending(
  store: LogStore,
  acked: Map<number, string>,
  say: (acked: Map<number, string>) => void = () => undefined,
): Promise<void> {
  const compaction = store.compact({ plan })
  for (let n = 13; n <= 24; n += 2) {
    const { firstSeq } = await store.append(facts(n, 2))
    for await (const { seq, json } of store.read({ afterSeq: firstSeq - 1 })) acked.set(seq, json)
    say(new Map(acked))
  }
  expect((await compaction)?.verified).toBe(true)
}

describe('compaction while appends go on', () => {
  test('loses none of them, and a reader keeps what it saw', async () => {
    const vfs = memVfs()
    const before = await filled(vfs, 12)
    const store = await open(vfs)
    await store.begin()
    const reader = store.read()[Symbol.asyncIterator]()
    expect((await reader.next()).value).toEqual(before[0])
    const acked = bySeq(before.filter(keepLate))
    await compactWhileAppending(store, acked)
    expect(bySeq(await readAll(store))).toEqual(acked)
    let seen = 1
    while ((await reader.next()).done !== true) seen++
    expect(seen).toBe(12)
    expect((await store.describe()).generation).toBe(2)
    await store.close()
    const again = await open(vfs)
    expect((await again.scan({ coverage: 'full' })).anomalies).toEqual([])
    expect(bySeq(await readAll(again))).toEqual(acked)
    await again.close()
  })

  test('power cut or kill at any moment loses nothing that was acknowledged', async () => {
    const start = memVfs()
    const before = await filled(start, 12)
    const report = await everyCrash<Map<number, string>>(
      async (vfs, say) => {
        const store = await open(vfs)
        await store.begin()
        await compactWhileAppending(store, bySeq(before.filter(keepLate)), say)
        await store.close()
      },
      (vfs, context) =>
        holds(vfs, context, { acked: context.witness ?? bySeq(before.filter(keepLate)) }),
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(100)
  })
})
