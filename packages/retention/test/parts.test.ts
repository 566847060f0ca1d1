import { keepsKinds, planGroups, planRetention, verdict, type Summary } from '@papyra/retention'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policies, records } from './support/arbitraries.js'
import { NOW, planOf, series } from './support/records.js'
import { cut, newestFirst, Segment } from './support/segments.js'

const RUNS = { numRuns: 1500 }
const sizes = fc.array(fc.nat({ max: 9 }), { maxLength: 8 })
const stores = records({ withUnknown: true })

/** A segment that can be had in smaller parts. */
class Parted extends Segment {
  readonly smaller: readonly Segment[]

  constructor({ records: all }: Segment, at: readonly number[]) {
    super(all)
    this.smaller = cut(all, at).filter(({ records: some }) => some.length > 0)
  }

  parts(): AsyncGenerator<Summary> {
    return newestFirst(this.smaller)
  }
}

describe('segments in parts', () => {
  it('get the plan that their records get', async () => {
    await fc.assert(
      fc.asyncProperty(stores, policies, sizes, sizes, async (store, policy, at, within) => {
        const segments = cut(store, at)
        const parted = segments.map((segment) => new Parted(segment, within))
        const plan = await planRetention(() => newestFirst(parted), policy, { now: NOW })
        expect(plan).toEqual(await planOf(store, policy))
        const plain = await planGroups(plan, segments)
        const groups = await planGroups(plan, parted)
        const unnamed = (all: readonly { readonly group: Summary }[]): object[] =>
          all.map((one) => ({ ...one, group: null }))
        expect(unnamed(groups)).toEqual(unnamed(plain))
      }),
      RUNS,
    )
  })

  it('are read only where a limit cuts, and no further than the part', async () => {
    const segments = cut(series(1, 90), [30, 30]).map((all) => new Parted(all, [10, 10]))
    const plan = await planRetention(() => newestFirst(segments), { maxRecords: 45 }, { now: NOW })
    expect(plan.kept.records).toBe(45)
    const [, middle] = segments
    const readOf = (): number[][] => segments.map((one) => one.smaller.map(({ reads }) => reads))
    expect(readOf()).toEqual([
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ])
    expect(middle?.reads).toBe(0)
    await planGroups(plan, segments)
    expect(readOf()[1]).toEqual([0, 2, 0])
    expect(middle?.reads).toBe(0)
  })
})

describe('what is known only by its figures', () => {
  it('is said to stay or to go only if its records do', async () => {
    const told = { stays: 0, goes: 0, asks: 0 }
    await fc.assert(
      fc.asyncProperty(stores, policies, sizes, async (store, policy, at) => {
        const plan = await planOf(store, policy)
        for (const { kinds, records: all } of cut(store, at)) {
          if (all.length === 0) continue
          const kept = all.filter((meta) => verdict(plan, meta) === null).length
          const said = keepsKinds(plan, kinds)
          if (said === null) told.asks++
          else {
            expect(kept).toBe(said ? all.length : 0)
            if (said) told.stays++
            else told.goes++
          }
        }
      }),
      RUNS,
    )
    for (const times of Object.values(told)) expect(times).toBeGreaterThan(100)
  })
})
