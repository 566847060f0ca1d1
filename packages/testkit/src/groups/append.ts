import assert from 'node:assert/strict'
import type { AppendFact } from '@papyra/contracts'
import type { Check } from '../check.js'
import { expectCode, isFact, range, readAll, readSeqs, sameRecords } from '../expect.js'
import { eventFact, factOf, mixedFacts } from '../facts.js'
import { contentChecks } from './append-content.js'

const group = 'append'

const numberChecks: readonly Check[] = [
  {
    id: 'append.numbers-from-one',
    group,
    promise: 'numbers start with 1 and go up by one in call order',
    async run(world) {
      const backend = await world.begun()
      for (const expected of [1, 2, 3]) {
        const result = await backend.append([eventFact()])
        assert.deepEqual(result, { firstSeq: expected, lastSeq: expected })
      }
      assert.deepEqual(await readSeqs(backend), [1, 2, 3])
    },
  },
  {
    id: 'append.batch-numbered-in-order',
    group,
    promise: 'a batch gets contiguous numbers in the order of its facts',
    async run(world) {
      const backend = await world.begun()
      const facts = mixedFacts(7, world.subject.clock.now())
      assert.deepEqual(await backend.append(facts.slice(0, 3)), { firstSeq: 1, lastSeq: 3 })
      assert.deepEqual(await backend.append(facts.slice(3)), { firstSeq: 4, lastSeq: 7 })
      const records = await readAll(backend)
      assert.deepEqual(
        records.map((record) => record.seq),
        range(1, 7),
      )
      for (const [index, record] of records.entries()) isFact(record, facts[index] ?? eventFact())
    },
  },
  {
    id: 'append.concurrent-order',
    group,
    promise: '2000 appends at the same time are numbered and stored in call order',
    async run(world) {
      const backend = await world.begun()
      const facts = range(1, 2000).map((n) => factOf('event', n, world.subject.clock.now()))
      const results = await Promise.all(facts.map((fact) => backend.append([fact])))
      assert.deepEqual(
        results.map((result) => result.firstSeq),
        range(1, 2000),
      )
      const records = await readAll(backend)
      assert.equal(records.length, 2000)
      for (const [index, record] of records.entries()) isFact(record, facts[index] ?? eventFact())
    },
  },
  {
    id: 'append.concurrent-batches-whole',
    group,
    promise: 'batches appended at the same time are not mixed with each other',
    async run(world) {
      const backend = await world.begun()
      const sizes = [3, 1, 5, 2, 8, 1, 4]
      const results = await Promise.all(
        sizes.map((size) => backend.append(mixedFacts(size, world.subject.clock.now()))),
      )
      let next = 1
      for (const [index, result] of results.entries()) {
        const size = sizes[index] ?? 0
        assert.deepEqual(result, { firstSeq: next, lastSeq: next + size - 1 })
        next += size
      }
    },
  },
  {
    id: 'append.numbers-continue-after-reopen',
    group,
    needs: ['persistent'],
    promise: 'numbers go on after close and reopen',
    async run(world) {
      const { backend } = await world.filled(5)
      await backend.close()
      const again = await world.openWriter()
      assert.equal((await again.begin()).nextSeq, 6)
      assert.deepEqual(await again.append([eventFact()]), { firstSeq: 6, lastSeq: 6 })
    },
  },
]

const refusalChecks: readonly Check[] = [
  {
    id: 'append.empty-list-refused',
    group,
    promise: 'an empty list rejects with invalid_argument and takes no number',
    async run(world) {
      const backend = await world.begun()
      await expectCode('append([])', 'invalid_argument', () => backend.append([]))
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 1, lastSeq: 1 })
    },
  },
  {
    id: 'append.too-large-refused',
    group,
    needs: ['recordLimit'],
    promise:
      'a record over the limit rejects with record_too_large, writes nothing and leaves no gap',
    async run(world) {
      const { backend } = await world.filled(2)
      const before = await readAll(backend)
      const large = largeFact(world.subject.maxRecordBytes)
      await expectCode('a record over the limit', 'record_too_large', () => backend.append([large]))
      sameRecords(await readAll(backend), before, 'after the refusal')
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 3, lastSeq: 3 })
      assert.deepEqual(await readSeqs(backend), [1, 2, 3])
      assert.equal((await backend.scan()).clean, true, 'clean after the refusal')
    },
  },
  {
    id: 'append.batch-all-or-none',
    group,
    needs: ['recordLimit'],
    promise: 'a batch with one record that is refused stores none of its records',
    async run(world) {
      const { backend } = await world.filled(2)
      const large = largeFact(world.subject.maxRecordBytes)
      await expectCode('a batch with one record over the limit', 'record_too_large', () =>
        backend.append([eventFact(), large, eventFact()]),
      )
      assert.deepEqual(await readSeqs(backend), [1, 2])
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 3, lastSeq: 3 })
    },
  },
  {
    id: 'append.refused-among-others',
    group,
    needs: ['recordLimit'],
    promise: 'a refused append between others at the same time takes no number from them',
    async run(world) {
      const backend = await world.begun()
      const large = largeFact(world.subject.maxRecordBytes)
      const calls = [eventFact(), large, eventFact(), large, eventFact()].map((fact) =>
        backend.append([fact]).then(
          ({ firstSeq }) => firstSeq,
          () => 'refused',
        ),
      )
      assert.deepEqual(await Promise.all(calls), [1, 'refused', 2, 'refused', 3])
      assert.deepEqual(await readSeqs(backend), [1, 2, 3])
    },
  },
]

function largeFact(limit: number | null | undefined): AppendFact {
  const bytes = limit ?? 1_048_576
  return eventFact({ payload: `"${'x'.repeat(bytes + 1)}"` })
}

/** What `append` promises. */
export const appendChecks: readonly Check[] = [...numberChecks, ...refusalChecks, ...contentChecks]
