import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { expectCode, isFact, range, readAll, readMetas, readSeqs, started } from '../expect.js'
import { eventFact, factOf } from '../facts.js'

const group = 'read'

/** Reads beside appends and other reads, stopped early or aborted. */
export const flowChecks: readonly Check[] = [
  {
    id: 'read.acknowledged-visible',
    group,
    promise: 'what was acknowledged before the call is read, each record as it was appended',
    async run(world) {
      const backend = await world.begun()
      for (const n of range(1, 20)) {
        const fact = factOf('event', n, world.subject.clock.now())
        await backend.append([fact])
        const [newest] = await readAll(backend, { order: 'newest', limit: 1 })
        assert.equal(newest?.seq, n, 'the newest record is there as soon as it is acknowledged')
        isFact(newest, fact)
      }
    },
  },
  {
    id: 'read.while-appending',
    group,
    promise: 'while appends go on each record comes at most once, in order, none of before missing',
    async run(world) {
      for (const order of ['oldest', 'newest'] as const) {
        await world.within(async (other) => {
          const { backend } = await other.filled(40)
          const appends: Promise<unknown>[] = []
          const seqs: number[] = []
          for await (const { seq } of backend.read({ order })) {
            seqs.push(seq)
            if (appends.length < 30) appends.push(started(backend.append([eventFact()])))
          }
          await Promise.all(appends)
          const sorted = [...new Set(seqs)].sort((a, b) => (order === 'oldest' ? a - b : b - a))
          assert.deepEqual(seqs, sorted, `${order}: in order, each once`)
          const missing = range(1, 40).filter((seq) => !seqs.includes(seq))
          assert.deepEqual(missing, [], `${order}: acknowledged before the call, but not read`)
        })
      }
    },
  },
  {
    id: 'read.early-stop',
    group,
    promise: 'stopping early lets go of everything, so that appends and close go on',
    async run(world) {
      const { backend } = await world.filled(30)
      for (let round = 0; round < 100; round += 1) {
        for await (const record of backend.read()) {
          assert.equal(record.seq, 1)
          break
        }
        for await (const meta of backend.readMeta()) {
          assert.equal(meta.seq, 30)
          break
        }
      }
      assert.deepEqual(await backend.append([eventFact()]), { firstSeq: 31, lastSeq: 31 })
      await backend.close()
      if (!world.subject.definition.capabilities.persistent) return
      const again = await world.begun()
      assert.equal((await readSeqs(again)).length, 31)
    },
  },
  {
    id: 'read.independent-readers',
    group,
    promise: 'two reads at the same time do not disturb each other',
    async run(world) {
      const { backend } = await world.filled(10)
      const [all, newest, metas] = await Promise.all([
        readSeqs(backend),
        readSeqs(backend, { order: 'newest' }),
        readMetas(backend),
      ])
      assert.deepEqual(all, range(1, 10))
      assert.deepEqual(newest, range(1, 10).reverse())
      assert.deepEqual(
        metas.map((meta) => meta.seq),
        range(1, 10).reverse(),
      )
    },
  },
  {
    id: 'read.abort',
    group,
    promise: 'an aborted signal ends read and readMeta with aborted, before or on the way',
    async run(world) {
      const { backend } = await world.filled(300)
      const before = AbortSignal.abort()
      await expectCode('read', 'aborted', () => readAll(backend, { signal: before }))
      await expectCode('readMeta', 'aborted', async () => {
        for await (const meta of backend.readMeta({ signal: before })) void meta
      })
      const controller = new AbortController()
      await expectCode('read, aborted on the way', 'aborted', async () => {
        for await (const record of backend.read({ signal: controller.signal })) {
          if (record.seq === 1) controller.abort()
        }
      })
      assert.equal((await readSeqs(backend)).length, 300, 'the store is as before')
    },
  },
]
