import { PapyraError, type AppendFact, type EventInput } from '@papyra/contracts'
import { DROP_REASONS, memoryBackend, openPapyra, type Drop } from '@papyra/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IntakeQueue, type IntakeOptions } from '../src/intake.js'
import { collect } from './fixtures/collect.js'

interface Rig {
  readonly intake: IntakeQueue
  readonly batches: string[][]
  readonly drops: Drop[]
  /** Lets the store answer; until then it takes nothing. */
  release(): void
}

/** An intake over a store that keeps what it was given and answers when told to. */
function rig(
  options: Partial<IntakeOptions> & {
    held?: boolean
    fail?: (facts: readonly AppendFact[]) => void
  } = {},
): Rig {
  const batches: string[][] = []
  const drops: Drop[] = []
  let release = (): void => undefined
  const gate =
    options.held === true ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve()
  const intake = new IntakeQueue({
    source: { systemId: 's', now: () => 0 },
    refusal: () => null,
    onDrop: (drop) => drops.push(drop),
    async append(facts) {
      await gate
      options.fail?.(facts)
      batches.push(facts.map(({ members }) => members.replace(/.*"payload":/, '')))
    },
    ...options,
  })
  return { intake, batches, drops, release: () => release() }
}

const NONE = { full: 0, invalid: 0, too_large: 0, store_failed: 0, closed: 0 }

describe('the intake', () => {
  test('takes facts of all kinds, keeps their order, and writes in batches', async () => {
    const { intake, batches } = rig({ batch: 4 })
    for (let i = 0; i < 10; i += 1) expect(intake.event({ type: 't', payload: i })).toBe(true)
    expect(intake.stats()).toMatchObject({ accepted: 10, written: 0, waiting: 10 })
    await intake.flush()
    expect(batches).toEqual([
      ['0', '1', '2', '3'],
      ['4', '5', '6', '7'],
      ['8', '9'],
    ])
    expect(intake.deadLetter({ target: null, messageType: 'm', payload: 'd' })).toBe(true)
    await intake.flush()
    expect(intake.stats()).toEqual({ accepted: 11, written: 11, waiting: 0, dropped: NONE })
  })

  test('full: what does not fit is dropped and counted, what was accepted is written', async () => {
    const { intake, batches, drops, release } = rig({ capacity: 3, batch: 2, held: true })
    const accepted = Array.from({ length: 8 }, (_, i) => intake.event({ type: 't', payload: i }))
    expect(accepted).toEqual([true, true, true, false, false, false, false, false])
    await Promise.resolve()
    await Promise.resolve()
    // A batch on its way to the store still takes its room.
    expect(intake.event({ type: 't', payload: 'later' })).toBe(false)
    expect(intake.stats()).toEqual({
      accepted: 3,
      written: 0,
      waiting: 3,
      dropped: { ...NONE, full: 6 },
    })
    release()
    await intake.flush()
    expect(batches).toEqual([['0', '1'], ['2']])
    expect(drops).toHaveLength(6)
    expect(drops[0]).toEqual({ reason: 'full', records: 1, kind: 'event', error: null })
    expect(intake.event({ type: 't' })).toBe(true)
  })

  test('full by bytes: room comes back when facts are written', async () => {
    const { intake } = rig({ capacityBytes: 1000 })
    expect(intake.event({ type: 't', payload: 'x'.repeat(600) })).toBe(true)
    expect(intake.event({ type: 't', payload: 'x'.repeat(600) })).toBe(false)
    await intake.flush()
    expect(intake.event({ type: 't', payload: 'x'.repeat(600) })).toBe(true)
    expect(intake.event({ type: 't', payload: 'x'.repeat(2000) })).toBe(false)
    await intake.flush()
    expect(intake.stats()).toMatchObject({ written: 2, dropped: { full: 2 } })
  })

  test('never throws, whatever is handed to it, and counts it', async () => {
    const { intake, drops } = rig({ capacity: 1_000_000 })
    const bad = Proxy.revocable({}, {})
    bad.revoke()
    const inputs = fc.sample(fc.anything(), { numRuns: 500, seed: 7 })
    let refused = 0
    for (const input of [
      ...inputs,
      bad.proxy,
      undefined,
      null,
      Symbol('x'),
      { type: 't', timestamp: 1n },
    ]) {
      for (const method of ['event', 'audit', 'deadLetter'] as const) {
        if (!intake[method](input as never)) refused += 1
      }
    }
    await intake.flush()
    const { accepted, written, dropped } = intake.stats()
    expect(accepted).toBe(written)
    expect(dropped).toEqual({ ...NONE, invalid: refused })
    expect(drops).toHaveLength(refused)
    expect(refused).toBeGreaterThan(1500)
  })

  test('a payload that cannot be serialised is no reason to drop', async () => {
    const { intake, batches } = rig()
    const payload = {
      get x(): never {
        throw new Error('no')
      },
    }
    expect(intake.event({ type: 't', payload })).toBe(true)
    await intake.flush()
    expect(batches).toEqual([['{"x":"[Unserializable: no]"}']])
  })

  test('store_failed: a batch is dropped and counted, later facts are written', async () => {
    let failing = true
    const fail = (): void => {
      if (failing) throw new PapyraError('write_failed', 'disk full')
    }
    const { intake, drops, batches } = rig({ fail })
    for (let i = 0; i < 5; i += 1) intake.event({ type: 't', payload: i })
    await intake.flush()
    failing = false
    intake.event({ type: 't', payload: 5 })
    await intake.flush()
    expect(batches).toEqual([['5']])
    expect(drops).toEqual([
      {
        reason: 'store_failed',
        records: 5,
        kind: null,
        error: expect.objectContaining({ code: 'write_failed' }),
      },
    ])
    expect(intake.stats()).toEqual({
      accepted: 6,
      written: 1,
      waiting: 0,
      dropped: { ...NONE, store_failed: 5 },
    })
  })

  test('too_large: one large fact does not take the others of its batch with it', async () => {
    const fail = (facts: readonly AppendFact[]): void => {
      if (facts.some(({ members }) => members.length > 100))
        throw new PapyraError('record_too_large', 'large')
    }
    const { intake, drops, batches } = rig({ fail })
    for (const payload of ['a', 'x'.repeat(200), 'b']) intake.event({ type: 't', payload })
    await intake.flush()
    expect(batches).toEqual([['"a"'], ['"b"']])
    expect(drops).toMatchObject([{ reason: 'too_large', records: 1, kind: 'event' }])
  })

  test('a hook that throws changes nothing', async () => {
    const onDrop = (): never => {
      throw new Error('hook')
    }
    const { intake } = rig({ capacity: 1, onDrop })
    expect([intake.event({ type: 't' }), intake.event({ type: 't' })]).toEqual([true, false])
    expect(intake.event(null as unknown as EventInput)).toBe(false)
    await intake.flush()
    expect(intake.stats()).toMatchObject({ written: 1, dropped: { full: 2 } })
  })

  test('flush waits for what was accepted before the call, not for what comes after', async () => {
    const { intake } = rig({ batch: 1 })
    let more = 1000
    const feed = (): void => {
      if (more-- > 0) {
        intake.event({ type: 't' })
        queueMicrotask(feed)
      }
    }
    feed()
    await intake.flush()
    expect(intake.stats().written).toBeLessThan(1000)
    await intake.close()
    expect(intake.stats().waiting).toBe(0)
  })

  test('closing drains; what comes later is dropped and counted', async () => {
    const { intake, batches, release } = rig({ held: true, batch: 1 })
    for (let i = 0; i < 3; i += 1) intake.event({ type: 't', payload: i })
    const closed = intake.close()
    expect(intake.event({ type: 't' })).toBe(false)
    release()
    await closed
    expect(batches).toEqual([['0'], ['1'], ['2']])
    expect(intake.stats().dropped).toEqual({ ...NONE, closed: 1 })
  })

  test('limits that are none are refused', () => {
    for (const limits of [{ capacity: 0 }, { capacityBytes: 1.5 }, { batch: Number.NaN }]) {
      expect(() => rig(limits)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    }
    expect(Object.keys(NONE).sort()).toEqual([...DROP_REASONS].sort())
  })
})

describe('of an open store', () => {
  test('facts through the intake and facts recorded are one log, and drops reach the hook', async () => {
    const drops: Drop[] = []
    const papyra = await openPapyra({
      systemId: 's',
      backend: memoryBackend({ maxRecordBytes: 300 }),
      intake: { capacity: 50 },
      hooks: { onDrop: (drop) => drops.push(drop) },
    })
    for (let i = 0; i < 60; i += 1) papyra.intake.event({ type: 'in', payload: i })
    papyra.intake.event({ type: '' })
    await papyra.flush()
    papyra.intake.event({ type: 'in', payload: 'x'.repeat(300) })
    await papyra.recordEvent({ type: 'rec' })
    await papyra.close()
    expect(drops.map(({ reason }) => reason)).toEqual([...Array(11).fill('full'), 'too_large'])
    expect(papyra.intake.stats()).toMatchObject({ accepted: 51, written: 50, waiting: 0 })
  })

  test('a store whose every write fails drops and closes', async () => {
    const memory = memoryBackend()
    const backend = {
      ...memory,
      async open(options: Parameters<typeof memory.open>[0]) {
        const inner = await memory.open(options)
        inner.append = () => Promise.reject(new PapyraError('writer_latched', 'sync failed'))
        return inner
      },
    }
    const papyra = await openPapyra({ systemId: 's', backend })
    for (let i = 0; i < 1000; i += 1) papyra.intake.event({ type: 't' })
    await papyra.close()
    expect(papyra.intake.stats()).toEqual({
      accepted: 1000,
      written: 0,
      waiting: 0,
      dropped: { ...NONE, store_failed: 1000 },
    })
    const reader = await memory.open({ access: 'read' })
    expect(await collect(reader.read())).toEqual([])
  })
})
