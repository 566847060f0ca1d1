import type { RecordMeta, RetentionLimits, RetentionPolicy, StoredRecord } from '@papyra/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ArrayModel,
  isUsableTime,
  planByModel,
  policyArbitrary,
  selectRecords,
} from '../src/index.js'
import { plan } from './array-backend/retain.js'

const NOW = 1_704_067_200_000

const kinds = fc.constantFrom('event', 'audit', 'dead_letter', 'trace')
const times = fc.oneof(
  fc.integer({ min: NOW - 100_000, max: NOW + 200_000 }),
  fc.constantFrom(0, Number.NaN, 946_684_799_999, 946_684_800_000),
)

const records: fc.Arbitrary<StoredRecord[]> = fc
  .array(fc.tuple(kinds, times, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 3 })))
  .map((list) => {
    let seq = 0
    return list.map(([kind, timestamp, bytes, step]) => {
      seq += step
      return { seq, kind, timestamp, bytes, json: '' }
    })
  })

const limits: fc.Arbitrary<RetentionLimits> = fc.record(
  {
    maxRecords: fc.integer({ min: 1, max: 8 }),
    maxAgeSeconds: fc.integer({ min: 1, max: 120 }),
    maxTotalBytes: fc.integer({ min: 1, max: 200 }),
  },
  { requiredKeys: [] },
)

const policies: fc.Arbitrary<RetentionPolicy> = fc
  .tuple(limits, fc.record({ event: limits, dead_letter: limits }, { requiredKeys: [] }))
  .map(([wide, perKind]) => ({ ...wide, perKind }))

test('the model and the array backend, written apart, keep the same under any policy', () => {
  fc.assert(
    fc.property(records, fc.oneof(policies, policyArbitrary()), (list, policy) => {
      const model = planByModel(list, policy, NOW)
      const other = plan(list, policy, NOW)
      expect(model.kept).toEqual([...other.kept].map((record) => record.seq))
      const sums = (of: readonly { limit: string; bytes: number }[]): Map<string, number> => {
        const totals = new Map<string, number>()
        for (const { limit, bytes } of of) totals.set(limit, (totals.get(limit) ?? 0) + bytes)
        return totals
      }
      expect(sums(model.dropped)).toEqual(sums(other.dropped))
    }),
    { numRuns: 500 },
  )
})

test('a plan keeps or drops each record once and never drops an unknown kind', () => {
  fc.assert(
    fc.property(records, policies, (list, policy) => {
      const { kept, dropped } = planByModel(list, policy, NOW)
      const all = [...kept, ...dropped.map((drop) => drop.seq)].sort((a, b) => a - b)
      expect(all).toEqual(list.map((record) => record.seq))
      expect(dropped.filter((drop) => drop.kind === 'trace')).toEqual([])
    }),
  )
})

test('usable times begin with the year 2000 and end 60 s after now', () => {
  const usable = [946_684_800_000, NOW, NOW + 60_000]
  const unusable = [946_684_799_999, NOW + 60_001, Number.NaN, Number.POSITIVE_INFINITY, 0]
  expect(usable.filter((time) => isUsableTime(time, NOW))).toEqual(usable)
  expect(unusable.filter((time) => isUsableTime(time, NOW))).toEqual([])
})

const meta = (seq: number, timestamp: number): RecordMeta => ({
  seq,
  timestamp,
  kind: seq % 2 === 0 ? 'audit' : 'event',
  bytes: 1,
})

test('selecting applies filters, then order, then limit, and a NaN time matches no time limit', () => {
  const list = [meta(1, 10), meta(2, 20), meta(3, Number.NaN), meta(4, 40)]
  const seqs = (query: Parameters<typeof selectRecords>[1]): number[] =>
    selectRecords(list, query).map((record) => record.seq)
  expect(seqs({})).toEqual([1, 2, 3, 4])
  expect(seqs({ since: 20 })).toEqual([2, 4])
  expect(seqs({ until: 40 })).toEqual([1, 2])
  expect(seqs({ kinds: ['event'], order: 'newest', limit: 1 })).toEqual([3])
  expect(seqs({ afterSeq: 1, beforeSeq: 4 })).toEqual([2, 3])
})

test('an array model compacts by a plan and goes on with its numbers', () => {
  const model = new ArrayModel()
  model.append([1, 2, 3].map((seq) => ({ ...meta(seq, NOW), json: '{}' })))
  model.compact(model.plan({ maxRecords: 1 }, NOW))
  expect(model.read({}).map((record) => record.seq)).toEqual([3])
  expect(model.nextSeq).toBe(4)
})
