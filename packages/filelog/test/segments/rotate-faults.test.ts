import { isPapyraError, manualClock, type AppendFact } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { openSegmentStore, type SegmentStore, type Vfs } from '../../src/index.js'
import {
  everyFault,
  faultVfs,
  memVfs,
  type FaultCall,
  type FaultContext,
  type FaultVfs,
  type MemVfs,
} from '../../src/testing/index.js'
import {
  bySeq,
  create,
  DIR,
  fact,
  facts,
  manifestOf,
  open,
  readAll,
  segmentPaths,
  storedAs,
  strictly,
} from './support.js'

const FAULTS = [{ error: 'EIO' }, { short: 5 }] as const

async function made(): Promise<MemVfs> {
  const vfs = memVfs()
  await create(vfs)
  return vfs
}

/** Appends one call after the other, and notes what was acknowledged and what became of the rest. */
class Service {
  readonly acked: Map<number, string> = new Map()
  readonly codes: string[] = []

  async append(vfs: MemVfs, store: SegmentStore, given: readonly AppendFact[]): Promise<void> {
    const { logId } = manifestOf(vfs)
    try {
      const { firstSeq } = await store.append(given)
      for (const [seq, json] of storedAs(logId, given, firstSeq)) this.acked.set(seq, json)
    } catch (error) {
      if (!isPapyraError(error)) throw error
      this.codes.push(error.code)
    }
  }
}

/** After the fault is gone: everything acknowledged is there, and the store goes on. */
async function recovers(sound: MemVfs, acked: Map<number, string>, said: string): Promise<void> {
  const fresh = sound.kill()
  const store = await open(fresh)
  try {
    const scan = await store.scan()
    const codes = Object.keys(scan.anomalyCounts).filter((c) => (scan.anomalyCounts[c] ?? 0) > 0)
    expect(
      codes.filter((code) => code !== 'torn_tail'),
      said,
    ).toEqual([])
    await store.recover({ mode: 'repair' })
    await store.begin()
    await store.append(facts(500, 2))
    const there = bySeq(await readAll(store))
    const missing = [...acked].filter(([seq, json]) => there.get(seq) !== json).map(([seq]) => seq)
    expect(missing, said).toEqual([])
  } finally {
    await store.close()
  }
  expect((await strictly(fresh)).unnamed, said).toEqual([])
}

describe('every call fails once, and for good', () => {
  test('while a store is opened, appended to, rotated and closed', async () => {
    const base = await made()
    const ends = new Set<string>()
    const runs = await everyFault(
      () => base.clone(),
      async (vfs: Vfs, sound, context: FaultContext | null) => {
        const service = new Service()
        const work = async (): Promise<void> => {
          const store = await openSegmentStore(vfs, DIR, {
            ...{ backend: 'rotation', access: 'write', clock: manualClock(), waitLockMs: 0 },
            seal: { maxRecords: 3 },
          })
          try {
            await store.begin()
            for (let n = 1; n <= 7; n += 2) await service.append(sound, store, facts(n, 2))
          } finally {
            await store.close()
          }
        }
        const error = await work().catch((caught: unknown) => caught)
        const said = context?.description ?? 'no fault'
        if (error !== undefined)
          expect(isPapyraError(error), `${said}: ${String(error)}`).toBe(true)
        if (context === null) expect(error).toBeUndefined()
        for (const code of service.codes) {
          expect(['write_failed', 'writer_latched'], said).toContain(code)
          ends.add(code)
        }
        await recovers(sound, service.acked, said)
      },
      { faults: FAULTS },
    )
    expect(runs).toBeGreaterThan(200)
    expect([...ends].sort()).toEqual(['write_failed', 'writer_latched'])
  })
})

/** A store on a file system that fails as told, with three records in its first segment. */
async function onTheVerge(): Promise<{
  sound: MemVfs
  vfs: FaultVfs
  store: SegmentStore
  clock: ReturnType<typeof manualClock>
}> {
  const sound = await made()
  const vfs = faultVfs(sound)
  const clock = manualClock()
  const store = await openSegmentStore(vfs, DIR, {
    ...{ backend: 'rotation', access: 'write', clock, waitLockMs: 0 },
    seal: { maxRecords: 3 },
  })
  await store.begin()
  await store.append(facts(1, 3))
  return { sound, vfs, store, clock }
}

const isNew = ({ path }: FaultCall): boolean => path.includes('00000000000000000004-')
const isManifest = ({ path }: FaultCall): boolean => path.includes('manifest.json')

describe('a rotation that fails', () => {
  test.each<[string, (call: FaultCall) => boolean]>([
    ['the new file cannot be made', (c) => c.op === 'open' && isNew(c)],
    [
      'its head cannot be written',
      (c) => c.op === 'write' && isNew(c) && !c.path.includes('.mark'),
    ],
    ['it cannot be synced', (c) => c.op === 'sync' && isNew(c)],
    ['its mark cannot be written', (c) => c.op === 'write' && c.path.includes('.mark.')],
    ['the folder cannot be synced', (c) => c.op === 'syncDir'],
    ['the manifest cannot be written', (c) => c.op === 'write' && isManifest(c)],
    ['the manifest cannot be renamed', (c) => c.op === 'rename' && isManifest(c)],
    ['the old file cannot be looked at', (c) => c.op === 'stat' && c.path.includes('0001-')],
  ])('%s: the old segment goes on, and after a second it works', async (_name, fails) => {
    const { sound, vfs, store, clock } = await onTheVerge()
    let broken = 0
    vfs.rule = (call) => {
      if (!fails(call)) return null
      broken++
      return { error: 'ENOSPC' }
    }
    await store.append(facts(4, 2))
    expect(broken).toBeGreaterThan(0)
    const tried = broken
    const { segments, metrics } = await store.describe()
    expect(segments).toHaveLength(1)
    expect(metrics.totals).toMatchObject({ rotations: 0, rotationErrors: 1 })
    expect(manifestOf(sound).segments).toEqual([])
    clock.advance(999)
    vfs.rule = (call) => {
      if (isNew(call) || isManifest(call)) broken++
      return null
    }
    await store.append(facts(6, 2))
    expect(broken, 'not tried again within a second').toBe(tried)
    expect((await store.describe()).segments).toHaveLength(1)
    clock.advance(1)
    await store.append([fact(8)])
    const after = await store.describe()
    expect(after.segments?.map(({ state }) => state)).toEqual(['sealed', 'active'])
    expect(after.segments?.at(-1)).toMatchObject({ records: 1 })
    expect(after.metrics.totals).toMatchObject({ rotations: 1, rotationErrors: 1 })
    await store.close()
    const { unnamed, records } = await strictly(sound)
    expect(unnamed).toEqual([])
    expect(records.size).toBe(after.metrics.totals.recordsWritten)
    expect((await sound.readdir(DIR)).filter((name) => name.includes('.tmp'))).toEqual([])
  })

  test('a disk that is full just then: the old segment is tried, and goes on when there is room', async () => {
    const { sound, store, clock } = await onTheVerge()
    const used = (
      await Promise.all((await sound.readdir(DIR)).map((n) => sound.stat(`${DIR}/${n}`)))
    )
      .map((stat) => stat?.size ?? 0)
      .reduce((a, b) => a + b, 0)
    // The closing mark still fits, the new head does not; then not even a record.
    sound.capacity = used + 400
    await expect(store.append(facts(4, 2, 300))).rejects.toMatchObject({ code: 'write_failed' })
    await expect(store.append(facts(4, 2, 300))).rejects.toMatchObject({ code: 'write_failed' })
    expect((await store.describe()).metrics.totals).toMatchObject({
      ...{ rotationErrors: 1, writeErrors: 2, recordsWritten: 3 },
    })
    sound.capacity = Number.POSITIVE_INFINITY
    clock.advance(1000)
    expect(await store.append(facts(4, 2, 300))).toEqual({ firstSeq: 4, lastSeq: 5 })
    expect((await store.describe()).segments).toHaveLength(2)
    await store.close()
    expect((await strictly(sound)).records.size).toBe(5)
  })

  test('a manifest that was renamed but not synced stops the writer; opened again, all is there', async () => {
    const { sound, vfs, store } = await onTheVerge()
    let renamed = false
    vfs.rule = (call) => {
      if (call.op === 'rename' && isManifest(call)) renamed = true
      return renamed && call.op === 'syncDir' ? { error: 'EIO' } : null
    }
    await expect(store.append(facts(4, 1))).rejects.toMatchObject({ code: 'writer_latched' })
    await expect(store.append(facts(4, 1))).rejects.toMatchObject({ code: 'writer_latched' })
    await store.close()
    expect(manifestOf(sound).clean).toBe(false)
    await recovers(sound, new Map([...(await strictly(sound)).records]), 'after the latch')
  })

  test('a failed sync of the segment that is sealed stops the writer', async () => {
    const sound = await made()
    const vfs = faultVfs(sound)
    const store = await openSegmentStore(vfs, DIR, {
      ...{ backend: 'rotation', access: 'write', clock: manualClock(), ack: 'flushed' },
      seal: { maxRecords: 3 },
    })
    await store.begin()
    await store.append(facts(1, 3))
    vfs.rule = ({ op, path }) =>
      op === 'datasync' && path.endsWith('.ndjson') ? { error: 'EIO' } : null
    await expect(store.append(facts(4, 1))).rejects.toMatchObject({
      code: 'writer_latched',
      details: { firstUnknown: 1, lastUnknown: 3 },
    })
    await store.close()
    expect(segmentPaths(sound)).toHaveLength(1)
  })
})
