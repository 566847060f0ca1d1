import assert from 'node:assert/strict'
import type { AppendFact } from '@papyra/contracts'
import type { Check } from '../check.js'
import { isFact, readAll, sameRecords, started } from '../expect.js'
import { auditFact, deadLetterFact, eventFact, mixedFacts } from '../facts.js'

const group = 'append'

/** Raw JSON texts that a store must give back as they are. */
const PAYLOADS: readonly string[] = [
  '{"big":12345678901234567890123456789,"exact":0.10000000000000000000001,"e":1E400}',
  '{"twice":1,"twice":2}',
  '{"escapes":"\\u0041\\n\\t\\"\\\\\\/\\u0000\\ud800","solidus":"/"}',
  '{"unicode":"Ærøskøbing – 東京 – 👩‍🚀","line separators":"\u2028\u2029","del":"\u007f"}',
  '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":null}',
  '{ "spaces" : [ 1 , 2 ] , "order":{"10":1,"9":2,"b":3,"a":4} }',
  '{"crc":"00000000","seq":99,"kind":"x","text":",\\"crc\\":\\"deadbeef\\"}"}',
  '-0.0',
  '""',
  'null',
  `${'['.repeat(500)}${']'.repeat(500)}`,
]

/** That facts are stored as they were given. */
export const contentChecks: readonly Check[] = [
  {
    id: 'append.members-exact',
    group,
    promise: 'members are stored exactly as given: numbers, keys, escapes, order and spaces',
    async run(world) {
      const backend = await world.begun()
      const facts = PAYLOADS.flatMap((payload) => [
        eventFact({ payload }),
        deadLetterFact({ payload }),
      ])
      await backend.append(facts)
      const records = await readAll(backend)
      assert.equal(records.length, facts.length)
      for (const [index, record] of records.entries()) isFact(record, facts[index] ?? eventFact())
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
      assert.equal((await backend.scan()).clean, true, 'such members are no damage')
    },
  },
  {
    id: 'append.timestamps-whole',
    group,
    promise: 'times in whole milliseconds are given back exactly',
    async run(world) {
      const backend = await world.begun()
      const times = [
        0, 1, -1, 946_684_799_999, 1_704_067_200_001, 1_704_067_200_123, 4_102_444_800_999,
      ]
      await backend.append(times.map((timestamp) => eventFact({ timestamp })))
      assert.deepEqual(
        (await readAll(backend)).map((record) => record.timestamp),
        times,
      )
    },
  },
  {
    id: 'append.timestamps-fractional',
    group,
    promise: 'times with a fraction are given back to a microsecond',
    async run(world) {
      const backend = await world.begun()
      const times = [1_704_067_200_000.5, 1_704_067_200_123.25, 1_704_067_200_999.875]
      await backend.append(times.map((timestamp) => eventFact({ timestamp })))
      for (const [index, record] of (await readAll(backend)).entries()) {
        const off = Math.abs(record.timestamp - (times[index] ?? Number.NaN))
        assert.ok(off <= 0.001, `${String(record.timestamp)} for ${String(times[index])}`)
      }
    },
  },
  {
    id: 'append.kinds-kept',
    group,
    promise: 'every kind is stored under its own name',
    async run(world) {
      const backend = await world.begun()
      await backend.append([auditFact(), eventFact(), deadLetterFact()])
      const kinds = (await readAll(backend)).map((record) => record.kind)
      assert.deepEqual(kinds, ['audit', 'event', 'dead_letter'])
    },
  },
  {
    id: 'append.later-mutation-ignored',
    group,
    promise: 'what the caller does to the list after the call changes nothing',
    async run(world) {
      const backend = await world.begun()
      const original = mixedFacts(3, world.subject.clock.now())
      const list: AppendFact[] = [...original]
      const result = backend.append(list)
      list[0] = deadLetterFact({ payload: '"replaced"' })
      list.push(eventFact(), eventFact())
      list.splice(1, 1)
      assert.deepEqual(await result, { firstSeq: 1, lastSeq: 3 })
      const records = await readAll(backend)
      assert.equal(records.length, 3)
      for (const [index, record] of records.entries())
        isFact(record, original[index] ?? eventFact())
    },
  },
  {
    id: 'append.flush-waits',
    group,
    promise: 'flush waits until everything that was appended before it is stored',
    async run(world) {
      const backend = await world.begun()
      const facts = mixedFacts(20, world.subject.clock.now())
      let acknowledged = 0
      const appends = facts.map((fact) =>
        started(backend.append([fact]).then(() => (acknowledged += 1))),
      )
      await backend.flush()
      assert.equal((await readAll(backend)).length, 20, 'all are there after flush')
      await Promise.all(appends)
      assert.equal(acknowledged, 20)
    },
  },
  {
    id: 'append.survives-reopen',
    group,
    needs: ['persistent'],
    promise: 'what was acknowledged is there, byte for byte, after close and reopen',
    async run(world) {
      const { backend } = await world.filled(25)
      const before = await readAll(backend)
      assert.equal(before.length, 25)
      sameRecords(await readAll(await world.reopen(backend)), before, 'after reopening')
    },
  },
]
