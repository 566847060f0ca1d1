import { chmodSync } from 'node:fs'
import { openConsumerGroup } from '@papyra/backend-redis/consumer-groups'
import { redisBackend } from '@papyra/backend-redis'
import { openPapyra } from '@papyra/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, startRedis, type RedisServer } from './fixtures/redis.js'
import { World } from './fixtures/world.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const SECRET = 'hunter2-very-secret'
let stores = 0

/** A store with so many events and an audit, closed; the command finds it through the environment. */
async function filled(count = 10): Promise<{ readonly world: World; readonly system: string }> {
  stores += 1
  const system = `cli-${stores}`
  const papyra = await openPapyra({
    systemId: system,
    backend: redisBackend({ url: server.url, system }),
    create: 'if-missing',
  })
  for (let n = 1; n <= count; n += 1) {
    await papyra.recordEvent({ type: 'order.placed', payload: { n } })
  }
  await papyra.close()
  const world = new World({ env: { PAPYRA_REDIS_URL: server.url, PAPYRA_SYSTEM: system } })
  return { world, system }
}

/** A group that has handled the first three and holds two more. */
async function stuck(system: string): Promise<string> {
  const group = await openConsumerGroup({
    store: { url: server.url, system },
    kind: 'event',
    group: 'mail',
  })
  await group.ensure({ start: 'oldest' })
  let consumer = ''
  for (const [count, acks] of [
    [3, true],
    [2, false],
  ] as const) {
    let taken = 0
    for await (const one of group.consume({ consumer: 'c', batch: count, claimEveryMs: 0 })) {
      consumer = one.consumer
      if (acks) await one.ack()
      taken += 1
      if (taken === count) break
    }
  }
  await group.close()
  return consumer
}

describe('a store on a server', () => {
  test('is scanned, checked, described, listed, counted and compacted like any other', async () => {
    const { world, system } = await filled()
    for (const words of [
      ['persistence', 'scan'],
      ['persistence', 'startup-check', '--mode', 'fail_on_anomaly'],
      ['persistence', 'inspect', '--show-metrics'],
      ['persistence', 'recover', '--yes'],
      ['metrics', 'persistence'],
      ['inspect', 'summary'],
      ['inspect', 'audits'],
      ['config', 'show', '--origin'],
    ]) {
      const { code, stderr } = await world.run(...words)
      expect([words, code, stderr.includes('error')]).toEqual([words, 0, false])
    }
    const { stdout } = await world.run('inspect', 'events', '--json')
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(10)
    const dry = await world.run(
      'persistence',
      'compact',
      '--max-records',
      '4',
      '--dry-run',
      '--json',
    )
    const plan = dry.json().report['plan'] as { id: string }
    const done = await world.run('persistence', 'compact', '--plan', plan.id, '--json')
    expect(done.json().report).toMatchObject({ records: { before: 10, after: 4 }, verified: true })
    expect((await world.run('persistence', 'scan', '--json')).json().report['records']).toBe(4)
    expect((await world.run('persistence', 'create')).code).toBe(64)
    expect((await world.run('persistence', 'create', '--system', `${system}-new`)).code).toBe(0)
  })

  test('is named by flags over the environment, with its prefix and its system', async () => {
    const { world, system } = await filled(2)
    const named = ['--redis-url', server.url, '--system', system]
    const { world: other } = await filled(5)
    const count = async (...words: string[]) =>
      (await other.run('persistence', 'scan', '--json', ...words)).json().report['records']
    expect(await count()).toBe(5)
    expect(await count(...named)).toBe(2)
    expect((await other.run('persistence', 'scan', ...named, '--redis-prefix', 'else')).code).toBe(
      66,
    )
    expect((await other.run('persistence', 'scan', ...named, '--path', 'x.ndjson')).code).toBe(64)
    const bare = new World({ env: { PAPYRA_REDIS_URL: server.url } })
    const { code, stderr } = await bare.run('persistence', 'scan')
    expect([code, stderr]).toEqual([64, expect.stringContaining('--system')])
    void world
  })

  test('keeps its password out of flags, and a file with it out of the hands of others', async () => {
    const { world, system } = await filled(1)
    const url = `redis://u:${SECRET}@127.0.0.1:${server.port}`
    const flag = await world.run('persistence', 'scan', '--redis-url', url, '--system', system)
    expect(flag.code).toBe(64)
    expect(flag.stderr).toContain('--redis-url-file')
    expect((await world.run('persistence', 'scan', '--path', url)).code).toBe(64)
    const file = world.write('url', `${url}\n`)
    const named = ['--redis-url-file', file, '--system', system]
    expect((await world.run('persistence', 'scan', ...named)).code).toBe(78)
    chmodSync(file, 0o600)
    const denied = await world.run('persistence', 'scan', ...named)
    expect([denied.code, denied.stderr]).toEqual([78, expect.stringContaining('backend_denied')])
    const shown = await world.run('config', 'show', '--origin', ...named)
    const json = await world.run('config', 'show', '--json', ...named)
    for (const { stdout, stderr } of [flag, denied, shown, json]) {
      expect(stdout + stderr).not.toContain(SECRET)
    }
    world.write('url', `${server.url}\n`)
    expect((await world.run('persistence', 'scan', ...named)).code).toBe(0)
  })
})

describe('consumer groups', () => {
  test('are told at the end of a list, and in full by inspect groups', async () => {
    const { world, system } = await filled()
    const consumer = await stuck(system)
    const list = await world.run('inspect', 'events', '--limit', '1')
    expect(list.stderr).toContain('group mail (event): pending 2; waiting 5')
    const { stdout } = await world.run('inspect', 'groups')
    for (const text of ['mail', consumer, 'alive', 'oldest pending', 'most deliveries 1']) {
      expect(stdout).toContain(text)
    }
    const report = (await world.run('inspect', 'groups', '--json')).json().report
    expect(report['groups']).toMatchObject([{ group: 'mail', pending: 2, lag: { records: 5 } }])
    const pending = await world.run('inspect', 'groups', '--group', 'mail', '--pending', '--json')
    expect(pending.json().report).toMatchObject({ pending: [{ seq: 4 }, { seq: 5 }], more: false })
    expect((await world.run('inspect', 'groups', '--group', 'none')).code).toBe(66)
    expect((await world.run('inspect', 'groups', '--kind', 'audit')).stdout).toContain(
      'no consumer',
    )
  })

  test('hold a compaction up, which says so; it goes on where it is told to', async () => {
    const { world, system } = await filled()
    await stuck(system)
    const compact = ['persistence', 'compact', '--max-records', '2']
    const held = await world.run(...compact, '--json')
    expect(held.json().report).toMatchObject({
      records: { after: 7 },
      notices: [{ code: 'held_by_group', count: 5 }],
    })
    const text = await world.run(...compact)
    expect(text.stdout + text.stderr).toContain('mail')
    const told = await world.run(...compact, '--ignore-groups', '--json')
    expect(told.json().report).toMatchObject({
      records: { after: 2 },
      notices: [{ code: 'unhandled_removed', count: 5 }],
    })
    const files = new World()
    const path = ['--path', files.path('a.ndjson')]
    expect((await files.run('persistence', 'create', ...path)).code).toBe(0)
    expect((await files.run(...compact, '--approximate', ...path)).code).toBe(64)
  })

  test('are changed by a plan, or after a question; a stale plan is 75', async () => {
    const { system } = await filled()
    const consumer = await stuck(system)
    const env = { PAPYRA_REDIS_URL: server.url, PAPYRA_SYSTEM: system }
    const world = new World({ env, answers: ['n', 'y', 'y'] })
    const mail = ['--group', 'mail']
    const claim = ['groups', 'claim', ...mail, '--to', 'heir', '--min-idle', '1ms']
    const dry = (await world.run(...claim, '--dry-run', '--json')).json().report
    expect(dry).toMatchObject({ pendingTotal: 2 })
    expect((await world.run(...claim)).code).toBe(130)
    expect((await world.run(...claim)).stdout).toContain('2 records changed hands')
    expect((await world.run('groups', 'claim', '--plan', String(dry['id']))).code).toBe(75)
    const remove = ['groups', 'remove', ...mail, '--consumer', consumer, '--to', 'heir']
    expect((await world.run(...remove)).code).toBe(0)
    expect((await world.run(...remove, '--yes')).code).toBe(66)
    expect((await world.run('groups', 'reset', ...mail, '--after', '0', '--yes')).code).toBe(0)
    const groups = (await world.run('inspect', 'groups', '--json')).json().report['groups']
    expect(groups).toMatchObject([{ lag: { records: 10 }, consumers: [{ name: 'heir' }] }])
    const gone = await world.run('groups', 'remove', ...mail, '--yes', '--json')
    expect(gone.json().report).toMatchObject({ changed: true, forgotten: 2 })
    expect((await world.run('groups', 'reset', ...mail)).code).toBe(64)
    expect((await world.run('groups', 'claim', '--to', 'x')).code).toBe(64)
  })
})

test('a deleted `:meta` is rebuilt by a plan, as it was printed', async () => {
  const { world, system } = await filled(5)
  await server.client.del(`{papyra:${system}}:meta`)
  const gone = await world.run('persistence', 'scan')
  expect([gone.code, gone.stderr]).toEqual([66, expect.stringContaining('recover --accept-loss')])
  expect((await world.run('persistence', 'recover')).code).toBe(2)
  const dry = await world.run('persistence', 'recover', '--accept-loss', '--dry-run')
  expect(await server.client.exists(`{papyra:${system}}:meta`)).toBe(0)
  const [, command = ''] = /to carry it out: {2}papyra (.*)/.exec(dry.stdout) ?? []
  const done = await world.run(...command.split(' '))
  expect(done.code, done.stderr + dry.stdout).toBe(0)
  const scan = await world.run('persistence', 'scan', '--json')
  expect(scan.json().report).toMatchObject({ clean: true, records: 5 })
})

describe('what is wrong with a server', () => {
  const scan = (env: Record<string, string>) => new World({ env }).run('persistence', 'scan')

  test.each([
    ['is down', 69, 'backend_unreachable', async () => `redis://127.0.0.1:${await freePort()}`],
    ['has no such store', 66, 'store_not_found', () => Promise.resolve(server.url)],
    ['is no URL', 78, 'invalid_config', () => Promise.resolve('redis://')],
  ])('%s: %i %s', async (_, exit, code, url) => {
    const { code: ended, stderr } = await scan({
      PAPYRA_REDIS_URL: await url(),
      PAPYRA_SYSTEM: 'no',
    })
    expect([ended, stderr]).toEqual([exit, expect.stringContaining(code)])
  })

  test('a wrong password, no permission, a wrong type, a replica, no memory: each has its code', async () => {
    const { system } = await filled(3)
    const { client, port } = server
    await client.acl('SETUSER', 'poor', 'on', `>${SECRET}`, '~other:*', '+@all')
    const as = (user: string, pass: string) => ({
      PAPYRA_REDIS_URL: `redis://${user}:${pass}@127.0.0.1:${port}`,
      PAPYRA_SYSTEM: system,
    })
    const told: [string, number, string][] = []
    const note = async (
      what: string,
      run: Promise<{ code: number; stdout: string; stderr: string }>,
    ) => {
      const { code, stdout, stderr } = await run
      expect(stdout + stderr).not.toContain(SECRET)
      told.push([what, code, /\b(backend_[a-z_]+)/.exec(stderr)?.[1] ?? stderr])
    }
    await note('password', scan(as('poor', 'wrong')))
    await note('permission', scan(as('poor', SECRET)))
    await client.set('{papyra:odd}:meta', 'text')
    await note('type', scan({ PAPYRA_REDIS_URL: server.url, PAPYRA_SYSTEM: 'odd' }))
    const run = (...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
      new World({ env: { PAPYRA_REDIS_URL: server.url, PAPYRA_SYSTEM: system } }).run(...words)
    const create = ['persistence', 'create', '--system', 'fresh']
    await client.config('SET', 'maxmemory', '1')
    await note('memory', run(...create))
    // What frees memory must not want for it.
    expect((await run('persistence', 'compact', '--max-records', '1', '--yes')).code).toBe(0)
    await client.config('SET', 'maxmemory', '0')
    await client.config('SET', 'replica-serve-stale-data', 'yes')
    await client.replicaof('127.0.0.1', await freePort())
    await note('replica', run(...create))
    await client.replicaof('NO', 'ONE')
    expect(told).toEqual([
      ['password', 78, 'backend_denied'],
      ['permission', 78, 'backend_denied'],
      ['type', 78, 'backend_key_conflict'],
      ['memory', 69, 'backend_refuses_writes'],
      ['replica', 69, 'backend_refuses_writes'],
    ])
  })
})

describe('the doctor of a store on a server', () => {
  test('run: its settings are checks; a deleted record is 1, mended 0', async () => {
    const { world, system } = await filled(5)
    const sound = await world.run('doctor', 'run')
    expect(sound.stdout).toMatch(/^\[pass\] store\.scan +5 records, /m)
    expect(sound.stdout).toMatch(/ redis\.eviction /)
    expect(sound.code).toBe(0)
    await server.client.xdel(`{papyra:${system}}:events`, '3-0')
    const holed = await world.run('doctor', 'run', '--mode', 'fail_on_anomaly')
    expect(holed.code).toBe(1)
    expect(holed.stdout).toMatch(/^\[fail\] store\.scan /m)
    const recover = ['doctor', 'run', '--mode', 'recover', '--recovery-mode', 'repair'] as const
    expect((await world.run(...recover)).code).toBe(2)
    expect((await world.run(...recover, '--accept-loss')).code).toBe(0)
    expect((await world.run('doctor', 'run')).code).toBe(0)
  })

  test('checklist: a group that nobody consumes for is told', async () => {
    const { world, system } = await filled(5)
    await stuck(system)
    const { json } = await world.run('doctor', 'checklist', '--only', 'groups', '--json')
    const checks = (json().report as { checks: { id: string; state: string }[] }).checks
    expect(checks.map(({ id }) => id)).toEqual([
      'groups.pending',
      'groups.abandoned',
      'groups.claimed',
    ])
    expect(checks.filter(({ state }) => state === 'pass' || state === 'skip')).not.toHaveLength(3)
  })
})
