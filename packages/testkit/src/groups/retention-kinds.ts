import assert from 'node:assert/strict'
import { deadLetterFact, eventFact } from '../facts.js'
import { sum } from '../expect.js'
import { eventsAt, flood, retentionCheck } from '../retention-case.js'
import type { Check } from '../check.js'

/** Limits of kinds beside those of the whole log. */
export const perKindChecks: readonly Check[] = [
  retentionCheck('per-kind', 'a limit of one kind takes from that kind alone', (now) => [
    {
      facts: flood(6, now),
      policy: () => ({ perKind: { event: { maxRecords: 2 } } }),
      kept: [1, 2, 3, 4, 5, 10, 11],
    },
    {
      facts: [...eventsAt(now - 60_000, now), deadLetterFact({ timestamp: now - 60_000 })],
      policy: () => ({ perKind: { event: { maxAgeSeconds: 30 } } }),
      kept: [2, 3],
    },
    {
      facts: flood(6, now),
      policy: (bytes) => ({ perKind: { event: { maxTotalBytes: sum(bytes.slice(-3)) } } }),
      kept: [1, 2, 3, 4, 5, 9, 10, 11],
    },
  ]),
  retentionCheck(
    'events-never-evict-dead-letters',
    'a flood of one kind never evicts a kind that has that limit of its own',
    (now) => [
      {
        facts: flood(20, now),
        policy: () => ({ maxRecords: 10, perKind: { dead_letter: { maxRecords: 100 } } }),
        kept: [1, 2, 3, 4, 5, 21, 22, 23, 24, 25],
      },
      {
        facts: flood(20, now),
        policy: (bytes) => ({
          maxTotalBytes: sum(bytes.slice(0, 5)) + sum(bytes.slice(-3)),
          perKind: { dead_letter: { maxTotalBytes: 1_000_000 } },
        }),
        kept: [1, 2, 3, 4, 5, 23, 24, 25],
      },
    ],
  ),
  retentionCheck(
    'unmet-limit',
    'a log-wide limit that own limits keep from being met is reported',
    (now) => [
      {
        facts: [eventFact({ timestamp: now }), ...flood(0, now)],
        policy: () => ({ maxRecords: 3, perKind: { dead_letter: { maxRecords: 100 } } }),
        kept: [2, 3, 4, 5, 6],
        verify: ({ unmet }) => {
          assert.deepEqual(
            unmet.map(({ limit, wanted, actual }) => ({ limit, wanted, actual })),
            [{ limit: 'maxRecords', wanted: 3, actual: 5 }],
          )
        },
      },
    ],
  ),
  retentionCheck(
    'order-age-first',
    'age goes before count, so that old records take no places',
    (now) => [
      {
        facts: eventsAt(now, now, now, now - 60_000),
        policy: () => ({ maxAgeSeconds: 30, maxRecords: 2 }),
        kept: [2, 3],
      },
    ],
  ),
  retentionCheck('per-kind-first', 'limits of a kind go before those of the whole log', (now) => [
    {
      facts: [...flood(6, now)],
      policy: () => ({ maxRecords: 4, perKind: { event: { maxRecords: 2 } } }),
      kept: [4, 5, 10, 11],
    },
  ]),
]
