import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PapyraError, type Backend, type BackendDefinition } from '@papyra/contracts'
import { jsonBackend } from '@papyra/backend-json'
import { memoryBackend, openPapyra, type Drop } from '@papyra/core'
import type { Behavior } from '@papyra/actors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, startSystem, till, until, type Till } from './fixtures/kit.js'

/** A store whose appends can be made to fail, or to wait. */
function faulty(sound: BackendDefinition) {
  const fault = { dead: false, waiting: null as Promise<void> | null, refused: 0 }
  const append = async (store: Backend, facts: Parameters<Backend['append']>[0]) => {
    if (fault.waiting !== null) await fault.waiting
    if (fault.dead) {
      fault.refused += facts.length
      throw new PapyraError('write_failed', 'The disk is gone.')
    }
    return store.append(facts)
  }
  const backend: BackendDefinition = {
    ...sound,
    async open(options) {
      const store = await sound.open(options)
      return new Proxy(store, {
        get(target, name) {
          if (name === 'append') return (facts: never) => append(target, facts)
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
  return { backend, fault }
}

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-actors-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const BACKENDS = {
  memory: () => memoryBackend(),
  json: () => jsonBackend({ path: join(dir, `${Math.random()}.ndjson`), ack: 'flushed' }),
}

describe.each(Object.entries(BACKENDS))('over %s', (_, make) => {
  test('dead for a while: actors go on, and every fact is accounted for', async () => {
    const sound = make()
    const { backend, fault } = faulty(sound)
    const drops: Drop[] = []
    const system = await startSystem({ backend, hooks: { onDrop: (drop) => drops.push(drop) } })
    const ref = system.spawn(till, { supervision: { onFailure: 'resume' } })
    let sum = 0
    for (let i = 0; i < 300; i += 1) {
      fault.dead = i >= 100 && i < 200
      ref.tell({ type: 'add', cents: i })
      ref.tell({ type: 'fail', message: 'each failure is two facts' })
      sum += i
      expect(await ref.ask({ type: 'total' })).toBe(sum)
      await system.papyra.intake.flush()
    }
    const { facts, hookFailures } = system.stats()
    expect(fault.refused).toBe(200)
    expect(facts.dropped.store_failed).toBe(200)
    expect(drops.reduce((all, { records }) => all + records, 0)).toBe(200)
    expect(facts.accepted).toBe(facts.written + facts.waiting + facts.dropped.store_failed)
    expect(hookFailures).toBe(0)
    const { facts: last } = await system.close()
    expect(last).toMatchObject({ accepted: 2 + 600 + 2, written: 404, waiting: 0 })
    const papyra = await openPapyra({ systemId: 'shop', backend: sound })
    expect(await collect(papyra.list())).toHaveLength(404)
    await papyra.close()
  })

  test('slow until the intake is full: actors do not wait, and the rest is counted', async () => {
    const sound = make()
    const { backend, fault } = faulty(sound)
    const system = await startSystem({ backend, intake: { capacity: 50, batch: 10 } })
    const ref = system.spawn(till, { name: 'till', mailbox: { capacity: 1000 } })
    await ref.ask({ type: 'total' })
    await system.flush()
    let go = (): void => {}
    fault.waiting = new Promise((resolve) => {
      go = resolve
    })
    for (let i = 0; i < 200; i += 1) system.tell('shop://nobody', { type: 'lost' })
    for (let i = 0; i < 500; i += 1) ref.tell({ type: 'add', cents: 1 })
    expect(await ref.ask({ type: 'total' })).toBe(500)
    const during = system.stats()
    expect(during.deadLetters).toBe(200)
    expect(during.facts).toMatchObject({ accepted: 52, waiting: 50, dropped: { full: 150 } })
    fault.waiting = null
    go()
    const { facts } = await system.close()
    expect(facts).toMatchObject({ accepted: 54, written: 54, waiting: 0, dropped: { full: 150 } })
    const papyra = await openPapyra({ systemId: 'shop', backend: sound })
    expect(await collect(papyra.list())).toHaveLength(54)
    await papyra.close()
  })
})

test('closing waits for room: no last fact and no dead letter is dropped', async () => {
  const backend = memoryBackend()
  const system = await startSystem({ backend, intake: { capacity: 400 } })
  const parent = system.spawn((context): Behavior<{ type: 'go' }> => {
    for (let i = 0; i < 300; i += 1) context.spawn(till)
    return { receive: () => new Promise(() => {}) }
  })
  await until(() => system.actors().filter(({ state }) => state === 'running').length === 301)
  await system.flush()
  const busy = system.spawn(
    (): Behavior<Till> => ({
      receive: (_, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', resolve)),
    }),
  )
  for (let i = 0; i < 1001; i += 1) busy.tell({ type: 'add', cents: i })
  expect(parent.isAlive).toBe(true)
  await until(() => system.info(busy).waiting === 1000)
  const { facts, deadLetters, abandoned } = await system.close()
  expect({ deadLetters, abandoned }).toEqual({ deadLetters: 1000, abandoned: 0 })
  expect(facts.dropped.full).toBe(0)
  expect(facts).toMatchObject({ accepted: 2 + 302 * 2 + 1000, written: 1606 })
})

test('hooks that throw, reject or never end harm nobody', async () => {
  let calls = 0
  const bad = (): unknown => {
    calls += 1
    if (calls % 3 === 0) throw new Error('hook')
    return calls % 3 === 1 ? Promise.reject(new Error('hook')) : new Promise(() => {})
  }
  const hooks = {
    onEvent: bad,
    onDeadLetter: bad,
    onFailure: bad,
    onAudit: bad,
    onStartup: bad,
    onDrop: bad,
  }
  const system = await startSystem({ hooks, intake: { capacity: 1 } })
  const ref = system.spawn(till)
  ref.tell({ type: 'fail', message: 'no' })
  ref.tell({ type: 'add', cents: 3 })
  expect(await ref.ask({ type: 'total' })).toBe(3)
  system.audit()
  await until(() => system.stats().hookFailures === calls - Math.floor((calls + 1) / 3))
  expect(calls).toBeGreaterThan(6)
  await system.close()
})

test('audits, on demand and regularly', async () => {
  const system = await startSystem({ auditEveryMs: 2 })
  const parent = system.spawn(
    (context): Behavior<{ type: 'go' }> => {
      context.spawn(till)
      return { receive: () => {} }
    },
    { name: 'parent' },
  )
  await parent.ask({ type: 'go' })
  system.tell('shop://nobody', { type: 'lost' })
  expect(system.audit()).toMatchObject({
    totalActors: 2,
    aliveActors: 2,
    stoppingActors: 0,
    restartingActors: 0,
    registrySize: 1,
    registryOrphans: [],
    registryDead: [],
    deadLettersCount: 1,
  })
  let audits = 0
  while (audits < 3) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    await system.flush()
    audits = (await collect(system.papyra.listAudits())).length
  }
  await system.close()
})
