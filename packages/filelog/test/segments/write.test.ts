import fc from 'fast-check'
import { manualClock, type AppendFact } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import type { SealLimits, SegmentStore, SegmentStoreOptions } from '../../src/index.js'
import { openSegmentCore } from '../../src/segments/open.js'
import { rollOver } from '../../src/segments/roll-over.js'
import type { SegmentCore } from '../../src/segments/segment-core.js'
import { SegmentStore as Store } from '../../src/segments/segment-store.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { bySeq, create, DIR, manifestOf, open, readAll, storedAs, strictly } from './support.js'

/** What a run does next. */
type Step =
  | { readonly do: 'append'; readonly sizes: readonly number[] }
  | { readonly do: 'both'; readonly sizes: readonly number[] }
  | { readonly do: 'rollOver' | 'reopen' | 'kill' | 'rollAtRest' | 'flush' }
  | { readonly do: 'wait'; readonly ms: number }

const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), sizes }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('both' as const), sizes }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('rollOver', 'reopen', 'kill', 'rollAtRest', 'flush'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 5000 }),
    }),
  },
)
const limits = fc.record({
  maxBytes: fc.integer({ min: 200, max: 4000 }),
  maxAgeMs: fc.option(fc.integer({ min: 1, max: 4000 })),
  maxRecords: fc.option(fc.integer({ min: 1, max: 9 })),
})

const KINDS = ['event', 'audit', 'dead_letter'] as const

/** Does the steps, and keeps its own list of what was acknowledged. */
class Run {
  readonly acked: Map<number, string> = new Map()
  readonly clock = manualClock()
  #vfs: MemVfs
  readonly #options: Partial<SegmentStoreOptions>
  #core: SegmentCore | null = null
  #store: SegmentStore | null = null
  #n: number = 0

  constructor(vfs: MemVfs, options: Partial<SegmentStoreOptions>) {
    this.#vfs = vfs
    this.#options = options
  }

  get vfs(): MemVfs {
    return this.#vfs
  }

  get store(): SegmentStore {
    if (this.#store === null) throw new Error('the store is not open')
    return this.#store
  }

  async open(): Promise<SegmentCore> {
    const how = { backend: 'rotation', access: 'write', waitLockMs: 0, clock: this.clock } as const
    this.#core = await openSegmentCore(this.#vfs, DIR, { ...how, ...this.#options })
    this.#store = new Store(this.#core)
    return this.#core
  }

  async begin(): Promise<void> {
    await this.open()
    await this.store.begin()
  }

  async do(step: Step): Promise<void> {
    if (step.do === 'append') await this.#append(step.sizes)
    else if (step.do === 'both') {
      await Promise.all([this.#append(step.sizes), this.#append([...step.sizes].reverse())])
    } else if (step.do === 'wait') this.clock.advance(step.ms)
    else if (step.do === 'flush') await this.store.flush()
    else if (step.do === 'rollOver') await rollOver(this.#core as SegmentCore)
    else if (step.do === 'kill') {
      this.#vfs = this.#vfs.kill()
      await this.begin()
    } else {
      await this.store.close()
      if (step.do === 'rollAtRest') {
        await rollOver(await this.open())
        expect((await this.store.scan()).anomalies).toEqual([])
        await this.store.close()
      }
      await this.begin()
    }
  }

  async #append(sizes: readonly number[]): Promise<void> {
    const given = sizes.map((size): AppendFact => {
      const n = ++this.#n
      const text = size % 3 === 0 ? 'ü'.repeat(size / 2) : 'x'.repeat(size)
      const members = `"system_id":"shop","payload":{"n":${n},"pad":"${text}"}`
      return { kind: KINDS[n % 3] as 'event', timestamp: this.clock.now() + n / 8, members }
    })
    const { logId } = manifestOf(this.#vfs)
    const { firstSeq } = await this.store.append(given)
    for (const [seq, json] of storedAs(logId, given, firstSeq)) this.acked.set(seq, json)
  }
}

test('whatever is appended, rotated, closed, killed and opened again: all records are there, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      limits,
      fc.constantFrom('durable' as const, 'flushed' as const),
      async (steps, seal, ack) => {
        const vfs = memVfs()
        await create(vfs)
        const run = new Run(vfs, { seal, ack })
        await run.begin()
        for (const next of steps) await run.do(next)
        expect(bySeq(await readAll(run.store))).toEqual(run.acked)
        const { metrics, segments, lastSeq } = await run.store.describe()
        expect(metrics.totals.recordsWritten).toBe(run.acked.size)
        expect(metrics.totals.recordsStored).toBe(run.acked.size)
        expect(lastSeq).toBe(run.acked.size)
        await run.store.close()
        const strict = await strictly(run.vfs)
        expect([...strict.records]).toEqual([...run.acked])
        expect(strict.unnamed).toEqual([])
        const heads = (segments ?? []).map(({ path }) => run.vfs.bytes(path).indexOf(0x0a) + 1)
        const bytes = (segments ?? []).reduce((sum, segment) => sum + segment.bytes, 0)
        const head = heads.reduce((sum, size) => sum + size, 0)
        expect(metrics.totals.bytesWritten).toBe(bytes - head)
      },
    ),
    { numRuns: 60 },
  )
})

describe('limits', () => {
  async function shape(
    seal: Partial<SealLimits>,
    write: (store: SegmentStore, clock: ReturnType<typeof manualClock>) => Promise<void>,
  ): Promise<number[]> {
    const vfs = memVfs()
    await create(vfs)
    const clock = manualClock()
    const store = await open(vfs, { seal, clock })
    await store.begin()
    await write(store, clock)
    const { segments } = await store.describe()
    await store.close()
    await strictly(vfs)
    return (segments ?? []).map(({ records }) => records)
  }
  const fact = (size: number): AppendFact => ({
    kind: 'event',
    timestamp: 1_704_067_200_000,
    members: `"p":"${'x'.repeat(size)}"`,
  })

  test('records: no segment has more, unless one call brings more', async () => {
    const write = async (store: SegmentStore): Promise<void> => {
      for (let i = 0; i < 5; i++) await store.append([fact(1), fact(1)])
      await store.append([1, 1, 1, 1, 1, 1, 1].map(fact))
      await store.append([fact(1)])
    }
    expect(await shape({ maxRecords: 5 }, write)).toEqual([4, 4, 2, 7, 1])
  })

  test('calls that wait together are split where a segment ends', async () => {
    const write = async (store: SegmentStore): Promise<void> => {
      await Promise.all(Array.from({ length: 10 }, () => store.append([fact(1)])))
    }
    expect(await shape({ maxRecords: 3 }, write)).toEqual([3, 3, 3, 1])
  })

  test('a record larger than a segment goes alone into one', async () => {
    const write = async (store: SegmentStore): Promise<void> => {
      for (const size of [1, 5000, 1, 5000, 5000]) await store.append([fact(size)])
    }
    expect(await shape({ maxBytes: 1000 }, write)).toEqual([1, 1, 1, 1, 1])
  })

  test('age: checked when something is appended, and never for an empty segment', async () => {
    const write = async (
      store: SegmentStore,
      clock: ReturnType<typeof manualClock>,
    ): Promise<void> => {
      clock.advance(50_000)
      await store.append([fact(1)])
      await store.append([fact(1)])
      clock.advance(9999)
      await store.append([fact(1)])
      clock.advance(1)
      await store.append([fact(1)])
    }
    // The first segment was 50 s old when its first record came.
    expect(await shape({ maxAgeMs: 10_000 }, write)).toEqual([1, 2, 1])
  })

  test('bytes: no file is larger, the block mark that ends it left out', async () => {
    const vfs = memVfs()
    await create(vfs)
    const store = await open(vfs, { seal: { maxBytes: 3000 } })
    await store.begin()
    for (let i = 0; i < 60; i++) await store.append([fact(i * 7)])
    await store.close()
    const { segments } = manifestOf(vfs)
    expect(segments.length).toBeGreaterThan(5)
    for (const { bytes } of segments) expect(bytes).toBeLessThan(3000 + 400)
  })
})
