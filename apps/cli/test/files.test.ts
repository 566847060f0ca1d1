import { existsSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { jsonBackend } from '@papyra/backend-json'
import { expect, test } from 'vitest'
import { damage, makeLog } from './fixtures/logs.js'
import { CapturedSink, seed, ticks, World } from './fixtures/world.js'
import { PLAIN } from './fixtures/plain.js'

test('create, create again, create if absent', async () => {
  const world = new World()
  const path = world.path('new.ndjson')
  const create = (...more: string[]) => world.run('persistence', 'create', '--path', path, ...more)
  expect((await create()).code).toBe(0)
  expect((await create()).code).toBe(64)
  expect((await create('--if-absent')).code).toBe(0)
  expect((await world.run('persistence', 'startup-check', '--path', path)).code).toBe(0)
  expect((await world.run('inspect', 'events', '--path', path)).stdout).toBe('')
})

test('compact shrinks a real file, scans clean, and is told by metrics and history', async () => {
  const world = new World()
  const path = await makeLog(world, 300)
  const before = statSync(path).size
  const { code, json } = await world.run(
    'persistence',
    'compact',
    '--path',
    path,
    '--max-records',
    '50',
    '--json',
  )
  expect(code).toBe(0)
  expect(json().report).toMatchObject({
    changed: true,
    verified: true,
    records: { before: 300, after: 50 },
  })
  expect(statSync(path).size).toBeLessThan(before / 3)
  expect((await world.run('persistence', 'scan', '--path', path)).code).toBe(0)
  const { stdout } = await world.run('persistence', 'inspect', '--path', path)
  expect(stdout).toMatch(/compaction +\d+ +250/)
  expect(stdout).toMatch(/compacted through +300/)
  const metrics = (await world.run('metrics', 'persistence', '--path', path, '--json')).json()
    .report
  expect(metrics['totals']).toMatchObject({ compactions: 1, recordsDropped: 250 })
})

test('compact refuses a damaged log: 2, nothing changed', async () => {
  const world = new World()
  const path = await makeLog(world, 10)
  damage(path, 3)
  const before = readFileSync(path)
  const { code, stderr } = await world.run(
    'persistence',
    'compact',
    '--path',
    path,
    '--max-records',
    '5',
  )
  expect(code).toBe(2)
  expect(stderr).toContain('anomalies_found')
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('totals are kept across processes; a reset takes nothing from them', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  const metrics = async () =>
    (await world.run('metrics', 'persistence', '--path', path, '--json')).json().report
  expect((await metrics())['totals']).toMatchObject({ recordsWritten: 5 })
  expect((await world.run('metrics', 'reset', '--path', path)).code).toBe(0)
  expect(await metrics()).toMatchObject({
    totals: { recordsWritten: 5 },
    sinceReset: { recordsWritten: 0 },
  })
})

test('damage in a log is passed over by a listing, told, and ends it with 2', async () => {
  const world = new World()
  const path = await makeLog(world, 10)
  const offset = damage(path, 3)
  const { code, stderr, lines } = await world.run('inspect', 'events', '--path', path, '--json')
  expect(code).toBe(2)
  expect(stderr).toContain(`damage passed over: ${path}:${offset}`)
  expect(lines().map(({ seq }) => seq)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10])
})

test('damage under a retention policy: everything that can be read is shown', async () => {
  const world = new World()
  const path = await makeLog(world, 10, { maxRecords: 4 })
  damage(path, 9)
  const { code, lines } = await world.run('inspect', 'events', '--path', path, '--json')
  expect(code).toBe(2)
  expect(lines().map(({ seq }) => seq)).toEqual(expect.arrayContaining([7, 8, 10]))
})

test('plain lines are listed and upgraded; numbers keep every digit, the original is kept', async () => {
  const world = new World()
  const path = world.write('plain.ndjson', PLAIN)
  const events = await world.run('inspect', 'events', '--path', path, '--target', 'local:1')
  expect(events.stdout).toContain('{"big": 12345678901234567890}')
  const letters = await world.run(
    'inspect',
    'dead-letters',
    '--path',
    path,
    '--target',
    'local:2',
    '--json',
  )
  expect(letters.lines()).toHaveLength(1)
  const check = await world.run('persistence', 'startup-check', '--path', path)
  expect(check.code).toBe(0)
  expect(check.stderr).toContain('upgrade')
  const dry = await world.run('persistence', 'upgrade', '--path', path, '--dry-run')
  expect(dry.code).toBe(0)
  expect(readFileSync(path, 'utf8')).toBe(PLAIN)
  const { code, stdout } = await world.run('persistence', 'upgrade', '--path', path)
  expect(code).toBe(0)
  const kept = /the original is kept as (.*)/.exec(stdout)?.[1] ?? ''
  expect(readFileSync(kept, 'utf8')).toBe(PLAIN)
  expect((await world.run('persistence', 'scan', '--path', path)).stdout).toContain(
    'every byte verified',
  )
  const after = await world.run('inspect', 'events', '--path', path, '--json')
  expect(after.stdout).toContain('12345678901234567890')
})

test('upgrade to another file leaves the original alone', async () => {
  const world = new World()
  const path = world.write('plain.ndjson', PLAIN)
  const { code } = await world.run('persistence', 'upgrade', '--path', path, '--out', 'new.ndjson')
  expect(code).toBe(0)
  expect(readFileSync(path, 'utf8')).toBe(PLAIN)
  expect(existsSync(world.path('new.ndjson'))).toBe(true)
  expect((await world.run('persistence', 'scan', '--path', 'new.ndjson')).code).toBe(0)
})

test('cron: an empty environment, working directory /, configuration in /etc/papyra', async () => {
  const world = new World()
  const path = await makeLog(world, 20)
  world.write('etc/papyra/papyra.config.json', {
    backend: { use: 'json', path },
    retention: { max_records: 5 },
  })
  world.cwd = '/'
  for (const line of [
    'persistence scan',
    'persistence startup-check --mode fail_on_anomaly',
    'persistence compact',
    'persistence scan',
    'persistence startup-check --mode recover --recovery-mode repair',
    'metrics persistence',
  ]) {
    const { code, stderr } = await world.run(...line.split(' '))
    expect(code, `${line}: ${stderr}`).toBe(0)
  }
})

test('an operation that is stopped ends with 130 and leaves the store as it was', async () => {
  const controller = new AbortController()
  const world = new World({ signal: controller.signal })
  const path = await makeLog(world, 50)
  const before = readFileSync(path)
  controller.abort()
  for (const line of ['scan', 'compact --max-records 5', 'recover', 'startup-check']) {
    const { code } = await world.run('persistence', ...line.split(' '), '--path', path)
    expect(code, line).toBe(130)
  }
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('--follow goes on over a compaction of a living owner: every new record once, in order', async () => {
  const world = new World()
  const path = await makeLog(world, 20)
  await seed(jsonBackend({ path, ack: 'flushed' }), async (papyra) => {
    const stdout = new CapturedSink()
    const argv = ['inspect', 'events', '--path', path, '--follow', '--limit', '50', '--json']
    const running = world.runWith({ stdout }, ...argv)
    for (let last = 20; last <= 40; last += 10) {
      while (!stdout.text.includes(`"seq":${last},`)) await delay(10)
      await papyra.compact({ policy: { maxRecords: 10 } })
      await ticks(papyra, 10)
    }
    const { code } = await running
    const seqs = [...stdout.text.matchAll(/^\{"schema":"papyra.record\/1","seq":(\d+)/gm)].map(
      ([, seq]) => Number(seq),
    )
    expect(code).toBe(0)
    expect(seqs).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
  })
})

test('records of an unknown kind count against retention, are never hidden, and stop no listing', async () => {
  const world = new World({ env: { PAPYRA_MAX_RECORDS: '3' } })
  const event = (n: number) =>
    `{"kind": "event", "system_id": "s", "actor_address": "a", "event_type": "t", "payload": ${n}, "timestamp": 176838032${n}.5}`
  const other = '{"kind": "metric", "system_id": "s", "timestamp": 1768380329.5}'
  const path = world.write(
    'mixed.ndjson',
    `${[event(1), event(2), other, event(3), event(4)].join('\n')}\n`,
  )
  const seqs = async (...more: string[]) =>
    (await world.run('inspect', 'events', '--path', path, '--json', ...more))
      .lines()
      .map(({ seq }) => seq)
  expect(await seqs()).toEqual([4, 5])
  expect(await seqs('--reverse')).toEqual([5, 4])
  expect(await seqs('--reverse', '--limit', '9')).toEqual([5, 4])
  expect(await seqs('--all')).toEqual([1, 2, 4, 5])
  const { json } = await world.run('inspect', 'summary', '--path', path, '--json')
  expect(json().report).toMatchObject({
    records: 3,
    kinds: expect.arrayContaining([expect.objectContaining({ kind: 'metric', records: 1 })]),
  })
})
