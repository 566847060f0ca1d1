import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeStore } from './fixtures/stores.js'
import { rawCodePoints } from './fixtures/raw.js'
import { settingsShown, World } from './fixtures/world.js'

const segmentsIn = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.ndjson'))
    .sort()

test('a path that ends in / makes a rotation store; the folder is one from then on', async () => {
  const world = new World()
  const create = (...more: string[]) =>
    world.run('persistence', 'create', '--path', world.path('new/'), ...more)
  const first = await create('--json')
  expect(first.code, first.stderr).toBe(0)
  expect(first.json().report).toMatchObject({ created: true, location: world.path('new') })
  expect((await create()).code).toBe(64)
  expect((await create('--if-absent')).code).toBe(0)
  for (const path of ['new', 'new/', world.path('new')]) {
    const { json, code } = await world.run('persistence', 'scan', '--path', path, '--json')
    expect(code).toBe(0)
    expect(json().report).toMatchObject({ backend: 'rotation', clean: true, records: 0 })
  }
})

test('PAPYRA_PATH names a folder of segments, too', async () => {
  const env: Record<string, string> = {}
  const world = new World({ env })
  env['PAPYRA_PATH'] = world.path('data/')
  expect((await settingsShown(world)).get('backend.use')).toEqual({
    value: 'rotation',
    origin: 'PAPYRA_PATH',
  })
})

test('a folder that holds no store: 66, not a new store', async () => {
  const world = new World()
  mkdirSync(world.path('empty'))
  for (const path of ['empty', 'empty/', 'missing/']) {
    expect((await world.run('persistence', 'scan', '--path', path)).code, path).toBe(66)
  }
  expect(readdirSync(world.path('empty'))).toEqual([])
})

test('every command works on segments, and upgrade says that there is nothing to upgrade', async () => {
  const world = new World()
  const path = await makeStore(world, 'rotation', 35)
  expect(segmentsIn(path)).toHaveLength(4)
  for (const line of [
    'persistence scan',
    'persistence startup-check',
    'persistence startup-check --mode recover --recovery-mode repair',
    'persistence recover --dry-run',
    'persistence recover',
    'persistence inspect --show-metrics',
    'persistence segments',
    'persistence compact --max-records 30 --dry-run',
    'persistence compact --max-records 30 --throttle 10MB',
    'persistence scan',
    'metrics persistence',
    'metrics reset',
    'inspect events',
    'inspect summary',
    'config show --origin',
  ]) {
    const { code, stderr } = await world.run(...line.split(' '), '--path', path)
    expect(code, `${line}: ${stderr}`).toBe(0)
  }
  const events = async (...more: string[]) =>
    (await world.run('inspect', 'events', '--path', path, '--json', ...more))
      .lines()
      .map(({ seq }) => seq)
  expect(await events()).toEqual(Array.from({ length: 30 }, (_, index) => index + 6))
  expect(await events('--reverse', '--limit', '2')).toEqual([35, 34])
  const upgrade = await world.run('persistence', 'upgrade', '--path', path)
  expect(upgrade.code).toBe(64)
  expect(upgrade.stderr).toContain('The backend rotation has no plain logs to upgrade')
})

test('a missing segment is told with its numbers, recorded only with consent, and shown for ever', async () => {
  const world = new World()
  const path = await makeStore(world, 'rotation', 35)
  rmSync(join(path, segmentsIn(path)[1] ?? ''))
  const scan = await world.run('persistence', 'scan', '--path', path)
  expect(scan.code).toBe(2)
  expect(scan.stdout).toMatch(/missing_segment +\S+ +11-20/)
  expect(scan.stdout).toContain('persistence recover --accept-loss')
  expect((await world.run('persistence', 'startup-check', '--path', path)).code).toBe(1)
  expect((await world.run('persistence', 'recover', '--path', path)).code).toBe(2)
  const recover = await world.run('persistence', 'recover', '--accept-loss', '--path', path)
  expect(recover.code, recover.stderr).toBe(0)
  const inspect = await world.run('persistence', 'inspect', '--path', path)
  expect(inspect.stdout).toMatch(/lost: 10 records, seq 11-20, missing_segment/)
})

test('a damaged segment: inspect and segments still answer, and say that compaction would refuse', async () => {
  const world = new World()
  const path = await makeStore(world, 'rotation', 35, { maxRecords: 18 })
  const name = join(path, segmentsIn(path)[1] ?? '')
  const bytes = readFileSync(name)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x10
  writeFileSync(name, bytes)
  for (const command of ['inspect', 'segments']) {
    const { code, stdout, stderr } = await world.run('persistence', command, '--path', path)
    expect(code, stderr).toBe(0)
    expect(stdout + stderr).toContain('anomalies_found')
  }
})

test('options of segments are read in either spelling, and unknown ones refused with what was meant', async () => {
  const world = new World()
  const segment = { max_records: 10, maxBytes: 1_000_000 }
  world.write('papyra.config.json', { backend: { use: 'rotation', dir: 'data', segment } })
  expect((await world.run('persistence', 'create')).code).toBe(0)
  expect((await settingsShown(world)).get('backend.segment')?.value).toEqual({
    maxRecords: 10,
    maxBytes: 1_000_000,
  })
  expect(segmentsIn(world.path('data'))).toHaveLength(1)
  for (const [wrong, meant] of [
    [{ segment: { maxByte: 1 } }, /segment\.maxByte.*maxBytes/],
    [{ segments: {} }, /segments.*segment/],
    [{ segment: { maxRecords: 0 } }, /maxRecords/],
    [{ path: 'x' }, /path/],
  ] as const) {
    world.write('papyra.config.json', { backend: { use: 'rotation', dir: 'data', ...wrong } })
    const { code, stderr } = await world.run('persistence', 'scan')
    expect(code, stderr).toBe(78)
    expect(stderr).toMatch(meant)
  }
})

test('a hostile name of a folder reaches no terminal raw', async () => {
  const world = new World()
  const dir = `${world.path('\u001b[31m\u202eevil')}/`
  for (const words of [
    'create',
    'scan',
    'segments',
    'inspect',
    'compact --max-records 5 --dry-run',
  ]) {
    const { code, stdout, stderr } = await world.run(
      'persistence',
      ...words.split(' '),
      '--path',
      dir,
    )
    expect(code, stderr).toBe(0)
    expect(rawCodePoints(stdout + stderr)).toEqual([])
    expect(stdout).toContain('\\u001b[31m\\u202eevil')
  }
})
