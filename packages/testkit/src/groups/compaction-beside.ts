import assert from 'node:assert/strict'
import { isPapyraError } from '@papyra/contracts'
import type { Check } from '../check.js'
import { range, readAll, readSeqs, sameRecords, started } from '../expect.js'
import { auditFact, eventFact, factOf } from '../facts.js'

const group = 'compaction'

/** A compaction of a few records that outlasts so many appends hangs. */
const MOST_APPENDS = 20_000

/** Lets timers and input and output have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** What may go on while `compact` runs. */
export const besideChecks: readonly Check[] = [
  {
    id: 'compaction.while-appending',
    group,
    needs: ['compaction', 'onlineCompaction'],
    promise: 'appends go on while it runs; none that is acknowledged is lost or numbered twice',
    async run(world) {
      const now = world.subject.clock.now()
      const backend = await world.begun()
      await backend.append(Array.from({ length: 50 }, () => auditFact({ timestamp: now })))
      let running = true
      const policy = { perKind: { audit: { maxRecords: 1 } } }
      const work = started(backend.compact({ policy }).finally(() => (running = false)))
      const burst = range(1, 100).map((n) => backend.append([factOf('event', n, now)]))
      const numbers = (await Promise.all(burst)).map((result) => result.firstSeq)
      // On and on until it is done, so that some appends fall into every part of it.
      while (running || numbers.length < 200) {
        assert.ok(numbers.length < MOST_APPENDS, 'the compaction does not come to an end')
        const { firstSeq } = await backend.append([factOf('event', numbers.length + 1, now)])
        numbers.push(firstSeq)
        await nextTurn()
      }
      const report = await work
      const last = 50 + numbers.length
      assert.deepEqual(numbers, range(51, last))
      assert.equal(report.changed, true)
      assert.deepEqual(await readSeqs(backend, { kinds: ['audit'] }), [50])
      assert.deepEqual(await readSeqs(backend, { kinds: ['event'] }), range(51, last))
      assert.equal((await backend.scan()).clean, true)
      if (!world.subject.definition.capabilities.persistent) return
      assert.deepEqual(await readSeqs(await world.reopen(backend)), range(50, last))
    },
  },
  {
    id: 'compaction.while-reading',
    group,
    needs: ['compaction'],
    promise: 'a read that it overtakes gives each record at most once, and all that stay',
    async run(world) {
      for (const order of ['oldest', 'newest'] as const) {
        await world.within(async (other) => {
          const { backend } = await other.filled(60)
          const seqs: number[] = []
          for await (const { seq } of backend.read({ order })) {
            seqs.push(seq)
            if (seqs.length === 10) await backend.compact({ policy: { maxRecords: 20 } })
          }
          const sorted = [...new Set(seqs)].sort((a, b) => (order === 'oldest' ? a - b : b - a))
          assert.deepEqual(seqs, sorted, `${order}: in order, each once`)
          const missing = range(41, 60).filter((seq) => !seqs.includes(seq))
          assert.deepEqual(missing, [], `${order}: kept, but not read`)
        })
      }
    },
  },
  {
    id: 'compaction.one-at-a-time',
    group,
    needs: ['compaction'],
    promise: 'of two at the same time each runs whole or is refused with a code',
    async run(world) {
      const { backend } = await world.filled(20)
      const before = await readAll(backend)
      const runs = [9, 4].map((maxRecords) => backend.compact({ policy: { maxRecords } }))
      const results = await Promise.allSettled(runs)
      const done = results.map(({ status }) => status === 'fulfilled')
      assert.ok(done.includes(true), 'at least one of them runs')
      for (const result of results) {
        if (result.status === 'rejected') assert.ok(isPapyraError(result.reason), 'a coded error')
      }
      const kept = done[1] === true ? 4 : 9
      sameRecords(await readAll(backend), before.slice(-kept), 'after both')
      assert.equal((await backend.scan()).clean, true)
    },
  },
  {
    id: 'compaction.close-meanwhile',
    group,
    needs: ['compaction', 'persistent'],
    promise: 'a close on the way leaves a store that is whole: as before, or compacted',
    async run(world) {
      const { backend } = await world.filled(20)
      const before = await readAll(backend)
      const work = started(backend.compact({ policy: { maxRecords: 6 } }))
      await backend.close()
      const [result] = await Promise.allSettled([work])
      const again = await world.begun()
      const kept = result.status === 'fulfilled' ? before.slice(-6) : before
      sameRecords(await readAll(again), kept, 'after reopening')
      assert.equal((await again.scan()).clean, true)
      assert.deepEqual(await again.append([eventFact()]), { firstSeq: 21, lastSeq: 21 })
    },
  },
  {
    id: 'compaction.readers-follow',
    group,
    needs: ['compaction'],
    promise: 'a reader opened before it reads the compacted store after it',
    async run(world) {
      const { backend } = await world.filled(12)
      const reader = await world.openReader()
      assert.equal((await readSeqs(reader)).length, 12)
      await backend.compact({ policy: { maxRecords: 3 } })
      await backend.append([eventFact()])
      assert.deepEqual(await readSeqs(reader), [10, 11, 12, 13])
    },
  },
]
