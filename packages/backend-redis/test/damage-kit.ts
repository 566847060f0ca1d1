import type { DamageKit, DamageOutcome } from '@papyra/testkit'
import type { Redis } from 'ioredis'
import { rewriteStream, changed } from './support/stream-tools.js'

interface Act extends DamageOutcome {
  readonly plant: (client: Redis, tag: string) => Promise<unknown>
}

/** The store holds 20 records or more: events are those whose number is 1, 2 or 4 modulo 5. */
const ACTS: Readonly<Record<string, Act>> = {
  'changed byte': {
    expectCode: 'corrupt_record',
    lossExpected: true,
    affected: [7],
    plant: (client, tag) =>
      rewriteStream(client, `${tag}:events`, (entries) =>
        entries.map((entry) =>
          entry[0] === '7-0' ? changed(entry, { text: (r) => r.replace('order', 'Order') }) : entry,
        ),
      ),
  },
  'deleted entry': {
    expectCode: 'sequence_gap',
    lossExpected: true,
    affected: [7],
    plant: (client, tag) => client.xdel(`${tag}:events`, '7-0'),
  },
  'deleted last entry': {
    expectCode: 'sequence_gap',
    lossExpected: true,
    affected: [20],
    plant: (client, tag) => client.xdel(`${tag}:audits`, '20-0'),
  },
  'trimmed from outside': {
    expectCode: 'external_trim',
    lossExpected: true,
    affected: [1, 2, 4],
    plant: (client, tag) => client.xtrim(`${tag}:events`, 'MINID', '5-0'),
  },
  'stream deleted': {
    expectCode: 'stream_missing',
    lossExpected: true,
    affected: [3, 8, 13, 18],
    beginRefuses: true,
    plant: (client, tag) => client.del(`${tag}:dead_letters`),
  },
  'entry of another program': {
    expectCode: 'foreign_record',
    lossExpected: false,
    affected: [],
    plant: (client, tag) => client.xadd(`${tag}:events`, '*', 'hello', 'world'),
  },
  'entry between ours': {
    expectCode: 'foreign_record',
    lossExpected: false,
    affected: [],
    plant: (client, tag) =>
      rewriteStream(client, `${tag}:events`, (entries) => [
        ...entries.slice(0, 3),
        ['4-5', ['a', '"timestamp":1,"x":1']],
        ...entries.slice(3),
      ]),
  },
  'doubled entry': {
    expectCode: 'duplicate_record',
    lossExpected: false,
    affected: [],
    plant: async (client, tag) => {
      const [entry] = await client.xrange(`${tag}:events`, '6-0', '6-0')
      const next = Number(await client.hget(`${tag}:meta`, 'seq')) + 1
      await client.xadd(`${tag}:events`, `${next}-0`, ...(entry?.[1] ?? []))
    },
  },
  'damaged totals': {
    expectCode: 'invalid_record',
    lossExpected: true,
    affected: [9],
    plant: (client, tag) =>
      rewriteStream(client, `${tag}:events`, (entries) =>
        entries.map((entry) =>
          entry[0] === '9-0'
            ? changed(entry, { mark: (m) => m.replace(/\d+:\d+$/, 'six:9') })
            : entry,
        ),
      ),
  },
  'noticed loss': {
    expectCode: 'rolled_back',
    lossExpected: true,
    affected: [],
    beginRefuses: true,
    plant: async (client, tag) => {
      const seq = Number(await client.hget(`${tag}:meta`, 'seq'))
      const suspect = JSON.stringify({ seq: { first: seq + 1, last: seq + 5 }, at: 1 })
      await client.hset(`${tag}:meta`, 'seq', `${seq + 5}`, 'suspect', suspect)
    },
  },
}

/** Damages a store that nobody has open. */
export function damageKit(client: Redis, tag: string): DamageKit {
  return {
    kinds: Object.keys(ACTS),
    async apply(kind) {
      const act = ACTS[kind]
      if (act === undefined) throw new Error(`unknown damage: ${kind}`)
      const { plant, ...outcome } = act
      await plant(client, tag)
      return outcome
    },
  }
}
