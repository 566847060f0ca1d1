import type { RecordMeta } from '@papyra/contracts'
import { planGroups, planRetention, verdict, type Metas } from '@papyra/retention'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policies, records } from './support/arbitraries.js'
import { total } from './support/model.js'
import { NOW, planOf } from './support/records.js'
import { cut, newestFirst, type Segment } from './support/segments.js'

// A failure prints its seed and the smallest counterexample.
const RUNS = { numRuns: 3000 }
const sizes = fc.array(fc.nat({ max: 9 }), { maxLength: 12 })
const someStore = records({ withUnknown: true })
/** Times of one sort a segment, as real ones have, so that much can be judged unread. */
const steadyStore = someStore.map((store) =>
  store.map((meta, i) => ({ ...meta, timestamp: NOW - Math.floor((store.length - i) / 6) * 5000 })),
)
const anyStore = fc.oneof(someStore, steadyStore)

/** Some segments summed up, the others record by record, as their numbers say. */
async function* mixed(segments: readonly Segment[], summedUp: readonly boolean[]): Metas {
  for (const [i, segment] of [...segments.entries()].reverse()) {
    if (summedUp[i % summedUp.length] === false) yield [...segment.records].reverse()
    else yield segment
  }
}

describe('a plan over segments', () => {
  it('is the plan over their records', async () => {
    let unread = 0
    let read = 0
    await fc.assert(
      fc.asyncProperty(
        anyStore,
        policies,
        sizes,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
        async (store, policy, at, summedUp) => {
          const segments = cut(store, at)
          const plan = await planRetention(() => mixed(segments, summedUp), policy, { now: NOW })
          expect(plan).toEqual(await planOf(store, policy))
          for (const [i, { reads, records }] of segments.entries()) {
            if (records.length === 0 || summedUp[i % summedUp.length] === false) continue
            if (reads === 0) unread++
            else read++
          }
        },
      ),
      RUNS,
    )
    // Both ways were taken, often.
    expect(unread).toBeGreaterThan(500)
    expect(read).toBeGreaterThan(500)
  })

  it('up to a number is the plan over the records up to it', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyStore,
        policies,
        sizes,
        fc.nat({ max: 90 }),
        async (store, policy, at, through) => {
          const expected = await planOf(
            store.filter(({ seq }) => seq <= through),
            policy,
          )
          const options = { now: NOW, through }
          const segments = cut(store, at)
          expect(await planRetention(() => newestFirst(segments), policy, options)).toEqual(
            expected,
          )
          const single = (): Metas => mixed(segments, [false])
          expect(await planRetention(single, policy, options)).toEqual(expected)
        },
      ),
      RUNS,
    )
  })

  it('says of each segment what goes out of it, as its verdicts do', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyStore,
        policies,
        sizes,
        fc.nat({ max: 90 }),
        async (store, policy, at, through) => {
          const plan = await planOf(
            store.filter(({ seq }) => seq <= through),
            policy,
          )
          const segments = cut(store, at)
          const groups = await planGroups(plan, segments)
          expect(groups.map(({ group }) => group)).toEqual(segments)
          for (const { group, action, dropped, kept, keptSeq, droppedSeq } of groups) {
            const stays = group.records.filter((meta) => verdict(plan, meta) === null)
            const goes = group.records.filter((meta) => verdict(plan, meta) !== null)
            const expected = goes.length === 0 ? 'keep' : stays.length === 0 ? 'drop' : 'rewrite'
            expect(action).toBe(expected)
            expect(kept).toEqual({ records: stays.length, bytes: total(stays) })
            expect(keptSeq).toEqual(rangeOf(stays))
            expect(droppedSeq).toEqual(rangeOf(goes))
            expect(dropped).toHaveLength(new Set(goes.map((meta) => keyOf(meta))).size)
            for (const summary of dropped) {
              const mine = goes.filter((meta) => keyOf(meta) === `${summary.kind} ${summary.limit}`)
              const [first] = mine
              expect(first && verdict(plan, first)?.reason).toBe(summary.reason)
              expect(summary).toMatchObject({ records: mine.length, bytes: total(mine) })
              expect(summary.seq).toEqual(rangeOf(mine))
            }
            if (action === 'drop' && group.kinds.every(({ undated }) => undated === 0)) {
              expect(group.reads, 'a segment that goes as a whole is not read').toBeLessThan(2)
            }
          }
          function keyOf(meta: RecordMeta): string {
            return `${meta.kind} ${verdict(plan, meta)?.limit ?? ''}`
          }
        },
      ),
      RUNS,
    )
  })
})

function rangeOf(metas: readonly RecordMeta[]): { first: number; last: number } | null {
  const seqs = metas.map(({ seq }) => seq)
  return seqs.length === 0 ? null : { first: Math.min(...seqs), last: Math.max(...seqs) }
}
