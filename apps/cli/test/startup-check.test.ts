import { jsonBackend } from '@papyra/backend-json'
import { memoryBackend } from '@papyra/core'
import { expect, test } from 'vitest'
import { seed, ticks, World } from './fixtures/world.js'

async function sound(more: object = {}, env: Record<string, string> = {}): Promise<World> {
  const world = new World({ env })
  const backend = memoryBackend()
  await seed(backend, (papyra) => ticks(papyra, 3))
  world.configure(backend, more)
  return world
}

const check = (world: World, ...more: string[]) =>
  world.run('persistence', 'startup-check', ...more)

test('a sound store may start, in every mode and spelling', async () => {
  const world = await sound()
  for (const mode of [
    'ignore',
    'SCAN_ONLY',
    'scan-only',
    'fail_on_anomaly',
    'FAIL-ON-ANOMALY',
    'recover',
  ]) {
    const { code, stdout } = await check(world, '--mode', mode)
    expect(code, mode).toBe(0)
    expect(stdout).toContain('may start')
  }
  expect((await check(world, '--mode', 'recover', '--recovery-mode', 'repair')).code).toBe(0)
  const { json } = await check(world, '--json')
  expect(json()).toMatchObject({
    schema: 'papyra.startup-check/1',
    ok: true,
    exitCode: 0,
    report: { allowed: true, mode: 'fail_on_anomaly', scan: { clean: true } },
  })
})

test('a missing store is 66, and allowed only by --allow-new', async () => {
  const world = new World()
  world.configure(memoryBackend())
  expect((await check(world)).code).toBe(66)
  const { code, stdout } = await check(world, '--allow-new')
  expect(code).toBe(0)
  expect(stdout).toContain('no store yet')
  expect((await check(world)).code).toBe(66)
})

test('production refuses ignore and a missing retention, whoever says it is production', async () => {
  const retention = { retention: { maxRecords: 100 } }
  expect(
    (await check(await sound({ environment: 'production', ...retention }), '--mode', 'ignore'))
      .code,
  ).toBe(78)
  expect((await check(await sound({ environment: 'production' }))).code).toBe(78)
  expect((await check(await sound({ environment: 'production', ...retention }))).code).toBe(0)
  expect((await check(await sound({}, { NODE_ENV: 'production' }))).code).toBe(78)
  expect((await check(await sound({}, { PAPYRA_ENVIRONMENT: 'Production' }))).code).toBe(78)
  expect(
    (await check(await sound({ environment: 'staging' }, { NODE_ENV: 'production' }))).code,
  ).toBe(0)
  const { stderr } = await check(
    await sound({ environment: 'production' }),
    '--mode',
    'ignore',
    '--json',
  )
  expect(stderr).toBe('')
})

test('quarantine without a folder is 78', async () => {
  const { code, stderr } = await check(
    await sound(),
    '--mode',
    'recover',
    '--recovery-mode',
    'quarantine',
  )
  expect(code).toBe(78)
  expect(stderr).toContain('quarantine_dir_required')
})

test('another log than the expected one may not start', async () => {
  const { code, stdout } = await check(await sound({ expectLogId: 'another' }))
  expect(code).toBe(1)
  expect(stdout).toContain('must not start')
})

test('modes of the configuration hold where no flag says otherwise', async () => {
  const { json } = await check(await sound({ startup: { mode: 'scan_only' } }), '--json')
  expect(json().report['mode']).toBe('scan_only')
})

test('everything is verified, unless since-clean is asked for and allowed; it says which', async () => {
  const world = new World()
  const backend = jsonBackend({ path: world.path('shop.ndjson') })
  await seed(backend, (papyra) => ticks(papyra, 300))
  const at = ['--path', world.path('shop.ndjson')]
  expect((await check(world, ...at)).stdout).toContain('  full: every byte was read\n')
  const quick = await check(world, ...at, '--since-clean')
  expect(quick.code).toBe(0)
  expect(quick.stdout).toMatch(
    / {2}since-clean: nothing was left out, last verified .*Z \(\d+ s ago\)\n/,
  )
  const { json } = await check(world, ...at, '--since-clean', '--json')
  expect(json().report).toMatchObject({
    scan: { coverage: 'quick', unread: { files: 0, bytes: 0 } },
    depth: { asked: 'since-clean', done: 'since-clean' },
  })
  const old = await check(world, ...at, '--since-clean', '--max-verified-age', '0s')
  expect(old.stdout).toMatch(/ {2}since-clean: read everything: it was last verified .*longer ago/)
  expect((await check(world, ...at, '--since-clean', '--full')).code).toBe(64)
  world.configure(backend, { startup: { depth: 'since-clean' } })
  expect((await check(world)).stdout).toContain('since-clean: nothing')
  expect((await check(world, '--full')).stdout).toContain('full: every byte')
})
