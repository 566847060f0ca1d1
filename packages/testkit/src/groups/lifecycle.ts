import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { expectCode, isFact, readAll, readSeqs } from '../expect.js'
import { eventFact, mixedFacts } from '../facts.js'
import { traitChecks } from '../traits.js'

const group = 'lifecycle'

const openingChecks: readonly Check[] = [
  {
    id: 'lifecycle.missing-store-not-found',
    group,
    promise:
      'opening a missing store rejects with store_not_found, makes nothing, and is the default',
    async run(world) {
      for (const access of ['read', 'write'] as const) {
        await expectCode(`open for ${access}`, 'store_not_found', () => world.open({ access }))
        await expectCode(`open for ${access} with create never`, 'store_not_found', () =>
          world.open({ access, create: 'never' }),
        )
      }
      const backend = await world.openWriter()
      assert.deepEqual(await readSeqs(backend), [])
    },
  },
  {
    id: 'lifecycle.create-keeps-existing',
    group,
    needs: ['persistent'],
    promise: 'create if-missing opens what is there and wipes nothing',
    async run(world) {
      const { backend } = await world.filled(3)
      const before = await readAll(backend)
      await backend.close()
      const again = await world.openWriter()
      assert.deepEqual(await readAll(again), before)
    },
  },
  {
    id: 'lifecycle.definition-create',
    group,
    needs: ['create'],
    promise: 'create() makes an empty store once and rejects with store_exists afterwards',
    async run(world) {
      const { definition } = world.subject
      const made = await definition.create?.()
      const reader = await world.openReader()
      assert.equal((await reader.describe()).logId, made?.logId)
      assert.deepEqual(await readSeqs(reader), [])
      await expectCode('a second create()', 'store_exists', async () => definition.create?.())
    },
  },
  {
    id: 'lifecycle.wrong-log',
    group,
    promise: 'expectLogId rejects with wrong_log for another id and opens for the right one',
    async run(world) {
      const { backend } = await world.filled(1)
      const { logId } = await backend.describe()
      await expectCode('open with another log id', 'wrong_log', () =>
        world.open({ access: 'read', expectLogId: 'not-the-id-of-this-log' }),
      )
      if (logId === null) return
      const reader = await world.open({ access: 'read', expectLogId: logId })
      assert.equal((await reader.describe()).logId, logId)
    },
  },
  {
    id: 'lifecycle.log-id-stays',
    group,
    needs: ['persistent'],
    promise: 'a store keeps its log id over close and reopen',
    async run(world) {
      const { backend } = await world.filled(1)
      const { logId } = await backend.describe()
      const again = await world.reopen(backend)
      assert.equal((await again.describe()).logId, logId)
    },
  },
]

const ownerChecks: readonly Check[] = [
  {
    id: 'lifecycle.second-writer-locked',
    group,
    needs: ['exclusiveOwner'],
    promise: 'a second open for writing rejects with store_locked and does not disturb the owner',
    async run(world) {
      const { backend } = await world.filled(2)
      await expectCode('a second open for writing', 'store_locked', () => world.openWriter())
      const result = await backend.append([eventFact()])
      assert.deepEqual(result, { firstSeq: 3, lastSeq: 3 })
    },
  },
  {
    id: 'lifecycle.second-definition-locked',
    group,
    needs: ['exclusiveOwner', 'another'],
    promise:
      'a second definition of the same place is refused while the first holds it, then opens',
    async run(world) {
      const { clock } = world.subject
      const other = world.subject.another?.()
      assert.ok(other !== undefined)
      const backend = await world.openWriter()
      const open = async () =>
        world.track(
          await other.open({ access: 'write', create: 'if-missing', clock, waitLockMs: 0 }),
        )
      await expectCode('an open through a second definition', 'store_locked', open)
      await backend.close()
      const second = await open()
      await expectCode('the first definition now', 'store_locked', () => world.openWriter())
      await second.close()
    },
  },
  {
    id: 'lifecycle.reader-beside-owner',
    group,
    promise: 'a reader opens beside a living owner and reads what was acknowledged before its call',
    async run(world) {
      const { backend } = await world.filled(3)
      const reader = await world.openReader()
      assert.deepEqual(await readSeqs(reader), [1, 2, 3])
      await backend.append([eventFact()])
      assert.deepEqual(await readSeqs(reader), [1, 2, 3, 4])
      const { clean } = await reader.scan()
      assert.equal(clean, true, 'a scan beside a living owner must be clean')
    },
  },
]

const readerChecks: readonly Check[] = [
  {
    id: 'lifecycle.reader-takes-no-lock',
    group,
    needs: ['persistent'],
    promise: 'a reader that came first does not keep an owner out',
    async run(world) {
      const { backend } = await world.filled(2)
      await backend.close()
      const reader = await world.openReader()
      const owner = await world.begun()
      await owner.append([eventFact()])
      assert.deepEqual(await readSeqs(reader), [1, 2, 3])
    },
  },
  {
    id: 'lifecycle.reader-close-harmless',
    group,
    promise: 'a reader that closes takes nothing from the owner, nor from other readers',
    async run(world) {
      const { backend } = await world.filled(2)
      const [one, other] = [await world.openReader(), await world.openReader()]
      await one.close()
      await backend.append([eventFact()])
      assert.deepEqual(await readSeqs(other), [1, 2, 3])
      if (!world.subject.definition.capabilities.exclusiveOwner) return
      await expectCode('open for writing', 'store_locked', () => world.openWriter())
    },
  },
]

const endingChecks: readonly Check[] = [
  {
    id: 'lifecycle.begin-next-number',
    group,
    promise: 'begin tells the number that the next record gets',
    async run(world) {
      const backend = await world.openWriter()
      const report = await backend.begin()
      assert.equal(report.nextSeq, 1)
      assert.deepEqual(report.keptAside, [])
      const { firstSeq } = await backend.append([eventFact()])
      assert.equal(firstSeq, report.nextSeq)
    },
  },
  {
    id: 'lifecycle.begin-idempotent',
    group,
    promise: 'a second begin changes nothing, the recorded policy included',
    async run(world) {
      const backend = await world.begun({ retention: { maxRecords: 500 } })
      await backend.append([eventFact(), eventFact()])
      const again = await backend.begin({ retention: { maxRecords: 7 } })
      assert.equal(again.nextSeq, 3)
      assert.deepEqual((await backend.describe()).retention, { maxRecords: 500 })
      assert.deepEqual(await readSeqs(backend), [1, 2])
    },
  },
  {
    id: 'lifecycle.close-idempotent',
    group,
    promise: 'close may be called again, and at the same time',
    async run(world) {
      const { backend } = await world.filled(2)
      await Promise.all([backend.close(), backend.close(), backend.close()])
      await backend.close()
      const reader = await world.begun()
      await reader.close()
      await reader.close()
    },
  },
  {
    id: 'lifecycle.close-drains',
    group,
    promise: 'close waits for the appends that were accepted before it; none is lost',
    async run(world) {
      const backend = await world.begun()
      const facts = mixedFacts(60, world.subject.clock.now())
      const appends = facts.map((fact) => backend.append([fact]))
      const ended = Promise.allSettled(appends)
      await backend.close()
      const results = await ended
      assert.deepEqual(
        results.map((result) => (result.status === 'fulfilled' ? result.value.firstSeq : null)),
        facts.map((_, index) => index + 1),
      )
      if (!world.subject.definition.capabilities.persistent) return
      const records = await readAll(await world.begun())
      assert.equal(records.length, facts.length, 'every accepted record is there after reopening')
      for (const [index, record] of records.entries()) isFact(record, facts[index] ?? eventFact())
    },
  },
  {
    id: 'lifecycle.close-lets-go',
    group,
    promise: 'after close the store can be opened for writing again at once',
    async run(world) {
      let backend = await world.openWriter()
      for (let round = 0; round < 3; round += 1) {
        await backend.close()
        backend = await world.openWriter()
      }
      await backend.begin()
    },
  },
]

/** Opening, owning, beginning and closing a store. */
export const lifecycleChecks: readonly Check[] = [
  ...openingChecks,
  ...ownerChecks,
  ...readerChecks,
  ...endingChecks,
  ...traitChecks,
]
