import type { Behavior, Directive, Failure, Supervision } from '@papyra/actors'
import { describe, expect, test } from 'vitest'
import { AT_ONCE, collect, startSystem, story, till, until, type Till } from './fixtures/kit.js'

const fail = (message = 'no'): Till => ({ type: 'fail', message })

describe('directives', () => {
  async function after(
    supervision: Supervision,
  ): Promise<{ total: number | string; facts: string[] }> {
    const system = await startSystem()
    const ref = system.spawn(till, { name: 'till', supervision })
    ref.tell({ type: 'add', cents: 5 })
    ref.tell(fail())
    ref.tell({ type: 'add', cents: 7 })
    const total = await ref
      .ask({ type: 'total' })
      .catch((error: { reason: string }) => error.reason)
    await system.flush()
    const facts = (await story(system.papyra)).slice(2)
    await system.close()
    return { total, facts }
  }

  test('resume keeps the state and drops only the message that failed', async () => {
    expect(await after({ onFailure: 'resume' })).toEqual({
      total: 12,
      facts: ['dead fail shop://till handler_failed', 'actor.crashed shop://till'],
    })
  })

  test('restart begins anew with the messages that wait', async () => {
    expect(await after({ onFailure: 'restart', ...AT_ONCE })).toEqual({
      total: 7,
      facts: [
        'dead fail shop://till handler_failed',
        'actor.crashed shop://till',
        'actor.restarted shop://till',
      ],
    })
  })

  test('stop ends it; what waited in its mailbox becomes dead letters', async () => {
    expect(await after({ onFailure: 'stop' })).toEqual({
      total: 'crashed',
      facts: [
        'dead fail shop://till handler_failed',
        'actor.crashed shop://till',
        'dead add shop://till crashed',
        'dead total shop://till crashed',
        'actor.stopped shop://till',
      ],
    })
  })

  test('escalate without a parent ends it and tells the service', async () => {
    const told: Failure[] = []
    const system = await startSystem({ hooks: { onEscalation: (failure) => told.push(failure) } })
    const ref = system.spawn(till, { name: 'till', supervision: { onFailure: 'escalate' } })
    ref.tell(fail('broken'))
    expect(await ref.whenStopped()).toBe('escalated')
    expect(told).toMatchObject([{ error: { message: 'broken' }, address: 'shop://till' }])
    await system.close()
  })

  test('a function that throws or decides nonsense means stop', async () => {
    for (const onFailure of [
      () => {
        throw new Error('undecided')
      },
      () => 'later' as Directive,
    ]) {
      expect((await after({ onFailure })).total).toBe('crashed')
    }
  })
})

describe('the budget', () => {
  test('so many restarts within the window, then the end', async () => {
    const system = await startSystem()
    const ref = system.spawn(till, {
      name: 'till',
      supervision: { maxRestarts: 2, withinMs: 3_600_000, ...AT_ONCE },
    })
    for (let i = 0; i < 4; i += 1) ref.tell(fail())
    expect(await ref.whenStopped()).toBe('restarts_exhausted')
    await system.flush()
    const crashes = await collect(system.papyra.listEvents({ type: 'actor.crashed' }))
    expect(crashes.map(({ payload }) => payload)).toMatchObject([
      { decision: 'restart', exhausted: false },
      { decision: 'restart', exhausted: false },
      { decision: 'stop', exhausted: true, error: { name: 'Error', message: 'no' } },
    ])
    expect(system.info(ref).restarts).toBe(2)
    expect(await system.groupDeadLetters(['reason'])).toMatchObject([
      { reason: 'handler_failed', count: 3 },
      { reason: 'crashed', count: 1 },
    ])
    await system.close()
  })

  test('a failing start is a failure like any other, and ends with the budget', async () => {
    const system = await startSystem()
    let starts = 0
    const ref = system.spawn(
      (): Behavior<Till> => {
        starts += 1
        throw new Error('no start')
      },
      { supervision: { onFailure: 'resume', maxRestarts: 3, ...AT_ONCE } },
    )
    expect(await ref.whenStopped()).toBe('restarts_exhausted')
    expect(starts).toBe(4)
    await system.close()
  })

  test('pauses grow up to their limit, and stopping does not wait for them', async () => {
    const delays: number[] = []
    const hooks = {
      onEvent: ({ payload }: { payload?: unknown }) => {
        const { delayMs } = payload as { delayMs?: number }
        if (delayMs !== undefined) delays.push(delayMs)
      },
    }
    const system = await startSystem({ hooks })
    const backoff = { firstMs: 1, factor: 3, maxMs: 5 }
    const ref = system.spawn(till, { supervision: { maxRestarts: 9, backoff } })
    for (let i = 0; i < 4; i += 1) ref.tell(fail())
    await ref.ask({ type: 'total' })
    expect(delays).toEqual([1, 3, 5, 5])
    const slow = system.spawn(till, {
      supervision: { backoff: { firstMs: 3_600_000, maxMs: 3_600_000 } },
    })
    slow.tell(fail())
    await until(() => system.info(slow).state === 'restarting')
    expect(await system.stop(slow)).toBe('stopped')
    await system.close()
  })
})

describe('in the tree', () => {
  type Parent = { type: 'spawn' } | { type: 'go' }

  async function family(options: {
    child: Supervision
    parent: Supervision
    onChildFailure?: () => Directive
  }) {
    const system = await startSystem()
    let starts = 0
    const { onChildFailure } = options
    const parent = system.spawn(
      (context): Behavior<Parent> => {
        starts += 1
        context.spawn(till, { name: 'child', supervision: { ...AT_ONCE, ...options.child } })
        return { receive: () => {}, ...(onChildFailure === undefined ? {} : { onChildFailure }) }
      },
      { name: 'parent', supervision: { ...AT_ONCE, ...options.parent } },
    )
    await parent.ask({ type: 'go' })
    return { system, parent, starts: () => starts, child: () => system.find<Till>('child') }
  }

  test('escalated: the parent fails too, and its restart makes new children', async () => {
    const { system, child, starts } = await family({
      child: { onFailure: 'escalate' },
      parent: { onFailure: 'restart' },
    })
    const first = child()
    first?.tell(fail())
    await until(() => starts() === 2 && child() !== null)
    expect(first?.isAlive).toBe(false)
    expect(await child()?.ask({ type: 'total' })).toBe(0)
    await system.flush()
    const facts = await story(system.papyra)
    expect(facts.filter((fact) => !fact.startsWith('actor.started')).slice(1)).toEqual([
      'dead fail shop://child handler_failed',
      'actor.crashed shop://child',
      'actor.escalated shop://child',
      'actor.crashed shop://parent',
      'actor.stopped shop://child',
      'actor.restarted shop://parent',
    ])
    await system.close()
  })

  test('the parent’s word comes before the child’s own policy', async () => {
    const { system, child, starts } = await family({
      child: { onFailure: 'escalate' },
      parent: { onFailure: 'restart' },
      onChildFailure: () => 'resume',
    })
    const first = child()!
    first.tell({ type: 'add', cents: 3 })
    first.tell(fail())
    expect(await first.ask({ type: 'total' })).toBe(3)
    expect(starts()).toBe(1)
    await system.close()
  })

  test('what onStop throws is a fact, and changes nothing else', async () => {
    const system = await startSystem()
    const ref = system.spawn(
      (): Behavior<Till> => ({
        ...till(),
        async onStop() {
          await Promise.resolve()
          throw new Error('cannot tidy up')
        },
      }),
    )
    ref.tell(fail())
    expect(await ref.ask({ type: 'total' })).toBe(0)
    expect(await system.stop(ref)).toBe('stopped')
    await system.flush()
    const crashes = await collect(
      system.papyra.listEvents({ type: 'actor.crashed', where: { during: 'stop' } }),
    )
    expect(crashes.map(({ payload }) => payload)).toMatchObject([
      { decision: 'restart' },
      { decision: 'stop' },
    ])
    await system.close()
  })

  test('an actor that is told to stop while its handler runs is not restarted', async () => {
    const system = await startSystem()
    const signals: boolean[] = []
    const ref = system.spawn(
      (): Behavior<{ type: 'work' }> => ({
        async receive(_, { signal }) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          signals.push(signal.aborted)
          throw new Error('interrupted')
        },
      }),
    )
    const work = ref.ask({ type: 'work' }).catch((error: { reason: string }) => error.reason)
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(await system.stop(ref)).toBe('stopped')
    expect([await work, signals]).toEqual(['handler_failed', [true]])
    await system.close()
  })
})
