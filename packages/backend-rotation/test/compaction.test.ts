import { manualClock, type Backend, type RecordMeta, type RetentionPolicy } from '@papyra/contracts'
import { Random, memVfs } from '@papyra/filelog/testing'
import { decodePlanId, encodePlanId, planRetention, verdict } from '@papyra/retention'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  DIR,
  fact,
  filled,
  grow,
  open,
  randomFacts,
  randomPolicy,
  seqs,
  type Place,
} from './compaction-kit.js'

let place: Place

beforeEach(async () => {
  place = { vfs: memVfs(), clock: manualClock() }
  await place.vfs.mkdir('/data')
})

function name(firstSeq: number, generation: number = 1): string {
  const first = String(firstSeq).padStart(20, '0')
  return `${DIR}/${first}-${String(generation).padStart(8, '0')}.ndjson`
}

async function idOf(store: Backend, policy: RetentionPolicy): Promise<string> {
  return (await store.compact({ policy, dryRun: true, force: true })).plan?.id ?? ''
}

describe('a dry run', () => {
  it('tells file by file what would go, by kind, count, bytes and reason', async () => {
    const store = await filled(place, 22)
    const report = await store.compact({ policy: { maxRecords: 14 }, dryRun: true })
    const files = report.plan?.files ?? []
    expect(files.map(({ path, action, records }) => [path, action, records])).toEqual([
      [name(1), 'drop', 5],
      [name(6), 'rewrite', 5],
    ])
    const dropped = files.flatMap((file) => file.dropped)
    expect(dropped).toMatchObject([
      {
        kind: 'event',
        reason: 'count',
        limit: 'maxRecords',
        records: 5,
        seq: { first: 1, last: 5 },
      },
      {
        kind: 'event',
        reason: 'count',
        limit: 'maxRecords',
        records: 3,
        seq: { first: 6, last: 8 },
      },
    ])
    const bytes = dropped.reduce((sum, summary) => sum + summary.bytes, 0)
    expect(report.dropped).toMatchObject([{ records: 8, bytes, seq: { first: 1, last: 8 } }])
    expect(report.plan).toMatchObject({ at: place.clock.now(), through: 22 })
  })

  it('by another process gives the same plan as one by the owner', async () => {
    const store = await filled(place, 22)
    await store.flush()
    const reader = await open(place, 'read')
    expect(await idOf(reader, { maxRecords: 4 })).toBe(await idOf(store, { maxRecords: 4 }))
  })

  it('foretells records, bytes and generation, the segment that takes the appends included', async () => {
    for (const policy of [
      { maxRecords: 14 },
      { maxRecords: 1 },
      { maxAgeSeconds: 3 },
      { maxRecords: 99 },
    ]) {
      const fresh = { ...place, vfs: memVfs() }
      const store = await filled(fresh, 22)
      const told = await store.compact({ policy, dryRun: true })
      const done = await store.compact({ policy })
      for (const key of ['records', 'bytes', 'generation', 'dropped', 'unmet', 'changed'] as const)
        expect(told[key], `${key} under ${JSON.stringify(policy)}`).toEqual(done[key])
      expect(done.verified).toBe(done.changed ? true : null)
      expect((await store.describe()).bytes).toBe(done.bytes.after)
      await store.close()
    }
  })
})

describe('carrying a plan out', () => {
  it('does just what the dry run told, whatever was appended since and whatever time it is', async () => {
    const store = await filled(place, 22)
    const told = await store.compact({ policy: { maxAgeSeconds: 4 }, dryRun: true })
    await grow(place, store, 9)
    const done = await store.compact({ plan: told.plan?.id ?? '', trigger: 'control' })
    expect(done.dropped).toEqual(told.dropped)
    expect(done).toMatchObject({ changed: true, verified: true, plan: null })
    expect(await seqs(store)).toEqual(Array.from({ length: 14 }, (_, i) => i + 18))
    const entry = (await store.describe()).history.at(-1)
    expect(entry).toMatchObject({ trigger: 'control', dropped: told.dropped, recordsRemoved: 17 })
  })

  it('is refused as stale after a compaction, also after one that was stopped half-way', async () => {
    const store = await filled(place, 22)
    const policy = { maxRecords: 4 }
    const id = await idOf(store, policy)
    await store.compact({ policy: { maxRecords: 21 } })
    await expect(store.compact({ plan: id })).rejects.toMatchObject({ code: 'stale_plan' })
    const next = await idOf(store, policy)
    const stop = new AbortController()
    place.vfs.onOp = ({ name: op, path }, half) => {
      if (!half && op === 'unlink' && path.startsWith(DIR)) stop.abort()
    }
    const stopped = store.compact({ policy: { maxRecords: 13 }, signal: stop.signal })
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' })
    place.vfs.onOp = undefined
    expect((await seqs(store)).length).toBeLessThan(21)
    expect((await seqs(store)).length).toBeGreaterThan(13)
    await expect(store.compact({ plan: next })).rejects.toMatchObject({ code: 'stale_plan' })
    await store.compact({ policy: { maxRecords: 13 } })
    expect(await seqs(store)).toHaveLength(13)
  })

  it('is not stale after a compaction that changed nothing, appends, rotations, or a new owner', async () => {
    const store = await filled(place, 22)
    const id = await idOf(store, { maxRecords: 4 })
    expect((await store.compact({ policy: { maxRecords: 99 } })).changed).toBe(false)
    await grow(place, store, 7)
    await store.close()
    const again = await open(place)
    await again.compact({ plan: id })
    expect(await seqs(again)).toEqual(Array.from({ length: 11 }, (_, i) => i + 19))
    await again.close()
  })

  it('is refused for another store, for an id that is none, and beside another policy', async () => {
    const store = await filled(place, 22)
    const other = await filled({ ...place, dir: '/data/other' }, 7)
    const id = await idOf(store, { maxRecords: 4 })
    await expect(other.compact({ plan: id })).rejects.toMatchObject({ code: 'stale_plan' })
    const invalid = { code: 'invalid_argument' }
    await expect(store.compact({ plan: id.slice(0, -1) })).rejects.toMatchObject(invalid)
    await expect(store.compact({})).rejects.toMatchObject(invalid)
    const both = store.compact({ plan: id, policy: { maxRecords: 5 } })
    await expect(both).rejects.toMatchObject(invalid)
  })

  it('is held to the guards: everything goes only by force, and no clock may be behind', async () => {
    const store = await filled(place, 7)
    const key = decodePlanId(await idOf(store, { maxRecords: 4 }))
    const { clock } = place
    const ahead = encodePlanId({ ...key, policy: { maxAgeSeconds: 64 }, at: clock.now() + 61_000 })
    await expect(store.compact({ plan: ahead })).rejects.toMatchObject({ code: 'clock_suspect' })
    clock.advance(60_000)
    const all = await idOf(store, { maxAgeSeconds: 30 })
    await expect(store.compact({ plan: all })).rejects.toMatchObject({ code: 'drop_all_refused' })
    expect((await store.compact({ plan: all, force: true })).records.after).toBe(0)
    expect(await store.append([fact('event', clock.now())])).toEqual({ firstSeq: 8, lastSeq: 8 })
  })
})

describe('any store under any policy', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i + 1))(
    'loses just what the plan says, with appends in between (seed %i)',
    async (seed) => {
      const random = new Random(seed)
      const store = await filled(place, 1)
      const now = place.clock.now()
      for (let n = 0; n < 8; n++) await store.append(randomFacts(random, now, 1 + random.below(6)))
      for (let round = 0; round < 3; round++) {
        const policy = randomPolicy(random)
        const metas: RecordMeta[] = []
        for await (const meta of store.readMeta()) metas.push(meta)
        const expected = await planRetention(() => stream(metas), policy, { now })
        const told = await store.compact({ policy, dryRun: true, force: true })
        expect(told.dropped).toEqual(expected.dropped)
        await store.append(randomFacts(random, now, random.below(8) + 1))
        const before = await seqs(store)
        const done = await store.compact({ plan: told.plan?.id ?? '', force: true })
        expect(done.dropped).toEqual(expected.dropped)
        const gone = new Set(
          metas.filter((meta) => verdict(expected, meta) !== null).map(({ seq }) => seq),
        )
        expect(await seqs(store)).toEqual(before.filter((seq) => !gone.has(seq)))
        expect(done.records.before - done.records.after).toBe(gone.size)
        const recordsStored = (await store.describe()).metrics.totals.recordsStored
        expect(recordsStored).toBe(before.length - gone.size)
      }
      expect((await store.scan()).anomalies).toEqual([])
      await store.close()
      const again = await open(place)
      expect((await again.scan()).anomalies).toEqual([])
      await again.close()
    },
  )
})

async function* stream(metas: readonly RecordMeta[]): AsyncGenerator<RecordMeta> {
  yield* metas
}
