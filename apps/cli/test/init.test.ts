import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig } from '@papyra/core'
import { expect, test } from 'vitest'
import { settingsShown as shown, World } from './fixtures/world.js'

test.each(['json', 'js', 'ts'])('init writes a configuration that is valid: %s', async (format) => {
  const world = new World()
  const { code } = await world.run('init', '--format', format, '--path', './data/shop.ndjson')
  expect(code).toBe(0)
  const file = world.path(`papyra.config.${format}`)
  if (format === 'ts') {
    const plain = readFileSync(file, 'utf8')
      .replace(/^import.*\n/, '')
      .replace('defineConfig(', '(')
    world.write('papyra.config.ts', plain)
  }
  const settings = await shown(world)
  expect(settings.get('startup.mode')).toEqual({ value: 'fail_on_anomaly', origin: file })
  expect(settings.get('retention.maxAgeSeconds')?.value).toBe(2_592_000)
  expect(settings.get('backend.path')?.value).toBe('./data/shop.ndjson')
  if (format === 'json') parseConfig(JSON.parse(readFileSync(file, 'utf8')), file)
  const again = await world.run('init', '--format', format)
  expect(again.code).toBe(64)
  expect(again.stderr).toContain('is there already')
})

test.each([
  ['json', ['--backend', 'rotation'], './data/papyra'],
  ['js', ['--path', './data/shop/'], './data/shop/'],
  ['json', ['--backend', 'Rotation', '--path', './data/shop'], './data/shop'],
])('init writes a rotation store with its segments stated: %s %j', async (format, argv, dir) => {
  const world = new World()
  const { code, json } = await world.run('init', '--format', format, ...argv, '--json')
  expect(code).toBe(0)
  expect(json().report).toMatchObject({ path: dir, backend: { use: 'rotation', dir } })
  const settings = await shown(world)
  expect(settings.get('backend.use')?.value).toBe('rotation')
  expect(settings.get('backend.dir')?.value).toBe(dir)
  expect(settings.get('backend.segment')?.value).toMatchObject({ maxBytes: 67_108_864 })
  expect((await world.run('persistence', 'create')).code).toBe(0)
  expect((await world.run('persistence', 'startup-check')).code).toBe(0)
})

test('init leaves no file behind where it cannot write', async () => {
  const world = new World()
  world.cwd = world.path('nowhere')
  const { code } = await world.run('init')
  expect(code).toBe(74)
  expect(existsSync(join(world.dir, 'nowhere'))).toBe(false)
})
