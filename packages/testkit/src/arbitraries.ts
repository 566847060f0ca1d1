import {
  RECORD_KINDS,
  type AppendFact,
  type ReadQuery,
  type RetentionLimits,
  type RetentionPolicy,
} from '@papyra/contracts'
import fc from 'fast-check'
import { auditFact, deadLetterFact, eventFact } from './facts.js'

/** How far back the times of random facts lie, in ms. */
const SPAN_MS = 120_000

/** Raw JSON texts, such as printing a value would never make among them. */
export function rawJsonArbitrary(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.json({ maxDepth: 2 }) },
    { weight: 1, arbitrary: fc.bigInt().map(String) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '{"a":1,"a":2}',
        '{"__proto__":{"x":1}}',
        '[ 1.0 , -0 , 1e3 ]',
        '"\\u0041\\ud800 東京"',
      ),
    },
  )
}

/** A time as a fact has it: an offset before now in ms, or a time from before the year 2000. */
export type TimeChoice = { readonly ago: number } | { readonly at: number }

/** The wall time that a choice means at `now`. */
export function timeOf(choice: TimeChoice, now: number): number {
  return 'ago' in choice ? now - choice.ago : choice.at
}

export function timeArbitrary(): fc.Arbitrary<TimeChoice> {
  return fc.oneof(
    { weight: 9, arbitrary: fc.record({ ago: fc.integer({ min: 0, max: SPAN_MS }) }) },
    { weight: 1, arbitrary: fc.record({ at: fc.constantFrom(0, 1, 946_684_799_999) }) },
  )
}

/** Well-formed facts; `now` gives the wall time that they are made at. */
export function factArbitrary(now: () => number): fc.Arbitrary<AppendFact> {
  return fc
    .tuple(fc.constantFrom(...RECORD_KINDS), timeArbitrary(), rawJsonArbitrary(), fc.nat(99))
    .map(([kind, time, payload, actors]) => {
      const timestamp = timeOf(time, now())
      if (kind === 'audit') return auditFact({ timestamp, actors })
      return kind === 'event'
        ? eventFact({ timestamp, payload })
        : deadLetterFact({ timestamp, payload })
    })
}

/** Queries over times around `now` and the first numbers. */
export function queryArbitrary(now: () => number): fc.Arbitrary<ReadQuery> {
  const seq = fc.nat(60)
  const time = fc.integer({ min: 0, max: SPAN_MS })
  return fc
    .record(
      {
        kinds: fc.subarray([...RECORD_KINDS, 'unknown'], { minLength: 1 }),
        window: fc.tuple(time, time),
        afterSeq: seq,
        beforeSeq: seq,
        order: fc.constantFrom('oldest' as const, 'newest' as const),
        limit: fc.integer({ min: 1, max: 12 }),
      },
      { requiredKeys: [] },
    )
    .map(({ window, ...query }) => {
      if (window === undefined) return query
      const [from, length] = window
      const since = now() - from
      return { ...query, since, until: since + length }
    })
}

function limitsArbitrary(): fc.Arbitrary<RetentionLimits> {
  return fc.record(
    {
      maxRecords: fc.integer({ min: 2, max: 30 }),
      maxAgeSeconds: fc.integer({ min: 1, max: (SPAN_MS / 1000) * 2 }),
      maxTotalBytes: fc.integer({ min: 300, max: 8000 }),
    },
    { requiredKeys: [] },
  )
}

/** Valid policies: any limits for the whole log, for kinds, for both, or none at all. */
export function policyArbitrary(): fc.Arbitrary<RetentionPolicy> {
  const limits = limitsArbitrary()
  const perKind = fc.record(
    { event: limits, audit: limits, dead_letter: limits },
    { requiredKeys: [] },
  )
  return fc
    .tuple(limits, fc.option(perKind, { nil: undefined }))
    .map(([wide, kinds]) => (kinds === undefined ? wide : { ...wide, perKind: kinds }))
}
