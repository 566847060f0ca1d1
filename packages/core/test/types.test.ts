import type { AuditRecord, DeadLetterRecord, EventRecord } from '@papyra/contracts'
import { memoryBackend, openPapyra, type Papyra } from '@papyra/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { collect } from './fixtures/collect.js'

interface Placed {
  readonly id: string
  readonly total: number
}
type Facts = {
  event: { 'order.placed': Placed; 'order.closed': undefined }
  dead_letter: { ping: { n: number } }
}

// These are checked by the compiler; the test runs them too, so that they are real calls.
describe('stated facts', () => {
  test('the payload follows from the type, on writing and on reading', async () => {
    const papyra = await openPapyra<Facts>({ systemId: 's', backend: memoryBackend() })
    await papyra.recordEvent({ type: 'order.placed', payload: { id: 'A1', total: 3 } })
    await papyra.recordEvent({ type: 'order.closed' })
    await papyra.recordDeadLetter({ target: null, messageType: 'ping', payload: { n: 1 } })

    for await (const event of papyra.listEvents({ type: 'order.placed', limit: 10 })) {
      expectTypeOf(event.payload).toEqualTypeOf<Placed>()
      expectTypeOf(event.type).toEqualTypeOf<'order.placed'>()
      expect(event.payload.total).toBe(3)
    }
    for await (const event of papyra.listEvents()) {
      if (event.type === 'order.placed') expectTypeOf(event.payload).toEqualTypeOf<Placed>()
      else expectTypeOf(event.payload).toEqualTypeOf<undefined>()
    }
    for await (const letter of papyra.listDeadLetters({ type: 'ping' })) {
      expectTypeOf(letter.payload.n).toEqualTypeOf<number>()
    }
    for await (const fact of papyra.list()) {
      if (fact.kind === 'audit') expectTypeOf(fact).toEqualTypeOf<AuditRecord>()
      if (fact.kind === 'dead_letter') expectTypeOf(fact.payload.n).toEqualTypeOf<number>()
    }
    const where = { where: (event: { payload: Placed }) => event.payload.total > 2 }
    expect(await collect(papyra.listEvents({ type: 'order.placed', ...where }))).toHaveLength(1)
    await papyra.close()
  })

  test('what does not fit is an error of the compiler', async () => {
    const papyra = await openPapyra<Facts>({ systemId: 's', backend: memoryBackend() })
    // @ts-expect-error the payload lacks `total`
    await papyra.recordEvent({ type: 'order.placed', payload: { id: 'A1' } })
    // @ts-expect-error the payload is missing
    await papyra.recordEvent({ type: 'order.placed' })
    // @ts-expect-error there is no such type
    await papyra.recordEvent({ type: 'order.plced', payload: { id: 'A1', total: 3 } })
    // @ts-expect-error there is no such message type
    await papyra.recordDeadLetter({ target: null, messageType: 'pong', payload: { n: 1 } })
    // @ts-expect-error there is no such type
    await collect(papyra.listEvents({ type: 'order.plced' }))
    await papyra.close()
  })
})

describe('facts that are not stated', () => {
  test('any type takes any payload', async () => {
    const papyra: Papyra = await openPapyra({ systemId: 's', backend: memoryBackend() })
    const type: string = ['made', 'up'].join('.')
    await papyra.recordEvent({ type, payload: { anything: true } })
    await papyra.recordEvent({ type: 'no payload' })
    await papyra.recordDeadLetter({ target: null, messageType: type })
    for await (const event of papyra.listEvents({ type })) {
      expectTypeOf(event).toEqualTypeOf<EventRecord<string, unknown>>()
    }
    for await (const letter of papyra.listDeadLetters())
      expectTypeOf(letter).toExtend<DeadLetterRecord>()
    await papyra.close()
  })

  test('only the kinds that are stated are typed', async () => {
    type Only = { event: { a: number } }
    const papyra = await openPapyra<Only>({ systemId: 's', backend: memoryBackend() })
    await papyra.recordDeadLetter({ target: null, messageType: 'any', payload: [1] })
    await papyra.recordEvent({ type: 'a', payload: 1 })
    // Tools that take any store take one of stated facts.
    const general: Papyra = papyra
    expect((await general.metrics()).totals.recordsWritten).toBe(2)
    await papyra.close()
  })
})
