import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { readSeqs, sum } from '../expect.js'
import { eventFact, mixedFacts } from '../facts.js'
import { eventsAt, flood, retentionCheck } from '../retention-case.js'
import { perKindChecks } from './retention-kinds.js'

const group = 'retention'
const YEAR_2000 = 946_684_800_000

const countAndBytes: readonly Check[] = [
  retentionCheck('count', 'maxRecords keeps exactly so many, the newest', (now) => [
    { facts: mixedFacts(12, now), policy: () => ({ maxRecords: 5 }), kept: [8, 9, 10, 11, 12] },
    { facts: mixedFacts(3, now), policy: () => ({ maxRecords: 3 }), kept: [1, 2, 3] },
    { facts: mixedFacts(3, now), policy: () => ({ maxRecords: 1 }), kept: [3] },
  ]),
  retentionCheck('bytes', 'maxTotalBytes keeps the newest that fit, line ends included', (now) => [
    {
      facts: mixedFacts(8, now),
      policy: (bytes) => ({ maxTotalBytes: sum(bytes.slice(-4)) }),
      kept: [5, 6, 7, 8],
    },
    {
      facts: mixedFacts(8, now),
      policy: (bytes) => ({ maxTotalBytes: sum(bytes.slice(-4)) - 1 }),
      kept: [6, 7, 8],
    },
  ]),
  retentionCheck(
    'bytes-suffix',
    'a large record ends what maxTotalBytes keeps; nothing older stays',
    (now) => [
      {
        facts: [
          ...eventsAt(now, now),
          eventFact({ timestamp: now, payload: `"${'x'.repeat(3000)}"` }),
          ...eventsAt(now, now),
        ],
        policy: (bytes) => ({ maxTotalBytes: sum(bytes) - (bytes[2] ?? 0) }),
        kept: [4, 5],
      },
    ],
  ),
  retentionCheck('bytes-keep-newest', 'a byte limit never drops the newest record', (now) => [
    { facts: mixedFacts(4, now), policy: () => ({ maxTotalBytes: 1 }), kept: [4] },
  ]),
]

const age: readonly Check[] = [
  retentionCheck(
    'age-boundary',
    'a record exactly maxAgeSeconds old stays, one ms older goes',
    (now) => [
      {
        facts: eventsAt(now - 10_001, now - 10_000, now - 9_999, now),
        policy: () => ({ maxAgeSeconds: 10 }),
        kept: [2, 3, 4],
      },
    ],
  ),
  retentionCheck('age-by-time', 'age goes by the time of a record, not by its number', (now) => [
    {
      facts: eventsAt(now, now - 60_000, now - 1000, now - 60_000),
      policy: () => ({ maxAgeSeconds: 30 }),
      kept: [1, 3],
    },
  ]),
  retentionCheck(
    'undated-kept',
    'an age limit never drops a record dated before the year 2000',
    (now) => [
      {
        facts: eventsAt(0, -1, YEAR_2000 - 1, YEAR_2000, now),
        policy: () => ({ maxAgeSeconds: 1 }),
        kept: [1, 2, 3, 5],
      },
    ],
  ),
  retentionCheck('future-kept', 'an age limit never drops a record dated ahead of now', (now) => [
    {
      facts: eventsAt(now - 5000, now + 3_600_000, now + 1000),
      policy: () => ({ maxAgeSeconds: 1 }),
      kept: [2, 3],
      force: true,
    },
  ]),
]

const reports: readonly Check[] = [
  retentionCheck(
    'drops-explained',
    'the report names limit, kind, records, bytes and numbers of each drop',
    (now) => [
      {
        facts: flood(6, now),
        policy: () => ({ perKind: { event: { maxRecords: 2 } } }),
        kept: [1, 2, 3, 4, 5, 10, 11],
        verify: ({ dropped }, bytes) => {
          assert.deepEqual(dropped, [
            {
              kind: 'event',
              reason: 'count',
              limit: 'perKind.event.maxRecords',
              records: 4,
              bytes: sum(bytes.slice(5, 9)),
              seq: { first: 6, last: 9 },
            },
          ])
        },
      },
      {
        facts: eventsAt(now - 60_000, now - 60_000, now),
        policy: () => ({ maxAgeSeconds: 30 }),
        kept: [3],
        verify: ({ dropped }, bytes) => {
          assert.deepEqual(dropped, [
            {
              kind: 'event',
              reason: 'age',
              limit: 'maxAgeSeconds',
              records: 2,
              bytes: sum(bytes.slice(0, 2)),
              seq: { first: 1, last: 2 },
            },
          ])
        },
      },
    ],
  ),
  {
    id: 'retention.unknown-kinds-kept',
    group,
    needs: ['compaction', 'persistent', 'plant'],
    promise: 'records of unknown kinds are never dropped, whatever the limit',
    async run(world) {
      const { backend } = await world.filled(4)
      await backend.close()
      await world.subject.plant?.([
        { kind: 'trace', timestamp: world.subject.clock.now() - 86_400_000, members: '"span":1' },
      ])
      const again = await world.begun()
      await again.append([eventFact({ timestamp: world.subject.clock.now() })])
      await again.compact({ policy: { maxRecords: 1, maxAgeSeconds: 60, maxTotalBytes: 1 } })
      assert.deepEqual(await readSeqs(again, { kinds: ['trace'] }), [5])
    },
  },
]

/** Which records a policy keeps. */
export const retentionChecks: readonly Check[] = [
  ...countAndBytes,
  ...age,
  ...perKindChecks,
  ...reports,
]
