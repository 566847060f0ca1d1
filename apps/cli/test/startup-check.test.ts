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
