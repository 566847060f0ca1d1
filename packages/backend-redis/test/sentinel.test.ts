import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisBackend, type RedisBackendOptions } from '../src/index.js'
import { begun, event, failure, seqsOf, until } from './support/stores.js'
import { startWatched, tell, type Watched } from './support/topology.js'

let watched: Watched
let stores = 0

beforeAll(async () => {
  watched = await startWatched()
})
afterAll(() => watched.stop())

function options(more: Partial<RedisBackendOptions> = {}): RedisBackendOptions {
  const { name, sentinels } = watched
  stores += 1
  return { system: `s${stores}`, sentinel: { name, sentinels }, ...more }
}

test('the death of a master: nothing that all replicas confirmed is lost, and what may be is told', async () => {
  const definition = redisBackend(options({ ack: 'replicated(2)', confirmTimeoutMs: 1000 }))
  expect(definition.location).toMatch(/^redis\+sentinel:\/\/shop\/0\/\{papyra:s\d\}$/)
  const writer = await begun(definition)
  const confirmed = new Map<number, number>()
  // Stored, but not by as many as were asked for: two replicas are one after a failover.
  const told = new Map<number, number>()
  const problems: { readonly code: string; readonly details: Record<string, number> }[] = []
  let n = 0
  let goesOn = true
  const caller = async (): Promise<void> => {
    while (goesOn) {
      n += 1
      const mine = n
      try {
        confirmed.set((await writer.append([event(mine)])).firstSeq, mine)
      } catch (error) {
        const problem = error as (typeof problems)[0]
        if (problem.code !== 'under_replicated') {
          problems.push(problem)
          return
        }
        told.set(Number(problem.details['firstSeq']), mine)
      }
    }
  }
  const callers = Array.from({ length: 4 }, caller)
  await until(async () => problems.length > 0 || confirmed.size > 50)
  expect(problems).toEqual([])
  const old = await watched.master()
  await old.kill9()
  const before = told.size
  await until(async () => problems.length > 0 || told.size > before)
  goesOn = false
  await Promise.all(callers)
  // Each sentinel learns of it in its own time.
  await until(async () => (await watched.master()).port !== old.port)
  // Sentinels may choose twice: what only the first new master has is lost, and none of it was confirmed.
  for (const { code, details } of problems) {
    expect(code).toBe('store_replaced')
    for (let seq = Number(details['firstSeq']); seq <= Number(details['lastSeq']); seq++) {
      expect(confirmed.has(seq)).toBe(false)
    }
  }
  const stored = new Map<number, number>()
  const reader = await definition.open({ access: 'read' })
  for await (const { seq, json } of reader.read()) {
    stored.set(seq, (JSON.parse(json) as { payload: { n: number } }).payload.n)
  }
  expect([...confirmed].filter(([seq, what]) => stored.get(seq) !== what)).toEqual([])
  expect(new Set(stored.values()).size).toBe(stored.size)
  expect([...stored.keys()]).toEqual(Array.from({ length: stored.size }, (_, at) => at + 1))
  await reader.close()
  await writer.close()
  // It comes back as a replica of the new master.
  await old.start()
  await until(async () => {
    const role: unknown = await tell(old.port, 'ROLE').catch(() => null)
    return String(role).startsWith('slave')
  })
})

test('an orderly failover under appends: the writer follows, nothing is lost or doubled', async () => {
  const settings = options()
  const writer = await begun(redisBackend(settings))
  await writer.append([event(1), event(2)])
  const [sentinel] = watched.sentinels
  const before = (await watched.master()).port
  await until(() =>
    tell(sentinel?.port ?? 0, 'SENTINEL', 'FAILOVER', watched.name).then(
      () => true,
      () => false,
    ),
  )
  let n = 2
  const more = async (): Promise<void> => {
    n += 1
    await writer.append([event(n)])
  }
  while ((await watched.master()).port === before) await more()
  for (let i = 0; i < 20; i++) await more()
  expect(await seqsOf(writer)).toEqual(Array.from({ length: n }, (_, at) => at + 1))
  expect((await writer.scan()).anomalies).toEqual([])
  await writer.close()
})

test('a lent client that goes by sentinels is used in the same way', async () => {
  const { name, sentinels } = watched
  const client = new Redis({ name, sentinels: [...sentinels], lazyConnect: true })
  const lent = redisBackend({ system: 'lent', client })
  const writer = await begun(lent)
  await writer.append([event(1)])
  expect(await seqsOf(writer)).toEqual([1])
  await writer.close()
  client.disconnect()
})

test('a name that no sentinel knows, and sentinels that are gone, have clear codes and no secrets', async () => {
  const { sentinels } = watched
  const common = { failoverTimeoutMs: 300, password: 'hush-hush' }
  const wrong = redisBackend({ system: 's', ...common, sentinel: { name: 'nobody', sentinels } })
  const unknown = await failure(wrong.open({ access: 'read' }))
  expect(unknown).toMatchObject({ code: 'backend_unsuitable' })
  const nowhere = [{ host: '127.0.0.1', port: 1 }]
  const gone = redisBackend({
    system: 's',
    ...common,
    sentinel: { name: 'shop', sentinels: nowhere },
  })
  const silent = await failure(gone.open({ access: 'read' }))
  expect(silent).toMatchObject({ code: 'backend_not_ready' })
  expect(JSON.stringify([unknown, silent, String(unknown), String(silent)])).not.toContain('hush')
})
