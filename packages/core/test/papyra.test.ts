import { manualClock, PapyraError, type Backend, type BackendDefinition } from '@papyra/contracts'
import { memoryBackend, openPapyra, type OpenPapyraOptions, type Papyra } from '@papyra/core'
import { describe, expect, test } from 'vitest'
import { code, collect, seqsOf } from './fixtures/collect.js'

const audit = {
  totalActors: 3,
  aliveActors: 2,
  stoppingActors: 1,
  restartingActors: 0,
  registrySize: 3,
  deadLettersCount: 1,
}

function open(rest: Partial<OpenPapyraOptions> = {}): Promise<Papyra> {
  const clock = manualClock(1_710_000_000_000)
  return openPapyra({ systemId: 'shop', backend: memoryBackend(), clock, ...rest })
}

/** A definition whose appends wait until `release` is called. */
function slowBackend(): {
  definition: BackendDefinition
  release: () => void
  closed: () => boolean
} {
  const inner = memoryBackend()
  let release = (): void => undefined
  let closed = false
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const open = async (options: Parameters<BackendDefinition['open']>[0]): Promise<Backend> => {
    const backend = await inner.open(options)
    const pending = new Set<Promise<unknown>>()
    return {
      name: 'slow',
      capabilities: backend.capabilities,
      begin: (begin) => backend.begin(begin),
      append(facts) {
        const appended = gate.then(() => backend.append(facts))
        pending.add(appended)
        return appended
      },
      read: (query) => backend.read(query),
      readMeta: (meta) => backend.readMeta(meta),
      describe: () => backend.describe(),
      scan: (scan) => backend.scan(scan),
      recover: (recover) => backend.recover(recover),
      compact: (compact) => gate.then(() => backend.compact(compact)),
      resetMetrics: () => backend.resetMetrics(),
      flush: () => backend.flush(),
      async close() {
        await Promise.allSettled(pending)
        await backend.close()
        closed = true
      },
    }
  }
  return { definition: { ...inner, open }, release: () => release(), closed: () => closed }
}

describe('recording', () => {
  test('all three kinds, and reads them back', async () => {
    const papyra = await open()
    const event = { actor: 'shop://orders', type: 'order.placed', payload: { total: 3 } }
    const letter = {
      target: 'shop://x',
      messageType: 'ping',
      payload: [1],
      reason: 'dead',
      attempts: 2,
    }
    expect(await papyra.recordEvent(event)).toEqual({ seq: 1 })
    expect(await papyra.recordAudit(audit)).toEqual({ seq: 2 })
    expect(await papyra.recordDeadLetter(letter)).toEqual({ seq: 3 })
    const common = { systemId: 'shop', timestamp: 1_710_000_000_000 }
    expect(await collect(papyra.list())).toEqual([
      { seq: 1, kind: 'event', ...common, ...event },
      { seq: 2, kind: 'audit', ...common, ...audit, registryOrphans: [], registryDead: [] },
      { seq: 3, kind: 'dead_letter', ...common, ...letter },
    ])
    expect(await seqsOf(papyra.listEvents())).toEqual([1])
    expect(await seqsOf(papyra.listAudits())).toEqual([2])
    expect(await seqsOf(papyra.listDeadLetters())).toEqual([3])
    await papyra.close()
  })

  test('a payload is taken at the call: changing it afterwards changes nothing', async () => {
    const papyra = await open()
    const payload = { items: [1], state: 'placed' }
    const event = { type: 'before', payload }
    const recorded = papyra.recordEvent(event)
    payload.items.push(2)
    payload.state = 'changed'
    event.type = 'after'
    await recorded
    papyra.intake.event(event)
    payload.state = 'changed again'
    await papyra.flush()
    const events = await collect(papyra.listEvents())
    expect(events.map(({ type, payload: read }) => [type, read])).toEqual([
      ['before', { items: [1], state: 'placed' }],
      ['after', { items: [1, 2], state: 'changed' }],
    ])
    await papyra.close()
  })

  test('a payload never makes an actor throw', async () => {
    const papyra = await open()
    const toJSON = (): never => {
      throw new Error('broken')
    }
    await papyra.recordEvent({ type: 'a', payload: { toJSON } })
    await papyra.recordEvent({ type: 'b', payload: { n: 2n ** 70n, lone: '\ud800' } })
    await papyra.recordEvent({ type: 'c', payload: JSON.parse('{"__proto__":{"admin":true}}') })
    const [a, b, c] = await collect(papyra.listEvents())
    expect(a?.payload).toBe('[Unserializable: broken]')
    expect(b?.payload).toEqual({ n: '1180591620717411303424', lone: '\ud800' })
    expect(JSON.stringify(c?.payload)).toBe('{"__proto__":{"admin":true}}')
    await papyra.close()
  })

  test('a bad fact is refused with the field, and leaves no gap', async () => {
    const papyra = await open()
    await expect(papyra.recordEvent({ type: '' })).rejects.toMatchObject({
      code: 'invalid_fact',
      details: { field: 'type' },
    })
    expect((await papyra.recordEvent({ type: 't' })).seq).toBe(1)
    await papyra.close()
  })

  test('numbers are given in the order of the calls', async () => {
    const papyra = await open()
    const results = await Promise.all(
      Array.from({ length: 500 }, (_, i) => papyra.recordEvent({ type: 't', payload: i })),
    )
    expect(results.map(({ seq }) => seq)).toEqual(results.map((_, i) => i + 1))
    const events = await collect(papyra.listEvents())
    expect(events.map(({ payload }) => payload)).toEqual(results.map((_, i) => i))
    await papyra.close()
  })
})

describe('listing', () => {
  async function filled(): Promise<Papyra> {
    const papyra = await open()
    for (let i = 1; i <= 6; i += 1) {
      await papyra.recordEvent({
        actor: i % 2 === 0 ? 'shop://even' : null,
        type: i % 3 === 0 ? 'fizz' : 'plain',
        payload: { n: i, at: { 'a.b': [i, 'x'] } },
        timestamp: i * 1000,
      })
    }
    await papyra.recordDeadLetter({ target: 'shop://a', messageType: 'm', payload: 1 })
    await papyra.recordDeadLetter({ target: null, messageType: 'm', payload: 2 })
    await papyra.recordAudit(audit)
    return papyra
  }

  test('by time, type, actor, target and order', async () => {
    const papyra = await filled()
    expect(await seqsOf(papyra.listEvents({ since: 2000, until: 5000 }))).toEqual([2, 3, 4])
    expect(await seqsOf(papyra.listEvents({ type: 'fizz' }))).toEqual([3, 6])
    expect(await seqsOf(papyra.listEvents({ type: ['fizz', 'plain'], order: 'newest' }))).toEqual([
      6, 5, 4, 3, 2, 1,
    ])
    expect(await seqsOf(papyra.listEvents({ type: 'fiz' }))).toEqual([])
    expect(await seqsOf(papyra.listEvents({ actor: 'shop://even' }))).toEqual([2, 4, 6])
    expect(await seqsOf(papyra.listDeadLetters({ target: 'shop://a' }))).toEqual([7])
    expect(await seqsOf(papyra.listDeadLetters({ type: 'm', target: 'null' }))).toEqual([8])
    await papyra.close()
  })

  test('the limit counts after all conditions', async () => {
    const papyra = await filled()
    expect(await seqsOf(papyra.listEvents({ type: 'fizz', limit: 1, order: 'newest' }))).toEqual([
      6,
    ])
    const where = ({ payload }: { readonly payload: unknown }): boolean =>
      (payload as { n: number }).n > 4
    expect(await seqsOf(papyra.listEvents({ where, limit: 1 }))).toEqual([5])
    expect(await seqsOf(papyra.list({ where: { n: 2 }, limit: 1 }))).toEqual([2])
    await papyra.close()
  })

  test('where takes dotted paths, positions, names with dots, and whole values', async () => {
    const papyra = await filled()
    expect(await seqsOf(papyra.listEvents({ where: { n: 3 } }))).toEqual([3])
    expect(await seqsOf(papyra.listEvents({ where: { 'at.a.b.0': 4 } }))).toEqual([])
    expect(await seqsOf(papyra.listEvents({ where: { 'at.a.b': [4, 'x'] } }))).toEqual([4])
    expect(await seqsOf(papyra.listEvents({ where: { 'at.a.b': [4] } }))).toEqual([])
    expect(await seqsOf(papyra.listEvents({ where: { at: { 'a.b': [5, 'x'] }, n: 5 } }))).toEqual([
      5,
    ])
    expect(await seqsOf(papyra.listEvents({ where: { 'constructor.name': 'Object' } }))).toEqual([])
    expect(await seqsOf(papyra.listEvents({ where: { '__proto__.x': null } }))).toEqual([])
    const proto: Record<string, object> = JSON.parse('{"__proto__":{}}')
    expect(await seqsOf(papyra.listEvents({ where: proto as never }))).toEqual([])
    expect(await seqsOf(papyra.listDeadLetters({ where: {} }))).toEqual([7, 8])
    expect(await seqsOf(papyra.listAudits({ where: { totalActors: 3 } }))).toEqual([9])
    expect(await seqsOf(papyra.listAudits({ where: { totalActors: 4 } }))).toEqual([])
    await papyra.close()
  })

  test('a type whose JSON is escaped is found', async () => {
    const papyra = await open()
    await papyra.recordEvent({ type: 'a"b\\c\n' })
    await papyra.recordEvent({ type: 'other', payload: 'a"b\\c\n' })
    expect(await seqsOf(papyra.listEvents({ type: 'a"b\\c\n' }))).toEqual([1])
    await papyra.close()
  })

  test('a query that makes no sense, or is stopped, is refused', async () => {
    const papyra = await filled()
    const bad = [
      { limit: 0 },
      { limit: 1.5 },
      { since: Number.NaN },
      { until: '5' },
      { order: 'up' },
    ]
    for (const query of bad) {
      await expect(seqsOf(papyra.listEvents(query as object))).rejects.toEqual(
        code('invalid_argument'),
      )
    }
    const signal = AbortSignal.abort()
    await expect(seqsOf(papyra.listEvents({ signal }))).rejects.toEqual(code('aborted'))
    await papyra.close()
  })

  test('stopping early leaves nothing behind', async () => {
    const papyra = await filled()
    for await (const { seq } of papyra.listEvents()) if (seq === 2) break
    expect(await seqsOf(papyra.listEvents({ limit: 1 }))).toEqual([1])
    await papyra.close()
  })
})

describe('maintenance', () => {
  test('compact deletes by the policy of the store, or the one given', async () => {
    const papyra = await open({ retention: { maxRecords: 2 } })
    for (let i = 0; i < 5; i += 1) await papyra.recordEvent({ type: 't' })
    expect(await papyra.compact({ dryRun: true })).toMatchObject({ changed: true, dryRun: true })
    expect((await papyra.describe()).metrics.totals.recordsStored).toBe(5)
    expect((await papyra.compact()).records).toEqual({ before: 5, after: 2 })
    expect((await papyra.compact({ policy: { maxRecords: 1 } })).records.after).toBe(1)
    expect((await papyra.metrics()).totals).toMatchObject({ compactions: 2, recordsDropped: 4 })
    await papyra.close()
  })

  test('without a policy compact is refused: nothing would ever be removed', async () => {
    const papyra = await open({ retention: {} })
    await expect(papyra.compact()).rejects.toEqual(code('retention_missing'))
    await expect(papyra.compact({ policy: {} })).rejects.toEqual(code('retention_missing'))
    await papyra.close()
  })

  test('scan verifies', async () => {
    const papyra = await open()
    expect(await papyra.scan()).toMatchObject({ clean: true, backend: 'memory' })
    await papyra.close()
  })
})

describe('closing', () => {
  test('concurrent calls share one promise; later calls of all else are refused', async () => {
    const papyra = await open()
    expect(papyra.state).toBe('open')
    const first = papyra.close()
    expect(papyra.close()).toBe(first)
    expect(papyra.state).toBe('closing')
    await first
    expect(papyra.state).toBe('closed')
    await papyra.close()
    const calls: (() => Promise<unknown>)[] = [
      () => papyra.recordEvent({ type: 't' }),
      () => papyra.recordAudit(audit),
      () => papyra.recordDeadLetter({ target: null, messageType: 'm' }),
      () => collect(papyra.list()),
      () => collect(papyra.listEvents()),
      () => collect(papyra.listAudits()),
      () => collect(papyra.listDeadLetters()),
      () => papyra.compact({ policy: { maxRecords: 1 } }),
      () => papyra.scan(),
      () => papyra.describe(),
      () => papyra.metrics(),
      () => papyra.flush(),
    ]
    for (const call of calls) await expect(call()).rejects.toEqual(code('closed'))
  })

  test('during appends: what was handed in is stored, what comes later is refused', async () => {
    const slow = slowBackend()
    const papyra = await open({ backend: slow.definition })
    const recorded = [1, 2, 3].map((n) => papyra.recordEvent({ type: 't', payload: n }))
    expect(papyra.intake.event({ type: 'i', payload: 4 })).toBe(true)
    const closing = papyra.close()
    await expect(papyra.recordEvent({ type: 'late' })).rejects.toEqual(code('closed'))
    expect(papyra.intake.event({ type: 'late' })).toBe(false)
    expect(slow.closed()).toBe(false)
    slow.release()
    await closing
    expect(slow.closed()).toBe(true)
    expect(await Promise.all(recorded)).toEqual([{ seq: 1 }, { seq: 2 }, { seq: 3 }])
    expect(papyra.intake.stats()).toMatchObject({
      accepted: 1,
      written: 1,
      waiting: 0,
      dropped: { closed: 1 },
    })
    const again = await open({ backend: slow.definition })
    expect((await collect(again.listEvents())).map(({ payload }) => payload)).toEqual([1, 2, 3, 4])
    await again.close()
  })

  test('stops a compaction under way, which then has changed nothing', async () => {
    const slow = slowBackend()
    const papyra = await open({ backend: slow.definition, retention: { maxRecords: 1 } })
    const compacting = papyra.compact()
    const closing = papyra.close()
    slow.release()
    await expect(compacting).rejects.toEqual(code('closed'))
    await closing
  })

  test('ends a list under way with `closed`', async () => {
    const papyra = await open()
    await papyra.recordEvent({ type: 'a' })
    await papyra.recordEvent({ type: 'b' })
    const list = papyra.listEvents()[Symbol.asyncIterator]()
    await list.next()
    await papyra.close()
    await expect(list.next()).rejects.toEqual(code('closed'))
  })

  test('if the backend fails to close, all callers learn it, and it counts as closed', async () => {
    const inner = memoryBackend()
    const definition: BackendDefinition = {
      ...inner,
      async open(options) {
        const backend = await inner.open(options)
        backend.close = () => Promise.reject(new PapyraError('io_error', 'no'))
        return backend
      },
    }
    const papyra = await open({ backend: definition })
    const outcomes = await Promise.allSettled([papyra.close(), papyra.close()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(papyra.state).toBe('closed')
  })

  test('await using closes', async () => {
    const backend = memoryBackend()
    {
      await using papyra = await open({ backend })
      await papyra.recordEvent({ type: 't' })
    }
    await using again = await open({ backend, waitLockMs: 0 })
    expect(await seqsOf(again.listEvents())).toEqual([1])
  })
})
