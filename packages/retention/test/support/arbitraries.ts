import type { RecordMeta, RetentionLimits, RetentionPolicy } from '@papyra/contracts'
import fc from 'fast-check'
import { NOW } from './records.js'

const AGES = [0, 1, 2, 3, 5, 8, 10, 20, 30]

/** Few different ages, so that ties and exact boundaries are common; and times of every other sort. */
const timestamp: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...AGES).map((age) => NOW - age * 1000) },
  { weight: 1, arbitrary: fc.constantFrom(...AGES).map((age) => NOW - age * 1000 - 1) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      -1,
      0,
      12_345.678,
      Date.UTC(2000, 0, 1) - 1,
      Date.UTC(2000, 0, 1),
      NOW + 1,
      NOW + 60_000,
      NOW + 60_001,
      Date.UTC(3000, 0, 1),
    ),
  },
)

function kind(withUnknown: boolean): fc.Arbitrary<string> {
  const known = fc.constantFrom('event', 'event', 'audit', 'dead_letter')
  if (!withUnknown) return known
  const unknown = fc.constantFrom('metric', 'constructor', '__proto__', '')
  return fc.oneof({ weight: 6, arbitrary: known }, { weight: 1, arbitrary: unknown })
}

/** Records with rising numbers that may have gaps, oldest first. */
export function records({ withUnknown }: { withUnknown: boolean }): fc.Arbitrary<RecordMeta[]> {
  const one = fc.record({
    step: fc.constantFrom(1, 1, 1, 2, 7),
    kind: kind(withUnknown),
    timestamp,
    bytes: fc.constantFrom(1, 5, 10, 10, 10, 20, 200),
  })
  return fc.array(one, { maxLength: 40 }).map((list) => {
    let seq = 0
    return list.map(({ step, ...rest }) => {
      seq += step
      return { ...rest, seq }
    })
  })
}

const limits: fc.Arbitrary<RetentionLimits> = fc.record(
  {
    maxAgeSeconds: fc.constantFrom(1, 2, 5, 10, 25),
    maxRecords: fc.constantFrom(1, 2, 3, 5, 8, 20),
    maxTotalBytes: fc.constantFrom(1, 10, 20, 50, 100, 230),
  },
  { requiredKeys: [] },
)

export const policies: fc.Arbitrary<RetentionPolicy> = fc
  .tuple(
    limits,
    fc.option(
      fc.record({ event: limits, audit: limits, dead_letter: limits }, { requiredKeys: [] }),
      { nil: undefined },
    ),
  )
  .map(([wide, perKind]) => (perKind === undefined ? wide : { ...wide, perKind }))
