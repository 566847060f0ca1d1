import { memoryBackend, openPapyra } from '@papyra/core'
import {
  type DeliveryError,
  groupDeadLetters,
  listDeadLetters,
  type ActorRef,
  type Behavior,
  type OverflowPolicy,
  type StoredDeadLetter,
} from '@papyra/actors'
import { describe, expect, test } from 'vitest'
import { collect, startSystem, till } from './fixtures/kit.js'

type Numbered = { type: 'n'; n: number }

describe('overflow', () => {
  async function flood(overflow: OverflowPolicy): Promise<{
    answers: (boolean | string)[]
    handled: number[]
    dead: unknown[]
  }> {
    const system = await startSystem()
    const handled: number[] = []
    const ref = system.spawn(
      (): Behavior<Numbered> => ({ receive: { n: ({ n }) => handled.push(n) } }),
      { name: 'small', mailbox: { capacity: 2, overflow } },
    )
    const answers = [0, 1, 2, 3].map((n) => {
      try {
        return ref.tell({ type: 'n', n })
      } catch (error) {
        return (error as DeliveryError).reason
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 1))
    await system.flush()
    const letters = await collect(system.deadLetters({ reason: 'mailbox_full' }))
    await system.close()
    return { answers, handled, dead: letters.map(({ message }) => (message as Numbered).n) }
  }

  test('each policy keeps what it says, and the rest are dead letters', async () => {
    expect(await flood('drop_newest')).toEqual({
      answers: [true, true, false, false],
      handled: [0, 1],
      dead: [2, 3],
    })
    expect(await flood('drop_oldest')).toEqual({
      answers: [true, true, true, true],
      handled: [2, 3],
      dead: [0, 1],
    })
    expect(await flood('fail')).toEqual({
      answers: [true, true, 'mailbox_full', 'mailbox_full'],
      handled: [0, 1],
      dead: [2, 3],
    })
  })

  test('an ask that finds no room, or has to make it, rejects', async () => {
    for (const overflow of ['drop_newest', 'drop_oldest', 'fail'] as const) {
      const system = await startSystem()
      const ref = system.spawn(till, { mailbox: { capacity: 1, overflow } })
      const asked = await Promise.allSettled([
        ref.ask({ type: 'total' }),
        ref.ask({ type: 'total' }),
      ])
      const lost = overflow === 'drop_oldest' ? 0 : 1
      expect(asked[lost]).toMatchObject({ reason: { reason: 'mailbox_full' } })
      expect(asked[1 - lost]).toMatchObject({ value: 0 })
      await system.close()
    }
  })
})

describe('what a dead letter keeps', () => {
  async function letterOf(
    message: Record<string, unknown>,
    deadLetters: { redact?: (message: unknown) => unknown; maxPayload?: number } = {},
  ): Promise<StoredDeadLetter> {
    const system = await startSystem({ deadLetters })
    system.tell('shop://nobody', { type: 'lost', ...message })
    await system.flush()
    const [letter] = await collect(system.deadLetters())
    await system.close()
    return letter!
  }

  test('all of a message that JSON can hold, and what a replay needs', async () => {
    const letter = await letterOf({ list: [1, 'a', null, { deep: true }], none: undefined })
    expect(letter).toMatchObject({
      target: 'shop://nobody',
      sender: null,
      messageType: 'lost',
      reason: 'no_such_actor',
      attempts: 0,
      complete: true,
      message: { type: 'lost', list: [1, 'a', null, { deep: true }] },
    })
    expect(letter.id).toMatch(/^[0-9a-f]{12}-1$/)
  })

  test('anything else is made safe and said to be incomplete', async () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    const throwing = {
      get boom() {
        throw new Error('no')
      },
    }
    for (const value of [
      1n,
      Number.NaN,
      -0,
      new Date(0),
      new Map(),
      () => 1,
      Symbol('s'),
      circle,
      throwing,
      new (class Order {})(),
      [undefined],
      new Array(2),
      { [Symbol('s')]: 1 },
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no')
          },
        },
      ),
    ]) {
      expect((await letterOf({ value })).complete).toBe(false)
    }
  })

  test('never more of it than is allowed, and only what may be shown', async () => {
    const large = await letterOf({ text: 'x'.repeat(5000) }, { maxPayload: 100 })
    expect([large.complete, (large.message as string).length]).toEqual([false, 100])
    const redact = (): unknown => ({ type: 'lost' })
    expect(await letterOf({ card: '4000' }, { redact })).toMatchObject({
      complete: false,
      message: { type: 'lost' },
    })
    const throwing = (): unknown => {
      throw new Error('no')
    }
    expect(await letterOf({ card: '4000' }, { redact: throwing })).toMatchObject({
      complete: false,
      message: null,
    })
    expect((await letterOf({ card: '1' }, { redact: (message) => message })).complete).toBe(true)
  })

  test('a reference is stored as its address, nothing of its inside', async () => {
    const system = await startSystem()
    const ref = system.spawn(till, { name: 'till' })
    system.tell('shop://nobody', { type: 'hello', from: ref } as never)
    await system.flush()
    const [letter] = await collect(system.deadLetters())
    expect(letter?.message).toEqual({ type: 'hello', from: 'shop://till' })
    await system.close()
  })
})

test('every message of an actor that fails is a dead letter, with its sender', async () => {
  const system = await startSystem()
  const target = system.spawn(till, { name: 'till', supervision: { onFailure: 'stop' } })
  system.spawn(
    (): Behavior<{ type: 'go' }> => ({
      onStart() {
        target.tell({ type: 'fail', message: 'no' })
        for (let i = 0; i < 10; i += 1) target.tell({ type: 'add', cents: i })
      },
      receive: () => {},
    }),
    { name: 'sender' },
  )
  await target.whenStopped()
  target.tell({ type: 'add', cents: 11 })
  await system.flush()
  expect(await system.groupDeadLetters(['reason', 'type'])).toMatchObject([
    { reason: 'crashed', type: 'add', count: 10 },
    { reason: 'handler_failed', type: 'fail', count: 1 },
    { reason: 'stopped', type: 'add', count: 1 },
  ])
  const letters = await collect(system.deadLetters({ target: 'shop://till', limit: 11 }))
  expect(new Set(letters.map(({ sender }) => sender))).toEqual(new Set(['shop://sender']))
  expect(letters.map(({ attempts }) => attempts)).toEqual([1, ...Array<number>(10).fill(0)])
  expect(new Set(letters.map(({ id }) => id)).size).toBe(11)
  await system.close()
})

test('a message without a handler is a dead letter; names of Object are no handlers', async () => {
  const system = await startSystem()
  const ref = system.spawn(till) as ActorRef
  for (const type of ['constructor', '__proto__', 'toString', 'other']) ref.tell({ type })
  await expect(ref.ask({ type: 'other' })).rejects.toMatchObject({ reason: 'unhandled' })
  await system.flush()
  expect(await system.groupDeadLetters(['reason'])).toMatchObject([
    { reason: 'unhandled', count: 5 },
  ])
  await system.close()
})

test('letters of other writers are listed and grouped too', async () => {
  const papyra = await openPapyra({ systemId: 'shop', backend: memoryBackend() })
  await papyra.recordDeadLetter({ target: null, messageType: 'mail', payload: { id: 'A1' } })
  await papyra.recordDeadLetter({ target: 'shop://a', messageType: 'mail', reason: 'lost' })
  expect(await collect(listDeadLetters(papyra))).toMatchObject([
    { id: null, target: null, message: { id: 'A1' }, complete: null, reason: null },
    { id: null, target: 'shop://a', message: null, complete: null, reason: 'lost' },
  ])
  expect(await groupDeadLetters(papyra, ['type'])).toMatchObject([{ type: 'mail', count: 2 }])
  await expect(groupDeadLetters(papyra, ['id' as 'type'])).rejects.toMatchObject({
    code: 'invalid_argument',
  })
  await papyra.close()
})
