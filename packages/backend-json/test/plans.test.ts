import { manualClock, type AppendFact, type Backend, type ManualClock } from '@papyra/contracts'
import { memVfs, type MemVfs } from '@papyra/filelog/testing'
import { decodePlanId, encodePlanId } from '@papyra/retention'
import { beforeEach, describe, expect, it } from 'vitest'
import { jsonBackend } from '../src/index.js'

const LOG = '/data/shop.ndjson'

function fact(kind: AppendFact['kind'], timestamp: number): AppendFact {
  const members = '"system_id":"shop","actor_address":null,"event_type":"t","payload":{}'
  return { kind, timestamp, members }
}

let vfs: MemVfs
let clock: ManualClock

function open(access: 'read' | 'write', path: string = LOG): Promise<Backend> {
  return jsonBackend({ path, vfs, clock }).open({ access, waitLockMs: 0 })
}

/** A store with so many events, a second apart, the last one now. */
async function filled(count: number, path: string = LOG): Promise<Backend> {
  await jsonBackend({ path, vfs, clock }).create?.()
  const store = await open('write', path)
  await store.begin()
  await grow(store, count)
  return store
}

async function grow(store: Backend, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    clock.advance(1000)
    await store.append([fact('event', clock.now())])
  }
}

async function seqs(store: Backend): Promise<number[]> {
  const all: number[] = []
  for await (const { seq } of store.read()) all.push(seq)
  return all
}

async function idOf(store: Backend, maxRecords: number): Promise<string> {
  const { plan } = await store.compact({ policy: { maxRecords }, dryRun: true })
  return plan?.id ?? ''
}

beforeEach(async () => {
  vfs = memVfs()
  clock = manualClock()
  await vfs.mkdir('/data')
})

describe('a dry run', () => {
  it('gives a plan: its id, its time, how far it reaches, and what goes out of the file', async () => {
    const store = await filled(10)
    const report = await store.compact({ policy: { maxRecords: 4 }, dryRun: true })
    const { bytes } = await store.describe()
    expect(report.plan).toEqual({
      id: report.plan?.id,
      at: clock.now(),
      through: 10,
      files: [{ path: LOG, action: 'rewrite', records: 10, bytes, dropped: report.dropped }],
    })
    expect(report.dropped).toMatchObject([{ limit: 'maxRecords', records: 6 }])
  })

  it('by another process gives the same plan as one by the owner', async () => {
    const store = await filled(10)
    await store.flush()
    const reader = await open('read')
    expect(await idOf(reader, 4)).toBe(await idOf(store, 4))
  })

  it('where nothing has to go has a plan without files', async () => {
    const store = await filled(3)
    const { plan, changed } = await store.compact({ policy: { maxRecords: 9 }, dryRun: true })
    expect(changed).toBe(false)
    expect(plan?.files).toEqual([])
    expect((await store.compact({ plan: plan?.id ?? '' })).changed).toBe(false)
  })
})

describe('carrying a plan out', () => {
  it('does just what the dry run told, whatever was appended since and whatever time it is', async () => {
    const store = await filled(10)
    const told = await store.compact({ policy: { maxAgeSeconds: 4 }, dryRun: true })
    await grow(store, 5)
    const done = await store.compact({ plan: told.plan?.id ?? '' })
    expect(done.dropped).toEqual(told.dropped)
    expect(done.policy).toEqual(told.policy)
    expect(done).toMatchObject({ changed: true, verified: true, plan: null })
    expect(await seqs(store)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
  })

  it('counts only records up to its last number', async () => {
    const store = await filled(10)
    const id = await idOf(store, 4)
    await grow(store, 3)
    await store.compact({ plan: id })
    expect(await seqs(store)).toEqual([7, 8, 9, 10, 11, 12, 13])
  })

  it('is told in the history: who asked, what went, how long it took', async () => {
    const store = await filled(10)
    const id = await idOf(store, 4)
    const { dropped } = await store.compact({ plan: id, trigger: 'schedule' })
    const entry = (await store.describe()).history.at(-1)
    expect(entry).toMatchObject({ what: 'compaction', trigger: 'schedule', dropped })
    expect(entry?.durationMs).toBeGreaterThanOrEqual(0)
  })

  it.each([
    ['a compaction', (store: Backend) => store.compact({ policy: { maxRecords: 9 } })],
    ['the same plan', async (store: Backend) => store.compact({ plan: await idOf(store, 4) })],
  ])('is refused as stale after %s', async (_, between) => {
    const store = await filled(10)
    const id = await idOf(store, 4)
    await between(store)
    const before = await seqs(store)
    await expect(store.compact({ plan: id })).rejects.toMatchObject({ code: 'stale_plan' })
    await expect(store.compact({ plan: id, dryRun: true })).rejects.toMatchObject({
      code: 'stale_plan',
    })
    expect(await seqs(store)).toEqual(before)
  })

  it('is not stale after a compaction that changed nothing, appends, or a new owner', async () => {
    const store = await filled(10)
    const id = await idOf(store, 4)
    expect((await store.compact({ policy: { maxRecords: 99 } })).changed).toBe(false)
    await grow(store, 1)
    await store.close()
    const again = await open('write')
    await again.compact({ plan: id })
    expect(await seqs(again)).toEqual([7, 8, 9, 10, 11])
  })

  it('is refused for another log, and for a store that was made anew', async () => {
    const store = await filled(10)
    const other = await filled(10, '/data/other.ndjson')
    const id = await idOf(store, 4)
    await expect(other.compact({ plan: id })).rejects.toMatchObject({ code: 'stale_plan' })
  })

  it('is refused for an id that is none, and beside another policy', async () => {
    const store = await filled(10)
    const id = await idOf(store, 4)
    const invalid = { code: 'invalid_argument' }
    await expect(store.compact({ plan: `${id}x` })).rejects.toMatchObject(invalid)
    await expect(store.compact({})).rejects.toMatchObject(invalid)
    const both = store.compact({ plan: id, policy: { maxRecords: 5 } })
    await expect(both).rejects.toMatchObject(invalid)
    expect((await store.compact({ plan: id, policy: { maxRecords: 4 } })).changed).toBe(true)
  })
})

describe('the guards hold for plans, too', () => {
  it('a plan that drops everything needs force both times', async () => {
    const store = await filled(5)
    clock.advance(60_000)
    const all = { policy: { maxAgeSeconds: 30 }, dryRun: true }
    const refused = { code: 'drop_all_refused' }
    await expect(store.compact(all)).rejects.toMatchObject(refused)
    const { plan } = await store.compact({ ...all, force: true })
    const id = plan?.id ?? ''
    await expect(store.compact({ plan: id })).rejects.toMatchObject(refused)
    await store.compact({ plan: id, force: true })
    expect(await seqs(store)).toEqual([])
  })

  it('an age limit is refused where the clock is behind the plan, or the records', async () => {
    const store = await filled(5)
    const key = decodePlanId(await idOf(store, 4))
    const ahead = encodePlanId({ ...key, policy: { maxAgeSeconds: 64 }, at: clock.now() + 61_000 })
    await expect(store.compact({ plan: ahead })).rejects.toMatchObject({ code: 'clock_suspect' })
    const now = encodePlanId({ ...key, policy: { maxAgeSeconds: 2 }, at: clock.now() })
    clock.setWallTime(clock.now() - 61_000)
    await expect(store.compact({ plan: now })).rejects.toMatchObject({ code: 'clock_suspect' })
    expect(await seqs(store)).toHaveLength(5)
  })
})

it('a rate that is none is refused, and one that is given changes nothing but the time', async () => {
  const store = await filled(10)
  const policy = { maxRecords: 4 }
  const none = store.compact({ policy, bytesPerSecond: 0 })
  await expect(none).rejects.toMatchObject({ code: 'invalid_argument' })
  const report = await store.compact({ policy, bytesPerSecond: 1_000_000 })
  expect(report).toMatchObject({ changed: true, verified: true, records: { after: 4 } })
})
