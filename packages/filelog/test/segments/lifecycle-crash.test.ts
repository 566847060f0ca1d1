import { manualClock } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { openSegmentCore } from '../../src/segments/open.js'
import { rollOver } from '../../src/segments/roll-over.js'
import { SegmentStore } from '../../src/segments/segment-store.js'
import { everyCrash, memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import {
  bySeq,
  create,
  DIR,
  fact,
  facts,
  filled,
  holds,
  manifestOf,
  open,
  SAMPLING,
  storedAs,
  strictly,
  type Expected,
} from './support.js'

/** Both ways to go on after a crash: with a recovery, and without. */
async function survives(
  vfs: MemVfs,
  context: CrashContext<unknown>,
  expected: Expected,
): Promise<void> {
  await goesOn(vfs.clone(), context, expected)
  await holds(vfs, context, expected)
}

/** What an owner that goes on without a recovery must find. */
async function goesOn(
  vfs: MemVfs,
  context: CrashContext<unknown>,
  { acked }: Expected,
): Promise<void> {
  const store = await open(vfs)
  try {
    const scan = await store.scan()
    const codes = Object.keys(scan.anomalyCounts).filter((c) => (scan.anomalyCounts[c] ?? 0) > 0)
    const behind = ['corrupt_record', 'glued_line']
    const torn = context.kind === 'kill' ? ['torn_tail'] : ['torn_tail', ...behind]
    expect(codes.filter((code) => !torn.includes(code))).toEqual([])
    if (codes.some((code) => behind.includes(code))) return
    const { nextSeq } = await store.begin({ onDamage: 'set_tail_aside' })
    expect(nextSeq).toBeGreaterThan(Math.max(0, ...acked.keys()))
    for (let i = 0; i < 4; i++) await store.append([fact(990 + i)])
  } finally {
    await store.close()
  }
  const { records, unnamed } = await strictly(vfs)
  expect(unnamed).toEqual([])
  const gone = [...acked].filter(([seq, json]) => records.get(seq) !== json)
  expect(gone.map(([seq]) => seq)).toEqual([])
  const names = await vfs.readdir(DIR)
  expect(names.filter((name) => name.endsWith('.mark'))).toHaveLength(1)
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([])
}

async function appendSome(
  vfs: MemVfs,
  say: (acked: Map<number, string>) => void,
  ack: 'durable' | 'flushed' = 'durable',
): Promise<void> {
  const store = await open(vfs, { ack })
  await store.begin()
  const { logId } = manifestOf(vfs)
  const acked = new Map<number, string>()
  for (let n = 1; n <= 8; n += 2) {
    const given = facts(n, 2)
    const { firstSeq } = await store.append(given)
    for (const [seq, json] of storedAs(logId, given, firstSeq)) acked.set(seq, json)
    say(new Map(acked))
  }
  await store.close()
}

describe('crashes while a store of segments is written', () => {
  test('create: there is a whole store, or a new one can be made', async () => {
    const start = memVfs()
    await start.mkdir('/data')
    const report = await everyCrash(
      async (vfs, say) => {
        await create(vfs)
        say(true)
      },
      async (vfs, context) => {
        const there = await open(vfs, { access: 'read' }).then(
          async (store) => {
            await store.close()
            return true
          },
          (error: { code?: string }) => {
            expect(error.code).toBe('store_not_found')
            return false
          },
        )
        if (context.witness === true) expect(there).toBe(true)
        if (!there) await create(vfs)
        await survives(vfs, context, { acked: new Map() })
      },
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(20)
  })

  test('begin, append, rotate, close: nothing acknowledged is lost', async () => {
    const start = memVfs()
    await create(start)
    const report = await everyCrash(
      appendSome,
      (vfs, context) => survives(vfs, context, { acked: context.witness ?? new Map() }),
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(200)
  })

  test('level flushed: a kill loses nothing; a power cut leaves no damage, or says what it took', async () => {
    const start = memVfs()
    await create(start)
    const report = await everyCrash<Map<number, string>>(
      (vfs, say) => appendSome(vfs, say, 'flushed'),
      async (vfs, context) => {
        const acked = context.witness ?? new Map<number, string>()
        if (context.kind === 'kill') return survives(vfs, context, { acked })
        // What was sealed was synced first.
        const sealed = manifestOf(vfs).segments.at(-1)?.lastSeq ?? 0
        const store = await open(vfs)
        const scan = await store.scan()
        const gone = Math.max(0, ...acked.keys()) - (scan.lastSeq ?? 0)
        if (gone > 0 && scan.unproven === null) expect(scan.consent.acceptLoss).toBe(true)
        const { after } = await store.recover({ mode: 'repair', acceptLoss: true, force: true })
        expect(after?.anomalies).toEqual([])
        await store.close()
        const { records } = await strictly(vfs)
        const lost = [...acked].filter(([seq, json]) => seq <= sealed && records.get(seq) !== json)
        expect(lost).toEqual([])
      },
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(200)
  })

  test.each(['live', 'at rest', 'at rest after a kill'])('rollOver, %s', async (how) => {
    const start = memVfs()
    const before = await filled(start, 5, { close: how === 'at rest' })
    const acked = bySeq(before)
    const report = await everyCrash(
      async (vfs) => {
        const core = await openSegmentCore(vfs, DIR, {
          ...{ backend: 'rotation', access: 'write', clock: manualClock() },
        })
        const store = new SegmentStore(core)
        if (how === 'live') await store.begin()
        expect(await rollOver(core)).toBe(true)
        expect(await rollOver(core)).toBe(false)
        await store.close()
      },
      (vfs, context) => survives(vfs, context, { acked }),
      { ...SAMPLING, start: how === 'at rest' ? start : start.kill() },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(50)
  })
})
