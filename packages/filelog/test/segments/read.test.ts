import { setImmediate } from 'node:timers/promises'
import type { AppendFact, ReadQuery, RecordMeta, StoredRecord } from '@papyra/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSegmentStore, type SegmentStore, type Vfs } from '../../src/index.js'
import { encodeManifest, type Manifest } from '../../src/segments/manifest.js'
import { manifestPath } from '../../src/segments/names.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { create, DIR as WRITTEN, manifestOf, open, readAll } from './support.js'
import { buildSegment, buildStore, DIR, putStore, range, sealOf, USUAL } from './build-store.js'

const KINDS = ['event', 'audit', 'dead_letter'] as const
const TIMES = [0, 1_704_067_200_000, 1_704_067_210_000, 1_704_067_220_000]

function reader(vfs: Vfs, dir: string = DIR): Promise<SegmentStore> {
  return openSegmentStore(vfs, dir, { backend: 'rotation', access: 'read' })
}

/** What an array of all records gives. */
function model(all: readonly StoredRecord[], query: ReadQuery): StoredRecord[] {
  const { kinds, since, until, afterSeq = 0, beforeSeq = Infinity, order, limit } = query
  const found = all.filter(
    ({ seq, kind, timestamp }) =>
      seq > afterSeq &&
      seq < beforeSeq &&
      (kinds === undefined || kinds.includes(kind)) &&
      (since === undefined || timestamp >= since) &&
      (until === undefined || timestamp < until),
  )
  return (order === 'newest' ? found.reverse() : found).slice(0, limit)
}

const factOf = fc
  .record({ kind: fc.constantFrom(...KINDS), time: fc.constantFrom(...TIMES), pad: fc.nat(300) })
  .map(
    ({ kind, time, pad }): AppendFact => ({
      kind,
      timestamp: time,
      members: `"system_id":"shop","payload":"${'x'.repeat(pad)}"`,
    }),
  )
const queryOf = fc.record(
  {
    kinds: fc.uniqueArray(fc.constantFrom(...KINDS), { minLength: 1 }),
    since: fc.constantFrom(...TIMES),
    until: fc.constantFrom(...TIMES),
    afterSeq: fc.nat(45),
    beforeSeq: fc.nat(45),
    order: fc.constantFrom('oldest' as const, 'newest' as const),
    limit: fc.integer({ min: 1, max: 20 }),
  },
  { requiredKeys: [] },
)

describe('reading a store of segments', () => {
  it('gives what an array of all records would, whatever is asked', async () => {
    const runs = fc.asyncProperty(
      fc.array(fc.array(factOf, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 10 }),
      fc.array(queryOf, { minLength: 1, maxLength: 8 }),
      async (batches, queries) => {
        const vfs = memVfs()
        await create(vfs)
        const store = await open(vfs)
        await store.begin()
        for (const batch of batches) await store.append(batch)
        const all = await readAll(store)
        expect(all.map(({ seq }) => seq)).toEqual(range(1, batches.flat().length))
        const other = await reader(vfs.fork(), WRITTEN)
        for (const query of queries) {
          expect(await readAll(store, query)).toEqual(model(all, query))
          expect(await readAll(other, query)).toEqual(model(all, query))
        }
        const metas: RecordMeta[] = []
        for await (const meta of store.readMeta()) metas.push(meta)
        const expected = all.map(({ seq, kind, timestamp, bytes }) => ({
          seq,
          kind,
          timestamp,
          bytes,
        }))
        expect(metas).toEqual(expected.reverse())
        const view = await store.view()
        const held = view.segments.map(({ records }) => records)
        expect(held.reduce((sum, n) => sum + n, 0)).toBe(all.length)
        for (const segment of view.segments) {
          const own: RecordMeta[] = []
          for await (const batch of segment.metas({})) own.push(...batch)
          expect(own).toHaveLength(segment.records)
          const of = (sum: number, { records }: { records: number }): number => sum + records
          expect(segment.kinds.reduce(of, 0)).toBe(segment.records)
        }
        await store.close()
      },
    )
    await fc.assert(runs, { numRuns: 25, seed: 7 })
  })

  it('opens no segment that cannot hold what is asked for', async () => {
    const kind = (seq: number): string => (seq > 10 && seq <= 20 ? 'audit' : 'event')
    const segments = USUAL.segments.map((one) => ({ ...one, kind }))
    const store = buildStore({ segments })
    const vfs = await putStore(store)
    const opened = async (query: ReadQuery): Promise<number[]> => {
      const paths: string[] = []
      const counting = new Proxy(vfs, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target)
          if (name === 'open') {
            return (path: string, flag: 'read') => {
              paths.push(path)
              return target.open(path, flag)
            }
          }
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
      const own = await reader(counting)
      await readAll(own, query)
      return store.segments.flatMap(({ path }, i) => (paths.includes(path) ? [i] : []))
    }
    expect(await opened({})).toEqual([0, 1, 2, 3])
    // The active one is opened to see how far it goes.
    expect(await opened({ kinds: ['audit'] })).toEqual([1, 3])
    expect(await opened({ afterSeq: 20 })).toEqual([2, 3])
    expect(await opened({ beforeSeq: 11 })).toEqual([0, 3])
    expect(await opened({ order: 'newest', limit: 2 })).toEqual([3])
    expect(await opened({ since: 1_710_000_021_000 })).toEqual([2, 3])
    expect(await opened({ until: 1_710_000_011_000 })).toEqual([0, 3])
  })

  it('lets go of its files when the caller stops', async () => {
    const vfs = await putStore(buildStore())
    let open = 0
    const counting = new Proxy(vfs, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (name === 'open') {
          return async (path: string, flag: 'read') => {
            const file = await target.open(path, flag)
            open++
            const close = file.close.bind(file)
            file.close = async () => {
              open--
              await close()
            }
            return file
          }
        }
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const store = await reader(counting)
    for (const order of ['oldest', 'newest'] as const) {
      for (const stopAfter of [1, 12, 34]) {
        let n = 0
        for await (const _record of store.read({ order })) if (++n === stopAfter) break
        expect(open).toBe(0)
      }
    }
  })

  it('throws at damage, or tells of it and goes on', async () => {
    const store = buildStore()
    const vfs = await putStore(store)
    const [, second] = store.segments
    await vfs.unlink(second?.path ?? '')
    const own = await reader(vfs)
    const before: number[] = []
    const read = async (): Promise<void> => {
      for await (const { seq } of own.read()) before.push(seq)
    }
    await expect(read()).rejects.toMatchObject({ code: 'anomalies_found' })
    expect(before).toEqual(range(1, 10))
    const damage: string[] = []
    const rest = await readAll(own, { onDamage: ({ path }) => damage.push(path) })
    expect(rest.map(({ seq }) => seq)).toEqual([...range(1, 10), ...range(21, 35)])
    expect(damage).toEqual([second?.path])
    vfs.put(second?.path ?? '', store.segments[0]?.bytes ?? '')
    const swapped = await readAll(own, { onDamage: ({ path }) => damage.push(path) })
    expect(swapped.map(({ seq }) => seq)).toEqual([...range(1, 10), ...range(21, 35)])
    expect(damage).toHaveLength(2)
  })

  it('reads without a manifest what the segments hold', async () => {
    const vfs = await putStore(buildStore())
    vfs.put(manifestPath(DIR), 'x')
    const records = await readAll(await reader(vfs))
    expect(records.map(({ seq }) => seq)).toEqual(range(1, 35))
  })
})

/** What may come between two steps of a reader. */
const BETWEEN: Readonly<Record<string, (vfs: MemVfs, manifest: Manifest) => Promise<Set<number>>>> =
  {
    async 'the oldest dropped'(vfs, manifest) {
      const [first, ...rest] = manifest.segments
      await replace(vfs, { ...manifest, segments: rest }, [first])
      return new Set(range(1, 10))
    },
    async 'all rewritten'(vfs, manifest) {
      const made = manifest.segments.map(({ firstSeq, lastSeq }) =>
        buildSegment({ firstSeq, lastSeq, generation: 2, keeps: (n) => n % 2 === 0 }),
      )
      for (const { path, bytes } of made) vfs.put(path, bytes)
      const segments = made.map((one) => sealOf(one))
      await replace(vfs, { ...manifest, generation: 2, segments }, manifest.segments)
      return new Set(range(1, 30).filter((n) => n % 2 === 1))
    },
    async 'two made one'(vfs, manifest) {
      const made = buildSegment({ firstSeq: 1, lastSeq: 20, generation: 2, keeps: (n) => n > 4 })
      vfs.put(made.path, made.bytes)
      const segments = [sealOf(made), ...manifest.segments.slice(2)]
      await replace(vfs, { ...manifest, generation: 2, segments }, manifest.segments.slice(0, 2))
      return new Set(range(1, 4))
    },
    async 'the active one sealed, and dropped'(vfs, manifest) {
      const { active, nextSeq } = manifest
      const next = { firstSeq: nextSeq, generation: 2 }
      const made = buildSegment({ ...next, lastSeq: nextSeq - 1, active: true })
      vfs.put(made.path, made.bytes)
      vfs.put(`${made.path}.mark`, 'not looked at')
      const old = buildSegment({ firstSeq: 31, lastSeq: 35, active: true })
      const segments = manifest.segments
      await replace(vfs, { ...manifest, segments, active: { ...active, ...next }, clean: false }, [
        old,
      ])
      await vfs.unlink(`${old.path}.mark`)
      return new Set(range(31, 35))
    },
  }

async function replace(
  vfs: MemVfs,
  manifest: Manifest,
  gone: readonly ({ firstSeq: number; generation: number } | undefined)[],
): Promise<void> {
  vfs.put(manifestPath(DIR), encodeManifest({ ...manifest, edit: manifest.edit + 1 }))
  for (const one of gone) {
    if (one !== undefined) await vfs.unlink(buildSegment({ ...one, lastSeq: 0 }).path)
  }
}

describe.each(Object.entries(BETWEEN))('while it is read: %s', (_name, between) => {
  it.each(['oldest', 'newest'] as const)(
    'nothing twice, and what is kept is there: %s first',
    async (order) => {
      for (let after = 0; after <= 35; after++) {
        const store = buildStore()
        const vfs = await putStore(store)
        const own = await reader(vfs)
        const seen: number[] = []
        let dropped = after === 0 ? await between(vfs, store.manifest) : new Set<number>()
        for await (const { seq, json } of own.read({ order })) {
          expect(json).toBe(store.json.get(seq))
          seen.push(seq)
          if (seen.length === after) dropped = await between(vfs, store.manifest)
        }
        expect(new Set(seen).size).toBe(seen.length)
        const sorted = [...seen].sort((a, b) => (order === 'oldest' ? a - b : b - a))
        expect(seen).toEqual(sorted)
        const missing = range(1, 35).filter((n) => !seen.includes(n) && !dropped.has(n))
        expect(missing, `changed after ${after}`).toEqual([])
      }
    },
  )
})

describe('a reader beside a writer', () => {
  it('sees everything that was acknowledged before it began, in order, once', async () => {
    const vfs = memVfs()
    await create(vfs)
    const store = await open(vfs)
    await store.begin()
    const other = await reader(vfs.fork(), WRITTEN)
    let acked = 0
    const write = async (): Promise<void> => {
      for (let n = 0; n < 60; n++) {
        const members = `"system_id":"shop","payload":"${'x'.repeat(n % 200)}"`
        const fact: AppendFact = { kind: 'event', timestamp: 1_704_067_200_000 + n, members }
        acked = (await store.append([fact, fact])).lastSeq
      }
    }
    const read = async (from: SegmentStore, order: 'oldest' | 'newest'): Promise<void> => {
      while (acked < 120) {
        // Nothing in memory waits for a device: let the others have their turn.
        await setImmediate()
        const before = acked
        const seqs = (await readAll(from, { order })).map(({ seq }) => seq)
        const sorted = order === 'oldest' ? seqs : seqs.reverse()
        expect(sorted).toEqual(range(1, sorted.length))
        expect(sorted.length).toBeGreaterThanOrEqual(before)
      }
    }
    await Promise.all([
      write(),
      read(store, 'oldest'),
      read(other, 'oldest'),
      read(other, 'newest'),
    ])
    expect(manifestOf(vfs).segments.length).toBeGreaterThan(5)
    await store.close()
  })
})
