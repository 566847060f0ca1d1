import type { RecordMeta } from '@papyra/contracts'
import {
  createLiveView,
  isStreamable,
  planRetention,
  verdict,
  type LiveViewOptions,
  type Metas,
} from '@papyra/retention'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policies, records } from './support/arbitraries.js'
import { model, total } from './support/model.js'
import { NOW, Source, keptSeqs, planOf } from './support/records.js'

// A failure prints its seed and the smallest counterexample.
const RUNS = { numRuns: 1500 }
const anyStore = records({ withUnknown: true })
const knownStore = records({ withUnknown: false })

/** Newest first: a size of 0 is an empty batch, 1 a record by itself; the rest comes in one batch. */
async function* inBatches(store: readonly RecordMeta[], sizes: readonly number[]): Metas {
  const newestFirst = [...store].reverse()
  let at = 0
  for (const size of sizes) {
    const batch = newestFirst.slice(at, at + size)
    at += size
    const [alone] = batch
    if (size === 1 && alone !== undefined) yield alone
    else yield batch
  }
  yield newestFirst.slice(at)
}

describe('a plan, against the rules applied to arrays', () => {
  it('drops the same records for the same reasons', async () => {
    await fc.assert(
      fc.asyncProperty(anyStore, policies, async (store, policy) => {
        const plan = await planOf(store, policy)
        const expected = model(store, policy, NOW)
        for (const meta of store) {
          expect(verdict(plan, meta), `record ${meta.seq}`).toEqual(
            expected.drops.get(meta.seq) ?? null,
          )
        }
      }),
      RUNS,
    )
  })

  it('counts what it keeps and drops as its verdicts in any order do', async () => {
    const shuffled = fc
      .tuple(anyStore, policies)
      .chain(([store, policy]) =>
        fc.tuple(
          fc.constant(policy),
          fc.shuffledSubarray(store, { minLength: store.length, maxLength: store.length }),
        ),
      )
    await fc.assert(
      fc.asyncProperty(shuffled, async ([policy, store]) => {
        const plan = await planOf(store, policy)
        const sums = new Map<string, RecordMeta[]>()
        for (const meta of store) {
          const decided = verdict(plan, meta)
          const key = decided === null ? 'kept' : `${meta.kind} ${decided.reason} ${decided.limit}`
          sums.set(key, [...(sums.get(key) ?? []), meta])
        }
        const kept = sums.get('kept') ?? []
        sums.delete('kept')
        expect(plan.total).toEqual({ records: store.length, bytes: total(store) })
        expect(plan.kept).toEqual({ records: kept.length, bytes: total(kept) })
        const keptNumbers = kept.map((meta) => meta.seq)
        expect(plan.oldestKept).toBe(kept.length === 0 ? null : Math.min(...keptNumbers))
        expect(plan.dropped).toHaveLength(sums.size)
        for (const summary of plan.dropped) {
          const mine = sums.get(`${summary.kind} ${summary.reason} ${summary.limit}`) ?? []
          const seqs = mine.map((meta) => meta.seq)
          expect(summary).toMatchObject({
            records: mine.length,
            bytes: total(mine),
            seq: { first: Math.min(...seqs), last: Math.max(...seqs) },
          })
        }
      }),
      RUNS,
    )
  })

  it('survives a trip through JSON', async () => {
    await fc.assert(
      fc.asyncProperty(anyStore, policies, async (store, policy) => {
        const plan = await planOf(store, policy)
        const copy: typeof plan = JSON.parse(JSON.stringify(plan))
        expect(copy).toEqual(plan)
        expect(keptSeqs(copy, store)).toEqual(keptSeqs(plan, store))
      }),
      { numRuns: 300 },
    )
  })

  it('is the same for records that come in batches of any size, some of them empty', async () => {
    const cuts = fc.array(fc.nat({ max: 6 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(anyStore, policies, cuts, async (store, policy, sizes) => {
        const batched = await planRetention(() => inBatches(store, sizes), policy, { now: NOW })
        expect(batched).toEqual(await planOf(store, policy))
      }),
      RUNS,
    )
  })

  it('drops nothing more from what it kept', async () => {
    await fc.assert(
      fc.asyncProperty(anyStore, policies, async (store, policy) => {
        const first = await planOf(store, policy)
        const kept = store.filter((meta) => verdict(first, meta) === null)
        const second = await planOf(kept, policy)
        expect(second.dropped).toEqual([])
        expect(second.kept).toEqual(first.kept)
        expect(second.unmet).toEqual(first.unmet)
      }),
      RUNS,
    )
  })

  it('reports a size limit as unmet exactly where what is kept exceeds it', async () => {
    await fc.assert(
      fc.asyncProperty(anyStore, policies, async (store, policy) => {
        const plan = await planOf(store, policy)
        const { kept } = model(store, policy, NOW)
        const expected: Record<string, { wanted: number; actual: number }> = {}
        const check = (limit: string, wanted: number | undefined, actual: number): void => {
          if (wanted !== undefined && actual > wanted) expected[limit] = { wanted, actual }
        }
        check('maxRecords', policy.maxRecords, kept.length)
        check('maxTotalBytes', policy.maxTotalBytes, total(kept))
        for (const kind of ['event', 'audit', 'dead_letter'] as const) {
          const mine = kept.filter((meta) => meta.kind === kind)
          const own = policy.perKind?.[kind]
          check(`perKind.${kind}.maxRecords`, own?.maxRecords, mine.length)
          check(`perKind.${kind}.maxTotalBytes`, own?.maxTotalBytes, total(mine))
        }
        const reported = plan.unmet.map(({ limit, wanted, actual }) => [limit, { wanted, actual }])
        expect(Object.fromEntries(reported)).toEqual(expected)
      }),
      RUNS,
    )
  })

  it('keeps what is appended afterwards, and needs at most three passes', async () => {
    await fc.assert(
      fc.asyncProperty(anyStore, policies, async (store, policy) => {
        const source = new Source(store)
        const plan = await planRetention(source.read, policy, { now: NOW })
        expect(source.passes).toBeLessThanOrEqual(3)
        const later = { seq: plan.newestSeq + 1, kind: 'event', timestamp: NOW - 1e9, bytes: 999 }
        expect(verdict(plan, later)).toBeNull()
      }),
      RUNS,
    )
  })
})

describe('a live view', () => {
  const cases: readonly [string, typeof anyStore, LiveViewOptions][] = [
    ['with unknown kinds', anyStore, {}],
    ['without unknown kinds', knownStore, { unknownKinds: 'none' }],
  ]
  it.each(cases)('agrees with the plan wherever it is possible, %s', async (_, stores, options) => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(stores, policies, async (store, policy) => {
        fc.pre(isStreamable(policy, options))
        const plan = await planOf(store, policy)
        const view = createLiveView(policy, NOW, options)
        let exhausted = false
        const exhaustedKinds = new Set<string>()
        for (const meta of [...store].reverse()) {
          const decided = view.verdict(meta)
          expect(decided).toEqual(verdict(plan, meta))
          if (decided === null) {
            expect(exhausted).toBe(false)
            expect(exhaustedKinds).not.toContain(meta.kind)
          }
          exhausted = view.exhausted()
          if (view.exhausted([meta.kind])) exhaustedKinds.add(meta.kind)
          compared += 1
        }
      }),
      RUNS,
    )
    expect(compared).toBeGreaterThan(1000)
  })
})
