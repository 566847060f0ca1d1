import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { DRILLS } from '@papyra/doctor'
import { describe, expect, test } from 'vitest'
import { DRILL_NAMES } from '../src/args/doctor.js'
import { startOwner } from './fixtures/owner-process.js'
import { papyra } from './fixtures/process.js'
import { FILE_BACKENDS, makeStore } from './fixtures/stores.js'
import { World } from './fixtures/world.js'

test('the command offers the drills that there are', () => {
  expect(DRILL_NAMES).toEqual(DRILLS)
})

describe.each(FILE_BACKENDS)('%s', (use) => {
  test('the process that compacts is killed in the middle, and the store is sound', async () => {
    const world = new World()
    const path = await makeStore(world, use, 400)
    const argv = ['doctor', 'drill', 'kill-during-compaction', '--path', path, '--rounds', '1']
    const { code, stdout, stderr } = await papyra([...argv, '--json'], {
      cwd: world.dir,
      env: { PATH: process.env['PATH'] ?? '' },
    })
    expect(code, stderr + stdout).toBe(0)
    const { report } = JSON.parse(stdout) as { report: { drills: object[] } }
    expect(report).toMatchObject({ verdict: 'pass', original: { unchanged: true } })
    expect(report.drills).toMatchObject([{ state: 'pass', reason: null }])
    const [{ did }] = report.drills as [{ did: string[] }]
    expect(did.length).toBeGreaterThan(0)
    for (const what of did) expect(what).toMatch(/was killed \d+ ms after its first trace$/)
  })
})

test('a report is kept and signed, verifies, and does not once it is edited', async () => {
  const world = new World()
  const path = await makeStore(world, 'json', 50)
  expect((await world.run('doctor', 'keygen', '--out', 'ops.pem')).code).toBe(0)
  expect(statSync(world.path('ops.pem')).mode & 0o777).toBe(0o600)
  expect((await world.run('doctor', 'keygen', '--out', 'ops.pem')).code).toBe(64)
  const drill = ['doctor', 'drill', 'truncate', '--path', path, '--seed', '3'] as const
  const done = await world.run(...drill, '--key', 'ops.pem')
  expect(done.code, done.stderr).toBe(0)
  expect(done.stdout).toMatch(/^\[pass\] truncate +150 records: \d+ kept, \d+ lost; recovered in /m)
  expect(done.stdout).toMatch(/^original: unchanged {2}records up to 50 sha256 [0-9a-f]{64}$/m)
  const [name = ''] = readdirSync(world.path('papyra-reports'))
  const file = world.path('papyra-reports', name)
  const verify = (...more: string[]) => world.run('doctor', 'drill', 'verify', file, ...more)
  expect((await verify('--public-key', 'ops.pub.pem')).code).toBe(0)
  const other = await world.run('doctor', 'keygen', '--out', 'other.pem')
  expect(other.code).toBe(0)
  expect((await verify('--public-key', 'other.pub.pem')).code).toBe(1)
  const text = readFileSync(file, 'utf8')
  const lost = /"lost": (\d+)/.exec(text)
  writeFileSync(file, text.replace(lost?.[0] ?? '', '"lost": 0'))
  const edited = await verify()
  expect(edited.code).toBe(1)
  expect(edited.stdout).toContain('it was edited')
})

test('without a key the report says that nobody signed it; a key that others read is refused', async () => {
  const world = new World()
  const path = await makeStore(world, 'json', 20)
  const drill = ['doctor', 'drill', 'truncate', '--path', path, '--rounds', '1'] as const
  const unsigned = await world.run(...drill, '--reports', 'kept')
  expect(unsigned.code).toBe(0)
  expect(unsigned.stdout).toMatch(/^report {2}\S+ {2}\(Nobody signed it\.\)$/m)
  const [name = ''] = readdirSync(world.path('kept'))
  const verified = await world.run('doctor', 'drill', 'verify', world.path('kept', name), '--json')
  expect(verified.code).toBe(1)
  expect(verified.json().report).toMatchObject({ state: 'unsigned' })
  world.write('open.pem', 'anything')
  const open = await world.run(...drill, '--key', 'open.pem')
  expect(open.code).toBe(78)
  expect(open.stderr).toContain('chmod 600')
  expect((await world.run('doctor', 'drill', 'truncat', '--path', path)).code).toBe(64)
  expect((await world.run('doctor', 'drill', 'verify')).code).toBe(64)
  expect((await world.run(...drill, '--full', '--sample', '1MB')).code).toBe(64)
})

test('where nothing can be mounted a limit on files makes the disk full; without that it is unknown', async () => {
  const world = new World()
  const path = await makeStore(world, 'json', 50)
  const drill = async (folder: string, ...programs: string[]) => {
    mkdirSync(world.path(folder))
    for (const name of programs) {
      const found = execFileSync('/bin/sh', ['-c', `command -v ${name}`])
        .toString()
        .trim()
      symlinkSync(found, world.path(folder, name))
    }
    const argv = ['doctor', 'drill', 'disk-full', '--path', path, '--json']
    const done = await papyra(argv, { cwd: world.dir, env: { PATH: world.path(folder) } })
    expect(done.code, done.stderr).toBe(0)
    return (JSON.parse(done.stdout) as { report: { drills: object[] } }).report.drills
  }
  expect(await drill('limited', 'flock', 'prlimit')).toMatchObject([
    {
      state: 'pass',
      did: [expect.stringMatching(/[1-9]\d* facts .* on a limit on the size of files/)],
    },
  ])
  expect(await drill('bare', 'flock')).toMatchObject([{ state: 'unknown', did: [] }])
})

test('the gate says go, keeps a report, and the checklist knows of both; a mode that ignores is no go', async () => {
  const world = new World()
  const path = await makeStore(world, 'rotation', 40, { maxRecords: 15 })
  const config = { systemId: 'test', backend: { use: 'rotation', dir: path }, reports: './kept' }
  world.write('papyra.config.json', { ...config, retention: { maxRecords: 15 } })
  const gate = await world.run('doctor', 'gate', '--out', 'release.json')
  expect(gate.code, gate.stdout).toBe(0)
  expect(gate.stdout).toMatch(/^go {2}6 passed, 0 to look at, 0 failed, 0 unknown$/m)
  const [name = ''] = readdirSync(world.path('kept'))
  expect(readFileSync(world.path('release.json'), 'utf8')).toBe(
    readFileSync(world.path('kept', name), 'utf8'),
  )
  const tried = await world.run('doctor', 'checklist', '--only', 'release', '--json')
  expect(tried.json().report).toMatchObject({ checks: [{ id: 'release.gate', state: 'pass' }] })
  const applied = await world.run('doctor', 'gate', '--apply', '--json')
  expect(applied.json()).toMatchObject({ schema: 'papyra.gate/1', report: { applied: true } })
  const inspect = await world.run('persistence', 'inspect', '--json')
  expect(inspect.json().report).toMatchObject({ metrics: { totals: { recordsStored: 15 } } })
  world.write('papyra.config.json', { ...config, startup: { mode: 'scan_only' } })
  const refused = await world.run('doctor', 'gate')
  expect(refused.code).toBe(1)
  expect(refused.stdout).toMatch(/^\[fail\] gate\.startup /m)
  expect((await world.run('doctor', 'gate', '--path', world.path('no.ndjson'))).code).toBe(66)
})

test.each(FILE_BACKENDS)(
  'beside a busy owner of a %s store the gate goes by it, and the owner compacts',
  async (use) => {
    const world = new World()
    const path = world.path(use === 'json' ? 'shop.ndjson' : 'shop')
    const owner = await startOwner(use, path)
    await owner.tell('record 60')
    await owner.tell('write')
    const { code, stdout, stderr, json } = await world.run(
      'doctor',
      'gate',
      '--path',
      path,
      '--apply',
      '--json',
    )
    await owner.tell('stop')
    expect(code, stderr + stdout).toBe(0)
    const { checks } = json().report as { checks: { id: string; evidence: string }[] }
    expect(checks.find(({ id }) => id === 'gate.compaction')?.evidence).toMatch(
      /^Applied: \d{2,} records/,
    )
    await owner.tell('close')
    expect((await world.run('persistence', 'scan', '--path', path)).code).toBe(0)
  },
)
