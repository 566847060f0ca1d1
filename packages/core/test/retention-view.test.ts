import { manualClock, type RetentionPolicy } from '@papyra/contracts'
import { memoryBackend, openPapyra, type Papyra } from '@papyra/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect, seqsOf } from './fixtures/collect.js'

const NOW = 1_710_000_000_000

const limits = fc.record(
  {
    maxRecords: fc.integer({ min: 1, max: 25 }),
    maxAgeSeconds: fc.integer({ min: 1, max: 100 }),
    maxTotalBytes: fc.integer({ min: 1, max: 4000 }),
  },
  { requiredKeys: [] },
)
const policies: fc.Arbitrary<RetentionPolicy> = fc
  .tuple(
    limits,
    fc.record({ event: limits, audit: limits, dead_letter: limits }, { requiredKeys: [] }),
  )
  .map(([wide, perKind]) => ({ ...wide, perKind }))

const facts = fc.array(
  fc.record({
    kind: fc.constantFrom('event', 'audit', 'dead_letter'),
    age: fc.oneof(fc.integer({ min: -100, max: 120 }), fc.constant(1e9)),
    size: fc.integer({ min: 0, max: 200 }),
  }),
  { maxLength: 40 },
)

const queries = fc.record(
  {
    order: fc.constantFrom('oldest' as const, 'newest' as const),
    limit: fc.integer({ min: 1, max: 10 }),
    since: fc.integer({ min: NOW - 120_000, max: NOW }),
    until: fc.integer({ min: NOW - 120_000, max: NOW }),
  },
  { requiredKeys: [] },
)

type Fact = { kind: string; age: number; size: number }

async function record(papyra: Papyra, { kind, age, size }: Fact): Promise<void> {
  const timestamp = NOW - age * 1000
  const payload = 'x'.repeat(size)
  if (kind === 'event') await papyra.recordEvent({ type: 't', payload, timestamp })
  else if (kind === 'dead_letter') {
    await papyra.recordDeadLetter({ target: null, messageType: 'm', payload, timestamp })
  } else {
    const counts = { totalActors: size, aliveActors: 0, stoppingActors: 0, restartingActors: 0 }
    await papyra.recordAudit({ ...counts, registrySize: 0, deadLettersCount: 0, timestamp })
  }
}

/** Everything that lists give, one list each way. */
async function views(papyra: Papyra, query: object): Promise<unknown[]> {
  const lists = [
    papyra.list(query),
    papyra.list({ order: 'newest' }),
    papyra.list({ order: 'oldest' }),
    papyra.listEvents(query),
    papyra.listAudits(query),
    papyra.listDeadLetters(query),
    papyra.listDeadLetters({ order: 'newest' }),
  ]
  return Promise.all(lists.map((list) => collect<unknown>(list)))
}

describe('retention hides, compaction deletes', () => {
  test('lists are the same before and after a compaction, whatever the policy', async () => {
    await fc.assert(
      fc.asyncProperty(facts, policies, queries, async (given, retention, query) => {
        const clock = manualClock(NOW)
        const papyra = await openPapyra({
          systemId: 's',
          backend: memoryBackend(),
          retention,
          clock,
        })
        for (const fact of given) await record(papyra, fact)
        const before = await views(papyra, query)
        const compacted = await papyra
          .compact({ force: true })
          .catch((thrown: { code: string }) => thrown.code)
        const after = await views(papyra, query)
        expect(after).toEqual(before)
        if (compacted === 'retention_missing') expect(before[2]).toHaveLength(given.length)
        else
          expect((await papyra.metrics()).totals.recordsStored).toBe(
            (before[2] as unknown[]).length,
          )
        await papyra.close()
      }),
      { numRuns: 300 },
    )
  })

  test('newest first and oldest first show the same records', async () => {
    await fc.assert(
      fc.asyncProperty(facts, policies, async (given, retention) => {
        const clock = manualClock(NOW)
        const papyra = await openPapyra({
          systemId: 's',
          backend: memoryBackend(),
          retention,
          clock,
        })
        for (const fact of given) await record(papyra, fact)
        const oldest = await seqsOf(papyra.list())
        expect((await seqsOf(papyra.list({ order: 'newest' }))).reverse()).toEqual(oldest)
        await papyra.close()
      }),
    )
  })

  test('a record grows too old while it is in the store', async () => {
    const clock = manualClock(NOW)
    const retention = { maxAgeSeconds: 10 }
    const papyra = await openPapyra({ systemId: 's', backend: memoryBackend(), retention, clock })
    await papyra.recordEvent({ type: 'a' })
    clock.advance(10_000)
    expect(await seqsOf(papyra.listEvents())).toEqual([1])
    clock.advance(1)
    for (const order of ['oldest', 'newest'] as const) {
      expect(await seqsOf(papyra.listEvents({ order }))).toEqual([])
    }
    expect((await papyra.describe()).metrics.totals.recordsStored).toBe(1)
    await papyra.close()
  })

  test('newest first stops reading where the policy keeps nothing further', async () => {
    const memory = memoryBackend()
    let read = 0
    let planned = 0
    const backend = {
      ...memory,
      async open(options: Parameters<typeof memory.open>[0]) {
        const inner = await memory.open(options)
        const readInner = inner.read.bind(inner)
        const metaInner = inner.readMeta.bind(inner)
        inner.read = async function* (query) {
          for await (const record of readInner(query)) {
            read += 1
            yield record
          }
        }
        inner.readMeta = (meta) => {
          planned += 1
          return metaInner(meta)
        }
        return inner
      },
    }
    const writer = await openPapyra({ systemId: 's', backend })
    for (let i = 0; i < 50; i += 1) await writer.recordEvent({ type: 't' })
    await writer.close()
    const papyra = await openPapyra({ systemId: 's', backend, retention: { maxRecords: 5 } })
    read = 0
    expect(await seqsOf(papyra.listEvents({ order: 'newest', limit: 99 }))).toEqual([
      50, 49, 48, 47, 46,
    ])
    expect([read, planned]).toEqual([5, 0])
    read = 0
    expect(await seqsOf(papyra.listEvents({ limit: 2 }))).toEqual([46, 47])
    expect(planned).toBe(1)
    await papyra.close()
  })

  test('records of unknown kinds count against the whole log, are never dropped and not listed', async () => {
    const memory = memoryBackend()
    const kindOf = ({ seq, kind }: { seq: number; kind: string }): string =>
      seq % 3 === 0 ? 'metric' : kind
    const backend = {
      ...memory,
      async open(options: Parameters<typeof memory.open>[0]) {
        const inner = await memory.open(options)
        const [read, readMeta, scan] = [inner.read, inner.readMeta, inner.scan].map((f) =>
          f.bind(inner),
        ) as [typeof inner.read, typeof inner.readMeta, typeof inner.scan]
        inner.read = async function* ({ kinds, ...query } = {}) {
          for await (const record of read(query)) {
            const kind = kindOf(record)
            if (kinds === undefined || kinds.includes(kind)) yield { ...record, kind }
          }
        }
        inner.readMeta = async function* (meta) {
          for await (const record of readMeta(meta)) yield { ...record, kind: kindOf(record) }
        }
        const seq = null
        const notice = {
          code: 'unknown_kind',
          path: 'memory:',
          offset: null,
          seq,
          count: 3,
          detail: '',
        } as const
        inner.scan = async (given) => ({ ...(await scan(given)), notices: [notice] })
        return inner
      },
    }
    const papyra = await openPapyra({ systemId: 's', backend, retention: { maxRecords: 5 } })
    for (let i = 0; i < 10; i += 1) await papyra.recordEvent({ type: 't' })
    // Records 3, 6 and 9 are of an unknown kind: they take three of the five places.
    expect(await seqsOf(papyra.listEvents())).toEqual([8, 10])
    expect(await seqsOf(papyra.listEvents({ order: 'newest' }))).toEqual([10, 8])
    expect(await seqsOf(papyra.list({ order: 'newest', limit: 1 }))).toEqual([10])
    await papyra.close()
  })

  test('what is appended between the plan and the reading does not come on top', async () => {
    const memory = memoryBackend()
    let meanwhile = async (): Promise<void> => undefined
    const backend = {
      ...memory,
      async open(options: Parameters<typeof memory.open>[0]) {
        const inner = await memory.open(options)
        const metaInner = inner.readMeta.bind(inner)
        inner.readMeta = async function* (meta) {
          yield* metaInner(meta)
          await meanwhile()
        }
        return inner
      },
    }
    const papyra = await openPapyra({ systemId: 's', backend, retention: { maxRecords: 3 } })
    for (let i = 0; i < 6; i += 1) await papyra.recordEvent({ type: 't' })
    meanwhile = async () => void (await papyra.recordEvent({ type: 'more' }))
    expect(await seqsOf(papyra.listEvents())).toEqual([4, 5, 6])
    meanwhile = async () => undefined
    expect(await seqsOf(papyra.listEvents())).toEqual([5, 6, 7])
    await papyra.close()
  })

  test('what is appended while a list is read does not push others out of it', async () => {
    const papyra = await openPapyra({
      systemId: 's',
      backend: memoryBackend(),
      retention: { maxRecords: 3 },
    })
    for (let i = 0; i < 6; i += 1) await papyra.recordEvent({ type: 't' })
    const seen: number[] = []
    for await (const { seq } of papyra.listEvents()) {
      seen.push(seq)
      await papyra.recordEvent({ type: 'more' })
    }
    expect(seen).toEqual([4, 5, 6])
    await papyra.close()
  })
})
