import { isPapyraError, type BackendDefinition } from '@papyra/contracts'
import { memoryBackend, openPapyra } from '@papyra/core'
import { ActorSystem, DeliveryError, type Behavior, type StopReason } from '@papyra/actors'
import { describe, expect, test } from 'vitest'
import { AT_ONCE, collect, startSystem, story, till, until, type Till } from './fixtures/kit.js'

describe('starting', () => {
  test('there is no system before the gate has passed, and none if it refuses', async () => {
    const steps: string[] = []
    const sound = memoryBackend()
    const backend: BackendDefinition = {
      ...sound,
      async open(options) {
        steps.push('opening')
        await new Promise((resolve) => setTimeout(resolve, 20))
        return sound.open(options)
      },
    }
    const hooks = { onStartup: () => steps.push('gate'), onEvent: () => steps.push('fact') }
    const starting = startSystem({ backend, hooks })
    expect(steps).toEqual(['opening'])
    const system = await starting
    expect(steps).toEqual(['opening', 'gate', 'fact'])
    await system.close()
    const refused = ActorSystem.start({ systemId: 'shop', backend, environment: 'production' })
    await expect(refused).rejects.toMatchObject({ code: 'retention_missing' })
  })

  test('a store that is lent stays open; its name is the system’s', async () => {
    const papyra = await openPapyra({ systemId: 'shop', backend: memoryBackend() })
    const system = await ActorSystem.start({ papyra })
    expect(system.systemId).toBe('shop')
    system.spawn(till, { name: 'till' })
    await system.close()
    expect(papyra.state).toBe('open')
    expect((await story(papyra)).at(-1)).toBe('system.stopped null')
    await papyra.close()
    await expect(ActorSystem.start({ papyra })).rejects.toMatchObject({ code: 'closed' })
  })

  test('bad options are refused, and the store is let go', async () => {
    const backend = memoryBackend()
    for (const options of [
      { systemId: 'a b', backend },
      { systemId: 'shop', backend, auditEveryMs: -1 },
      { systemId: 'shop', backend, deadLetters: { maxPayload: 0 } },
    ]) {
      await expect(ActorSystem.start(options)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    await (await ActorSystem.start({ systemId: 'shop', backend })).close()
  })
})

describe('messages', () => {
  test('tell in order, ask with the reply of the handler', async () => {
    const system = await startSystem()
    const ref = system.spawn(till, { name: 'till' })
    expect(ref.tell({ type: 'add', cents: 5 })).toBe(true)
    ref.tell({ type: 'add', cents: 7 })
    expect(await ref.ask({ type: 'total' })).toBe(12)
    expect(await ref.ask({ type: 'later', ms: 1 })).toBe('late')
    await system.close()
  })

  test('an asynchronous handler holds back the next message', async () => {
    const order: string[] = []
    const system = await startSystem()
    type Work = { type: 'slow' } | { type: 'quick' }
    const ref = system.spawn(
      (): Behavior<Work> => ({
        receive: {
          async slow() {
            order.push('slow begins')
            await new Promise((resolve) => setTimeout(resolve, 5))
            order.push('slow ends')
          },
          quick: () => order.push('quick'),
        },
      }),
    )
    ref.tell({ type: 'slow' })
    ref.tell({ type: 'quick' })
    await until(() => order.length === 3)
    expect(order).toEqual(['slow begins', 'slow ends', 'quick'])
    await system.close()
  })

  test('ask ends by time, by signal, by a failure, and by the end of the actor', async () => {
    const system = await startSystem()
    const ref = system.spawn(till, { name: 'till' })
    const slow = (): Promise<string> => ref.ask({ type: 'later', ms: 40 }, { timeoutMs: 5 })
    const error = await slow().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DeliveryError)
    expect(error).toMatchObject({ reason: 'timeout', target: 'shop://till', messageType: 'later' })
    const controller = new AbortController()
    const asked = ref.ask({ type: 'total' }, { signal: controller.signal })
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'aborted' })
    const before = ref.ask({ type: 'total' }, { signal: controller.signal })
    await expect(before).rejects.toMatchObject({ code: 'aborted' })
    const failed = await ref.ask({ type: 'fail', message: 'no' }).catch((e: unknown) => e)
    expect(failed).toMatchObject({ reason: 'handler_failed', cause: { message: 'no' } })
    const queued = ref.ask({ type: 'total' })
    const stopped = system.stop(ref)
    await expect(queued).rejects.toMatchObject({ reason: 'stopped' })
    await stopped
    await expect(ref.ask({ type: 'total' })).rejects.toMatchObject({ reason: 'stopped' })
    await expect(ref.ask({ type: 'total' }, { timeoutMs: -1 })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await system.close()
  })

  test('the sender is known, also after an await through the context', async () => {
    const senders: (string | null)[] = []
    const system = await startSystem()
    const target = system.spawn(
      (): Behavior<{ type: 'hello' }> => ({
        receive: (_, { sender }) => senders.push(sender?.address ?? null),
      }),
    )
    const greeter = system.spawn(
      (): Behavior<{ type: 'go' }> => ({
        async receive(_, context) {
          target.tell({ type: 'hello' })
          await Promise.resolve()
          context.tell(target, { type: 'hello' })
          await context.ask(target, { type: 'hello' })
          target.tell({ type: 'hello' })
        },
      }),
      { name: 'greeter' },
    )
    await greeter.ask({ type: 'go' })
    await until(() => senders.length === 4)
    expect(senders).toEqual(['shop://greeter', 'shop://greeter', 'shop://greeter', null])
    await system.close()
  })

  test('timers and input get their turn while actors keep each other busy', async () => {
    const system = await startSystem()
    let handled = 0
    const ring = system.spawn(
      (): Behavior<{ type: 'again' }> => ({
        receive(_, { self }) {
          handled += 1
          self.tell({ type: 'again' })
        },
      }),
    )
    ring.tell({ type: 'again' })
    const seen: number[] = []
    for (let i = 0; i < 5; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      seen.push(handled)
    }
    expect(new Set(seen).size).toBe(5)
    // By asks too, where each turn is a microtask of its own.
    const echo = system.spawn((): Behavior<{ type: 'echo' }> => ({ receive: () => (handled += 1) }))
    let ticks = 0
    const timer = setInterval(() => (ticks += 1), 1)
    while (ticks < 3) await echo.ask({ type: 'echo' })
    clearInterval(timer)
    await system.close()
  })
})

describe('the tree', () => {
  test('children stop first, and the facts say so', async () => {
    const system = await startSystem()
    const stops: string[] = []
    const leaf = (name: string) => (): Behavior<Till> => ({
      ...till(),
      onStop: (_, reason) => stops.push(`${name} ${reason}`),
    })
    const parent = system.spawn(
      (context): Behavior<Till> => {
        context.spawn(leaf('a'), { name: 'a' })
        context.spawn(leaf('b'), { name: 'b' })
        return { ...till(), onStop: (_, reason) => stops.push(`parent ${reason}`) }
      },
      { name: 'parent' },
    )
    await parent.ask({ type: 'total' })
    expect(system.names().toSorted()).toEqual(['a', 'b', 'parent'])
    expect(system.info(parent)).toMatchObject({ children: 2, state: 'running', handled: 1 })
    expect(await system.stop(parent)).toBe('stopped')
    expect(stops).toEqual(['a parent_stopped', 'b parent_stopped', 'parent stopped'])
    await system.flush()
    expect((await story(system.papyra)).slice(-3)).toEqual([
      'actor.stopped shop://a',
      'actor.stopped shop://b',
      'actor.stopped shop://parent',
    ])
    expect(system.actors()).toEqual([])
    await system.close()
  })

  test('a watcher hears of an end once, in its order, and at once of one long ended', async () => {
    const heard: string[] = []
    const system = await startSystem()
    const watched = system.spawn(till, { name: 'watched' })
    const other = system.spawn(till, { name: 'other' })
    type Watch = { type: 'watch' } | { type: 'unwatch' }
    const watcher = system.spawn(
      (): Behavior<Watch> => ({
        receive: {
          watch(_, context) {
            context.watch(watched)
            context.watch(watched)
            context.watch(other)
          },
          unwatch: (_, context) => context.unwatch(other),
        },
        onTerminated: ({ address, reason }) => heard.push(`${address} ${reason}`),
      }),
    )
    await watcher.ask({ type: 'watch' })
    await watcher.ask({ type: 'unwatch' })
    await system.stop(other)
    await system.stop(watched)
    await until(() => heard.length === 1)
    await watcher.ask({ type: 'watch' })
    await until(() => heard.length === 3)
    expect(heard).toEqual([
      'shop://watched stopped',
      'shop://watched stopped',
      'shop://other stopped',
    ])
    await system.close()
  })

  test('names are unique, can be changed, and are free again after the end', async () => {
    const system = await startSystem()
    const ref = system.spawn(till, { name: 'till' })
    expect(() => system.spawn(till, { name: 'till' })).toThrow('An actor named `till` exists.')
    expect(() => system.spawn(till, { name: '$x' })).toThrow()
    system.rename(ref, 'desk')
    expect([ref.name, ref.address]).toEqual(['desk', 'shop://desk'])
    expect(system.find('till')).toBeNull()
    expect(system.find('desk')).toBe(ref)
    expect(system.resolve(`shop://${ref.id}`)).toBe(ref)
    expect(() => system.resolve('other://desk')).toThrow()
    await system.stop(ref)
    system.spawn(till, { name: 'desk' })
    await system.flush()
    const [renamed] = await collect(system.papyra.listEvents({ type: 'actor.renamed' }))
    expect(renamed).toMatchObject({ actor: 'shop://till', payload: { from: 'till', to: 'desk' } })
    await system.close()
  })
})

describe('closing', () => {
  test('the last facts are stored before it returns', async () => {
    const backend = memoryBackend()
    const system = await startSystem({ backend })
    const ref = system.spawn(till, { name: 'till' })
    await ref.ask({ type: 'total' })
    const report = await system.close()
    expect(report).toMatchObject({ abandoned: 0, deadLetters: 0 })
    expect(report.facts).toMatchObject({ accepted: 4, written: 4, waiting: 0 })
    expect(() => system.spawn(till)).toThrow('closing or closed')
    const papyra = await openPapyra({ systemId: 'shop', backend })
    expect(await story(papyra)).toEqual([
      'system.started null',
      'actor.started shop://till',
      'actor.stopped shop://till',
      'system.stopped null',
    ])
    await papyra.close()
  })

  test('an actor that does not end is abandoned, its messages are dead letters', async () => {
    const backend = memoryBackend()
    const system = await startSystem({ backend })
    let reason: StopReason | null = null
    const stuck = system.spawn(
      (): Behavior<{ type: 'wait' }> => ({ receive: () => new Promise(() => {}) }),
      { name: 'stuck' },
    )
    const asked = stuck.ask({ type: 'wait' }).catch((error: unknown) => error)
    stuck.tell({ type: 'wait' })
    void stuck.whenStopped().then((ended) => (reason = ended))
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(await system.close({ graceMs: 5 })).toMatchObject({ abandoned: 1, deadLetters: 2 })
    expect(await asked).toMatchObject({ reason: 'abandoned' })
    expect(reason).toBe('abandoned')
    const papyra = await openPapyra({ systemId: 'shop', backend })
    expect((await story(papyra)).slice(2)).toEqual([
      'dead wait shop://stuck abandoned',
      'dead wait shop://stuck abandoned',
      'actor.stopped shop://stuck',
      'system.stopped null',
    ])
    await papyra.close()
  })

  test('a message after the end is counted and told, though no store is there to keep it', async () => {
    const letters: string[] = []
    const hooks = { onDeadLetter: (letter: { reason: string }) => letters.push(letter.reason) }
    const system = await startSystem({ hooks, supervision: AT_ONCE })
    const ref = system.spawn(till, { name: 'till' })
    await system.close()
    expect(ref.tell({ type: 'add', cents: 1 })).toBe(false)
    expect(system.tell('shop://nobody', { type: 'add' })).toBe(false)
    expect(letters).toEqual(['closed', 'closed'])
    expect(system.stats()).toMatchObject({ deadLetters: 2, facts: { dropped: { closed: 2 } } })
    const error = await ref.ask({ type: 'total' }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: 'closed' })
    expect(isPapyraError(error)).toBe(false)
  })
})
