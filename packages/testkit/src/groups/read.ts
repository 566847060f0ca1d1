import assert from 'node:assert/strict'
import type { Backend, ReadQuery, RecordKind, RecordMeta } from '@papyra/contracts'
import type { Check } from '../check.js'
import { expectCode, readAll, readMetas, readSeqs, utf8Length } from '../expect.js'
import { eventFact, factOf } from '../facts.js'
import type { World } from '../world.js'
import { flowChecks } from './read-flow.js'

const group = 'read'

const KINDS: readonly RecordKind[] = ['event', 'dead_letter', 'event', 'audit', 'event', 'event']

/** Six records whose times are 1000 ms apart but not in the order of their numbers. */
async function sixRecords(
  world: World,
): Promise<{ backend: Backend; time: (n: number) => number }> {
  const now = world.subject.clock.now()
  const time = (n: number): number => now - 10_000 + n * 1000
  const backend = await world.begun()
  const order = [1, 2, 4, 3, 5, 6]
  await backend.append(order.map((n, index) => factOf(KINDS[index] ?? 'event', index + 1, time(n))))
  return { backend, time }
}

/** A check that some queries on the six records give these numbers. */
function queryCheck(
  name: string,
  promise: string,
  cases: (time: (n: number) => number) => readonly (readonly [ReadQuery, readonly number[]])[],
): Check {
  return {
    id: `read.${name}`,
    group,
    promise,
    async run(world) {
      const { backend, time } = await sixRecords(world)
      for (const [query, expected] of cases(time)) {
        assert.deepEqual(await readSeqs(backend, query), expected, JSON.stringify(query))
      }
    },
  }
}

const queryChecks: readonly Check[] = [
  queryCheck('order', 'oldest (the default) gives ascending numbers, newest descending', () => [
    [{}, [1, 2, 3, 4, 5, 6]],
    [{ order: 'oldest' }, [1, 2, 3, 4, 5, 6]],
    [{ order: 'newest' }, [6, 5, 4, 3, 2, 1]],
  ]),
  queryCheck('kinds', 'kinds selects by kind', () => [
    [{ kinds: ['event'] }, [1, 3, 5, 6]],
    [{ kinds: ['audit', 'dead_letter'] }, [2, 4]],
    [{ kinds: ['nothing.of.this.kind'] }, []],
  ]),
  queryCheck('since-inclusive', 'since includes records of exactly that time', (time) => [
    [{ since: time(3) }, [3, 4, 5, 6]],
    [{ since: time(4) }, [3, 5, 6]],
    [{ since: time(4) + 1 }, [5, 6]],
    [{ since: time(6) + 1 }, []],
  ]),
  queryCheck('until-exclusive', 'until excludes records of exactly that time', (time) => [
    [{ until: time(3) }, [1, 2]],
    [{ until: time(3) + 1 }, [1, 2, 4]],
    [{ since: time(2), until: time(4) }, [2, 4]],
    [{ until: time(1) }, []],
  ]),
  queryCheck('sequence-bounds', 'afterSeq and beforeSeq are both exclusive', () => [
    [{ afterSeq: 2 }, [3, 4, 5, 6]],
    [{ beforeSeq: 3 }, [1, 2]],
    [{ afterSeq: 1, beforeSeq: 4 }, [2, 3]],
    [{ afterSeq: 6 }, []],
    [{ afterSeq: 2, order: 'newest' }, [6, 5, 4, 3]],
    [{ beforeSeq: 4, order: 'newest' }, [3, 2, 1]],
  ]),
  queryCheck('limit', 'limit gives the first so many in the order asked for', () => [
    [{ limit: 2 }, [1, 2]],
    [{ limit: 2, order: 'newest' }, [6, 5]],
    [{ limit: 100 }, [1, 2, 3, 4, 5, 6]],
    [{ limit: 1, afterSeq: 3 }, [4]],
  ]),
  queryCheck('limit-after-filters', 'limit is counted after the filters', (time) => [
    [{ kinds: ['audit'], limit: 1 }, [4]],
    [{ kinds: ['dead_letter'], limit: 1, order: 'newest' }, [2]],
    [{ since: time(5), limit: 1 }, [5]],
    [{ until: time(2), limit: 1, order: 'newest' }, [1]],
  ]),
]

const contentChecks: readonly Check[] = [
  {
    id: 'read.limit-positive',
    group,
    promise: 'a limit that is not positive rejects with invalid_argument',
    async run(world) {
      const { backend } = await sixRecords(world)
      for (const limit of [0, -1, Number.NaN]) {
        await expectCode(`limit ${String(limit)}`, 'invalid_argument', () =>
          readAll(backend, { limit }),
        )
      }
    },
  },
  {
    id: 'read.empty-store',
    group,
    promise: 'an empty store gives no records',
    async run(world) {
      const backend = await world.begun()
      assert.deepEqual(await readAll(backend), [])
      assert.deepEqual(await readAll(backend, { order: 'newest', limit: 3 }), [])
      assert.deepEqual(await readMetas(backend), [])
    },
  },
  {
    id: 'read.bytes-as-stored',
    group,
    promise: 'bytes are those of the JSON text in UTF-8 and of one line end',
    async run(world) {
      const backend = await world.begun()
      await backend.append([eventFact(), eventFact({ payload: '"Ærø 東京 👩‍🚀"' })])
      for (const record of await readAll(backend)) {
        assert.equal(record.bytes, utf8Length(record.json) + 1, `record ${String(record.seq)}`)
        assert.ok(!record.json.includes('\n'), 'the JSON text has no line end')
      }
    },
  },
  {
    id: 'read.meta-newest-first',
    group,
    promise:
      'readMeta gives every record newest first, with the bytes, kind and time that read gives',
    async run(world) {
      const { backend } = await sixRecords(world)
      const expected = (await readAll(backend, { order: 'newest' })).map(metaOf)
      assert.deepEqual((await readMetas(backend)).map(metaOf), expected)
      assert.deepEqual(
        expected.map((meta) => meta.seq),
        [6, 5, 4, 3, 2, 1],
      )
    },
  },
  {
    id: 'read.unusable-time',
    group,
    needs: ['persistent', 'plant'],
    promise: 'a record without a finite time is given with NaN and matches no time limit',
    async run(world) {
      const { backend } = await world.filled(2)
      await backend.close()
      const { members } = eventFact()
      await world.subject.plant?.([{ kind: 'event', timestamp: null, members }])
      const reader = await world.openReader()
      const records = await readAll(reader)
      assert.equal(records.length, 3)
      assert.ok(Number.isNaN(records[2]?.timestamp), 'the time is NaN')
      assert.deepEqual(await readSeqs(reader, { since: -8.64e15 }), [1, 2])
      assert.deepEqual(await readSeqs(reader, { until: 8.64e15 }), [1, 2])
    },
  },
  {
    id: 'read.unknown-kinds-shown',
    group,
    needs: ['persistent', 'plant'],
    promise: 'records of unknown kinds are given where no kinds are asked for, or theirs is',
    async run(world) {
      const { backend } = await world.filled(2)
      await backend.close()
      const timestamp = world.subject.clock.now()
      await world.subject.plant?.([{ kind: 'trace', timestamp, members: '"span":1' }])
      const reader = await world.openReader()
      assert.deepEqual(await readSeqs(reader), [1, 2, 3])
      assert.deepEqual(await readSeqs(reader, { kinds: ['trace'] }), [3])
    },
  },
]

function metaOf({ seq, kind, timestamp, bytes }: RecordMeta): RecordMeta {
  return { seq, kind, timestamp, bytes }
}

/** What `read` and `readMeta` promise. */
export const readChecks: readonly Check[] = [...queryChecks, ...contentChecks, ...flowChecks]
