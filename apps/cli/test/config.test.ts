import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs'
import { isPapyraError } from '@papyra/contracts'
import { memoryBackend } from '@papyra/core'
import { expect, test } from 'vitest'
import { findConfig } from '../src/config/discover.js'
import { CapturedSink, settingsShown as shown, World, type WorldOptions } from './fixtures/world.js'

const ioOf = (world: World) => world.io(new CapturedSink(), new CapturedSink())
const found = (world: World, flag?: string) => findConfig(ioOf(world), flag)?.path ?? null

function refusal(world: World): string {
  try {
    findConfig(ioOf(world), undefined)
  } catch (error) {
    if (isPapyraError(error, 'invalid_config')) return `${error.message} ${error.hint}`
    throw error
  }
  throw new Error('it was found')
}

test('places in their order: --config, PAPYRA_CONFIG, upwards, XDG, /etc', () => {
  const env: Record<string, string> = {}
  const world = new World({ env })
  expect(found(world)).toBe(null)
  const etc = world.write('etc/papyra/papyra.config.json', {})
  expect(found(world)).toBe(etc)
  const xdg = world.write('xdg/papyra/papyra.config.json', {})
  env['XDG_CONFIG_HOME'] = world.path('xdg')
  expect(found(world)).toBe(xdg)
  const top = world.write('papyra.config.json', {})
  mkdirSync(world.path('a/b'), { recursive: true })
  world.cwd = world.path('a/b')
  expect(found(world)).toBe(top)
  const near = world.write('a/papyra.config.json', {})
  expect(found(world)).toBe(near)
  const named = world.write('named.json', {})
  env['PAPYRA_CONFIG'] = named
  expect(found(world)).toBe(named)
  const flag = world.write('flag.json', {})
  expect(found(world, '../../flag.json')).toBe(flag)
})

test('the search does not go above the repository', () => {
  const world = new World()
  world.write('papyra.config.json', {})
  mkdirSync(world.path('inner/.git'), { recursive: true })
  world.cwd = world.path('inner')
  expect(found(world)).toBe(null)
})

test('HOME stands in for XDG_CONFIG_HOME; a relative one does not count', () => {
  const env: Record<string, string> = { XDG_CONFIG_HOME: 'xdg' }
  const world = new World({ env })
  world.write('xdg/papyra/papyra.config.json', {})
  expect(found(world)).toBe(null)
  env['HOME'] = world.path('home')
  const file = world.write('home/.config/papyra/papyra.config.json', {})
  expect(found(world)).toBe(file)
})

test('of several side by side TypeScript is taken, and the others are told', async () => {
  const world = new World()
  world.write('papyra.config.json', { systemId: 'json' })
  world.write('papyra.config.js', 'export default { systemId: "js" }')
  const { stderr, json } = await world.run('config', 'show', '--json')
  expect(json().report['file']).toBe(world.path('papyra.config.js'))
  expect(stderr).toContain('these are not: papyra.config.json')
})

const asRoot = (): boolean => process.getuid?.() === 0

test.each<[string, (world: World) => void, WorldOptions?]>([
  ['writable by the group', (world) => chmodSync(world.path('papyra.config.js'), 0o664)],
  ['writable by all', (world) => chmodSync(world.path('papyra.config.js'), 0o646)],
  ['in a folder that others may write', (world) => chmodSync(world.dir, 0o777)],
  [
    'of another user',
    (world) => asRoot() && chownSync(world.path('papyra.config.js'), 4243, 4243),
    asRoot() ? {} : { uid: 4242 },
  ],
])('code %s is not run', (_name, change, options) => {
  const world = new World(options)
  world.write('papyra.config.js', 'throw new Error("it ran")')
  change(world)
  expect(refusal(world)).toMatch(/is not used: .*papyra\.config\.json/)
})

test('code that is reached by a link is judged by what the link leads to', () => {
  const world = new World()
  world.write('shared/real.js', 'export default {}')
  chmodSync(world.path('shared'), 0o777)
  symlinkSync(world.path('shared/real.js'), world.path('papyra.config.js'))
  expect(refusal(world)).toContain(`others may write ${world.path('shared')}`)
})

test('JSON in such a place is read, but names no code of its own', async () => {
  const world = new World()
  world.write('evil.js', 'globalThis.papyraEvil = true')
  world.write('papyra.config.json', { backend: { use: './evil.js' } })
  chmodSync(world.path('papyra.config.json'), 0o666)
  const { code, stderr } = await world.run('persistence', 'scan')
  expect(code).toBe(78)
  expect(stderr).toContain('others may write the configuration')
  expect('papyraEvil' in globalThis).toBe(false)
})

test('a file that is named runs whoever may write it', async () => {
  const world = new World()
  const file = world.write('named.js', 'export default { systemId: "named" }')
  chmodSync(file, 0o666)
  const settings = await shown(world, '--config', 'named.js')
  expect(settings.get('systemId')).toEqual({ value: 'named', origin: file })
})

test('a TypeScript configuration is read, with types and imports', async () => {
  const world = new World()
  world.write('limits.ts', 'export const days = (n: number): number => n * 86_400')
  world.write(
    'papyra.config.ts',
    `import { days } from './limits'\nconst config = { systemId: 'ts', retention: { maxAgeSeconds: days(2) } } satisfies object\nexport default config\n`,
  )
  const settings = await shown(world)
  expect(settings.get('retention.maxAgeSeconds')).toEqual({
    value: 172_800,
    origin: world.path('papyra.config.ts'),
  })
})

test('origin by origin: the environment over the file over defaults', async () => {
  const env = {
    PAPYRA_MAX_RECORDS: '7',
    PAPYRA_STARTUP_MODE: 'SCAN-ONLY',
    NODE_ENV: 'staging',
    PAPYRA_OTHER: 'x',
  }
  const world = new World({ env })
  const file = world.write('papyra.config.json', {
    system_id: 'shop',
    startup: { mode: 'FAIL-ON-ANOMALY', recovery: { quarantine_dir: 'q' } },
    retention: { max_records: 5, max_age_seconds: 60 },
    backend: { use: 'json', path: 'd.ndjson' },
  })
  const settings = await shown(world)
  expect(settings.get('retention.maxRecords')).toEqual({ value: 7, origin: 'PAPYRA_MAX_RECORDS' })
  expect(settings.get('retention.maxAgeSeconds')).toEqual({ value: 60, origin: file })
  expect(settings.get('startup.mode')).toEqual({
    value: 'scan_only',
    origin: 'PAPYRA_STARTUP_MODE',
  })
  expect(settings.get('startup.recovery.mode')).toEqual({ value: 'repair', origin: 'default' })
  expect(settings.get('startup.recovery.quarantineDir')).toEqual({
    value: world.path('q'),
    origin: file,
  })
  expect(settings.get('environment')).toEqual({ value: 'staging', origin: 'NODE_ENV' })
  expect(settings.get('systemId')).toEqual({ value: 'shop', origin: file })
  const { stdout } = await world.run('config', 'show', '--origin')
  expect(stdout).toMatch(/KEY +VALUE +ORIGIN/)
  expect(stdout).toMatch(/retention\.maxRecords +7 +PAPYRA_MAX_RECORDS/)
})

test('--path leaves a configuration for another store alone, unless it is named', async () => {
  const world = new World()
  const file = world.write('papyra.config.json', { retention: { maxRecords: 1 } })
  expect((await shown(world, '--path', 'x.ndjson')).get('retention')).toEqual({
    value: null,
    origin: 'default',
  })
  const both = await shown(world, '--path', 'x.ndjson', '--config', file)
  expect(both.get('retention.maxRecords')?.value).toBe(1)
  expect(both.get('backend.path')).toEqual({ value: world.path('x.ndjson'), origin: '--path' })
})

test.each<[string, string | object, RegExp]>([
  [
    'an unknown key',
    { retention: { maxRecord: 1 } },
    /retention\.maxRecord.*did you mean.*maxRecords/i,
  ],
  ['a limit of zero', { retention: { maxRecords: 0 } }, /retention\.maxRecords/],
  ['a mode that is none', { startup: { mode: 'nope' } }, /startup\.mode/],
  ['no JSON', '{', /cannot be read/],
  ['JSON that is no object', '[]', /an object is needed/],
  ['a key of every object', '{"__proto__": {"retention": {}}}', /unknown key/],
])('%s is an invalid configuration', async (_name, content, message) => {
  const world = new World()
  const file = world.write('papyra.config.json', content)
  const { code, stdout, stderr } = await world.run('config', 'show')
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toContain(file)
  expect(stderr).toMatch(message)
})

test.each([
  ['PAPYRA_MAX_RECORDS', '-1'],
  ['PAPYRA_STARTUP_MODE', 'nope'],
  ['PAPYRA_TIME_BUDGET', '10'],
  ['PAPYRA_CONFIG', '/nowhere/papyra.config.json'],
])('%s=%s is an invalid configuration', async (name, value) => {
  const { code, stderr } = await new World({ env: { [name]: value } }).run('config', 'show')
  expect(code).toBe(78)
  expect(stderr).toContain(name)
})

test('code that throws is an invalid configuration, and says where', async () => {
  const world = new World()
  world.write('papyra.config.js', 'throw new Error("no database\\u001b[31m")')
  const { code, stderr } = await world.run('config', 'show')
  expect(code).toBe(78)
  expect(stderr).toContain('papyra.config.js cannot be read: no database\\u001b[31m')
})

test('with neither path nor configuration: 78, and what to do', async () => {
  const { code, stderr } = await new World().run('persistence', 'scan')
  expect(code).toBe(78)
  expect(stderr).toMatch(/--path FILE.*papyra init/)
})

test('a definition made by code is shown by its place, secrets by no more than their name', async () => {
  const world = new World()
  world.configure(memoryBackend({ name: 'shown' }), { environment: 'test' })
  expect((await shown(world)).get('backend')?.value).toBe('memory memory:shown')
  const other = new World()
  other.write('papyra.config.json', {
    backend: { use: 'redis', url: 'redis://u:hunter2@h', password: 'hunter2' },
  })
  const { stdout } = await other.run('config', 'show', '--origin')
  expect(stdout).not.toContain('hunter2')
  expect((await other.run('config', 'show', '--json')).stdout).not.toContain('hunter2')
  expect(stdout).toContain('redis://u:***@h')
})
