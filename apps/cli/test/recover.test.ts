import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { jsonBackend } from '@papyra/backend-json'
import { expect, test } from 'vitest'
import { append, damage, makeLog } from './fixtures/logs.js'
import { seed, ticks, World } from './fixtures/world.js'

const recover = (world: World, path: string, ...more: string[]) =>
  world.run('persistence', 'recover', '--path', path, ...more)
const scanCode = async (world: World, path: string) =>
  (await world.run('persistence', 'scan', '--path', path)).code
const seqs = async (world: World, path: string) =>
  (await world.run('inspect', 'events', '--path', path, '--json')).lines().map(({ seq }) => seq)

test('a sound log: nothing to do, not a byte changed', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  const before = readFileSync(path)
  const { code, stdout } = await recover(world, path)
  expect(code).toBe(0)
  expect(stdout).toContain('nothing to recover')
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('a torn tail is mended, what was cut is kept aside, and an append follows', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  append(path, '{"seq":6,"kind":"ev')
  const { code, stdout, stderr } = await recover(world, path)
  expect(code).toBe(0)
  expect(stderr).toMatch(/found: .*torn_tail/)
  expect(stderr).toMatch(/plan: .*set aside 19 B, mode repair/)
  expect(stdout).toMatch(/recovered .*5 records kept, 19 B set aside/)
  const aside = /kept aside: (.*)/.exec(stdout)?.[1] ?? ''
  expect(readFileSync(aside, 'utf8')).toContain('{"seq":6,"kind":"ev')
  expect(await scanCode(world, path)).toBe(0)
  await seed(jsonBackend({ path }), (papyra) => ticks(papyra, 1))
  expect(await seqs(world, path)).toEqual([1, 2, 3, 4, 5, 6])
  const second = await recover(world, path)
  expect(second.stdout).toContain('nothing to recover')
})

test('a dry run changes nothing and exits as the real run would', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  append(path, 'x')
  const before = readFileSync(path)
  const { code, stdout } = await recover(world, path, '--dry-run')
  expect(code).toBe(0)
  expect(stdout).toContain('nothing was changed')
  expect(readFileSync(path).equals(before)).toBe(true)
  expect(await scanCode(world, path)).toBe(2)
  damage(path, 2)
  expect((await recover(world, path, '--dry-run')).code).toBe((await recover(world, path)).code)
})

test('a lost record needs a consent: 2 without it, recorded for ever with it', async () => {
  const world = new World()
  const path = await makeLog(world, 10)
  damage(path, 4)
  const before = readFileSync(path)
  const refused = await recover(world, path)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('accept_loss_required')
  expect(refused.stderr).toContain('--accept-loss')
  expect(readFileSync(path).equals(before)).toBe(true)
  const { code, json } = await recover(world, path, '--accept-loss', '--json')
  expect(code).toBe(0)
  expect(json()).toMatchObject({
    schema: 'papyra.recover/1',
    report: {
      changed: true,
      losses: [{ seq: { first: 4, last: 4 }, records: 1 }],
      after: { clean: true },
    },
  })
  const scan = await world.run('persistence', 'scan', '--path', path)
  expect(scan.code).toBe(0)
  expect(scan.stderr).toContain('earlier recoveries recorded 1 record as lost, in 1 entry')
  const inspect = await world.run('persistence', 'inspect', '--path', path, '--show-metrics')
  expect(inspect.stdout).toMatch(/lost: 1 record, seq 4/)
  expect(inspect.stdout).toMatch(/papyra\.record\.lost +counter +1/)
  expect(await seqs(world, path)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10])
})

test('quarantine needs a folder, and copies the whole originals there', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  append(path, 'x')
  const original = readFileSync(path)
  expect((await recover(world, path, '--mode', 'quarantine')).code).toBe(78)
  const folder = world.path('q')
  const { code } = await recover(world, path, '--mode', 'QUARANTINE', '--quarantine-dir', 'q')
  expect(code).toBe(0)
  const copies = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const same = copies.filter(({ parentPath, name }) =>
    readFileSync(`${parentPath}/${name}`).equals(original),
  )
  expect(same).toHaveLength(1)
})

test('on a terminal it asks; no leaves everything as it was', async () => {
  const world = new World({ answers: ['no'] })
  const path = await makeLog(world, 5)
  append(path, 'x')
  const before = readFileSync(path)
  expect((await recover(world, path)).code).toBe(130)
  expect(world.questions).toEqual([`Recover ${path} in repair mode? [y/N] `])
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('a living owner: 75, named; scan and a reading startup-check work beside it', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  await seed(jsonBackend({ path }), async () => {
    const { code, stderr } = await recover(world, path, '--wait-lock', '20ms')
    expect(code).toBe(75)
    expect(stderr).toContain(String(process.pid))
    expect((await world.run('persistence', 'startup-check', '--path', path)).code).toBe(0)
    expect(await scanCode(world, path)).toBe(0)
    expect((await world.run('metrics', 'reset', '--path', path, '--wait-lock', '20ms')).code).toBe(
      75,
    )
    const inspect = await world.run('persistence', 'inspect', '--path', path)
    expect(inspect.stdout).toMatch(new RegExp(`owner +pid ${process.pid} `))
  })
  expect((await recover(world, path)).code).toBe(0)
})

test('startup-check refuses a damaged log, and recovers when told to', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  append(path, 'x')
  const check = (...more: string[]) =>
    world.run('persistence', 'startup-check', '--path', path, ...more)
  const refused = await check('--mode', 'fail_on_anomaly')
  expect(refused.code).toBe(1)
  expect(refused.stdout).toMatch(/^must not start .*\n.*torn_tail/)
  expect(refused.stdout).toContain('papyra persistence recover')
  expect((await check('--mode', 'scan_only')).code).toBe(0)
  expect((await check('--mode', 'ignore')).code).toBe(0)
  const recovered = await check('--mode', 'recover', '--recovery-mode', 'repair')
  expect(recovered.code).toBe(0)
  expect(recovered.stdout).toContain('kept aside')
  expect((await check()).code).toBe(0)
})

test('startup-check that may not accept a loss: 1, and says why', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  damage(path, 2)
  const argv = ['persistence', 'startup-check', '--path', path, '--mode', 'recover', '--json']
  const { code, json } = await world.run(...argv)
  expect(code).toBe(1)
  expect(json().report).toMatchObject({ allowed: false, code: 'accept_loss_required' })
  expect((await world.run(...argv, '--accept-loss')).code).toBe(0)
  expect(existsSync(path)).toBe(true)
})

test('a plan is carried out as it was shown; once anything came between it is stale', async () => {
  const world = new World()
  const path = await makeLog(world, 10)
  damage(path, 4)
  const dry = await recover(world, path, '--dry-run', '--accept-loss')
  const [, command = ''] = /to carry it out: {2}papyra (.*)/.exec(dry.stdout) ?? []
  expect(command).toMatch(/ --plan r1\.repair\.[0-9a-f]{16} --accept-loss/)
  const carryOut = () => world.run(...command.split(' '))
  damage(path, 7)
  const damaged = readFileSync(path)
  const stale = await carryOut()
  expect(stale.code).toBe(75)
  expect(stale.stderr).toContain('stale_plan')
  expect(readFileSync(path).equals(damaged)).toBe(true)

  const again = await recover(world, path, '--dry-run', '--accept-loss', '--json')
  const { plan } = again.json().report as { plan: { id: string } }
  const wrong = await recover(world, path, '--plan', plan.id.slice(0, -1))
  expect([wrong.code, wrong.stderr]).toEqual([64, expect.stringContaining('invalid_argument')])
  const mode = ['--mode', 'quarantine', '--quarantine-dir', 'q']
  expect((await recover(world, path, '--plan', plan.id, ...mode)).code).toBe(64)
  const asked = await recover(world, path, '--plan', plan.id)
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('accept_loss_required')])
  const done = await recover(world, path, '--plan', plan.id, '--accept-loss')
  expect(done.code, done.stderr).toBe(0)
  expect(await seqs(world, path)).toEqual([1, 2, 3, 5, 6, 8, 9, 10])
  expect((await recover(world, path, '--plan', plan.id, '--accept-loss')).code).toBe(75)
})
