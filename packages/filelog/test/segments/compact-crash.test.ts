import type { StoredRecord } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { everyCrash, memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { missesEachSync, type Early } from '../rewrite/omitted-syncs.js'
import { compactTo, kept, type Stays } from './compact-support.js'
import {
  bySeq,
  facts,
  filled,
  holds,
  manifestOf,
  open,
  readAll,
  SAMPLING,
  storedAs,
  strictly,
} from './support.js'

const COUNT = 10
/** Drops a segment, rewrites one, and takes something out of the newest. */
const stays: Stays = (seq) => seq > 4 && seq !== 6 && seq !== 10

async function compacted(vfs: MemVfs): Promise<void> {
  const store = await open(vfs)
  const result = await compactTo(store, stays)
  expect(result?.verified).toBe(true)
  await store.close()
}

/**
 * After a crash every segment is as before or as after, what is on record is what went, and the
 * next run does the rest.
 */
async function goesOn(
  vfs: MemVfs,
  context: CrashContext<unknown>,
  before: readonly StoredRecord[],
): Promise<void> {
  const seen = await open(vfs, { access: 'read' })
  const there = bySeq(await readAll(seen))
  const { metrics } = await seen.describe()
  await seen.close()
  const must = bySeq(kept(before, stays))
  for (const [seq, json] of must) expect(there.get(seq)).toBe(json)
  expect(metrics.totals.recordsDropped).toBe(before.length - there.size)
  expect(metrics.totals.compactions).toBe(there.size < before.length ? 1 : 0)
  if (context.witness === true) expect(there).toEqual(must)
  const next = vfs.clone()
  await holds(vfs, context, { acked: there })
  const store = await open(next)
  // A mark that was being written when the segment was sealed is torn, like any last line.
  await store.recover({ mode: 'repair' })
  await compactTo(store, stays)
  expect(bySeq(await readAll(store))).toEqual(must)
  expect((await store.describe()).metrics.totals.recordsDropped).toBe(before.length - must.size)
  await store.close()
  const { records, unnamed } = await strictly(next)
  expect(records).toEqual(must)
  expect(unnamed).toEqual([])
}

/** The least that every crash has to leave, looked at without a second owner. */
async function staysWhole(
  vfs: MemVfs,
  context: CrashContext<unknown>,
  before: readonly StoredRecord[],
): Promise<void> {
  const must = bySeq(kept(before, stays))
  const store = await open(vfs)
  const scan = await store.scan()
  const codes = Object.keys(scan.anomalyCounts).filter((code) => scan.anomalyCounts[code] !== 0)
  expect(codes.filter((code) => code !== 'torn_tail')).toEqual([])
  await store.recover({ mode: 'repair' })
  await store.begin()
  const there = bySeq(await readAll(store))
  const { metrics } = await store.describe()
  await store.close()
  for (const [seq, json] of must) expect(there.get(seq)).toBe(json)
  expect(metrics.totals.recordsDropped).toBe(before.length - there.size)
  if (context.witness === true) expect(there).toEqual(must)
  const { records, unnamed } = await strictly(vfs)
  expect(records).toEqual(there)
  expect(unnamed).toEqual([])
}

const EARLY: readonly Early[] = [
  {
    sync: 'datasync shop/*00000007-00000001.ndjson',
    why: 'of the seal: all that stands there was synced at the close',
  },
  {
    sync: 'datasync shop/*00000007-00000001.ndjson.mark',
    why: 'of the seal: the mark was synced at the close',
  },
  {
    sync: 'syncDir behind rename shop/manifest.json, 3',
    why: 'that it was closed cleanly: whoever does not know it reads more',
  },
  {
    sync: 'syncDir behind rename shop/manifest.json, 4',
    why: 'which files are about to be made: until the first step they are of a generation above',
  },
  {
    sync: 'syncDir behind rename shop/manifest.json, 8',
    why: 'that the files of before are gone: the next owner finds them gone',
  },
]

describe('a crash while a store of segments is compacted', () => {
  test('at rest, by power cut or kill at any moment, leaves whole steps', async () => {
    const start = memVfs()
    const before = await filled(start, COUNT)
    const report = await everyCrash<true>(
      async (vfs, say) => {
        await compacted(vfs)
        say(true)
      },
      (vfs, context) => goesOn(vfs, context, before),
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(100)
  })

  test('while appends go on loses nothing that was acknowledged', async () => {
    const start = memVfs()
    const before = await filled(start, COUNT)
    const { logId } = manifestOf(start)
    const must = bySeq(kept(before, stays))
    const report = await everyCrash<Map<number, string>>(
      async (vfs, say) => {
        const store = await open(vfs)
        await store.begin()
        const acked = new Map(must)
        const work = compactTo(store, stays)
        for (let n = COUNT + 1; n <= COUNT + 8; n += 2) {
          const given = facts(n, 2)
          const { firstSeq } = await store.append(given)
          for (const [seq, json] of storedAs(logId, given, firstSeq)) acked.set(seq, json)
          say(new Map(acked))
        }
        expect((await work)?.verified).toBe(true)
        await store.close()
      },
      (vfs, context) => holds(vfs, context, { acked: context.witness ?? must }),
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(100)
  })

  test('every sync of it is needed, but for those that only spare the next owner some work', async () => {
    const start = memVfs()
    const before = await filled(start, COUNT)
    await missesEachSync<true>(
      start,
      async (vfs, say) => {
        await compacted(vfs)
        say(true)
      },
      (vfs, context) => staysWhole(vfs, context, before),
      EARLY,
    )
  })
})
