import { existsSync, readFileSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { damage, makeLog } from './fixtures/logs.js'
import { World } from './fixtures/world.js'
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
