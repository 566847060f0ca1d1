import { expect, test } from 'vitest'
import { World } from './fixtures/world.js'

/** A third party's package with a backend on core's, whose name it is made with. */
const CUSTOM = `
import { createRequire } from 'node:module'
export function papyraBackend(options, { folder }) {
  globalThis.papyraMade = { options, folder }
  return {
    name: 'custom', location: 'custom:' + options.name,
    capabilities: { compaction: false },
    async open() { throw Object.assign(new Error('unreachable'), { syscall: 'connect', errno: -111 }) },
  }
}
`
const made = () => (globalThis as { papyraMade?: { options: unknown; folder: string } }).papyraMade

function installed(world: World, manifest: object): void {
  world.write('node_modules/@acme/papyra-x/package.json', {
    name: '@acme/papyra-x',
    version: '1.0.0',
    type: 'module',
    ...manifest,
  })
  world.write('node_modules/@acme/papyra-x/lib/main.js', CUSTOM)
}

test.each([
  ['exports with default', { exports: { '.': { default: './lib/main.js' } } }],
  ['exports for import alone', { exports: { '.': { import: './lib/main.js' } } }],
  ['exports as text', { exports: './lib/main.js' }],
  ['main', { main: './lib/main.js' }],
])('a third party’s package is found from the configuration: %s', async (_name, manifest) => {
  const world = new World()
  installed(world, manifest)
  world.write('papyra.config.json', { backend: { use: '@acme/papyra-x', options: { name: 'n' } } })
  const { code, stderr } = await world.run('persistence', 'scan')
  expect(stderr).toContain('unreachable')
  expect(code).toBe(74)
  expect(made()).toEqual({ options: { name: 'n' }, folder: world.dir })
})

test('a file beside the configuration is a backend, too', async () => {
  const world = new World()
  world.write('conf/my-backend.mjs', CUSTOM)
  world.write('conf/papyra.config.json', { backend: { use: './my-backend.mjs', name: 'mine' } })
  const { code } = await world.run('persistence', 'scan', '--config', 'conf/papyra.config.json')
  expect(code).toBe(74)
  expect(made()).toEqual({ options: { name: 'mine' }, folder: world.path('conf') })
})

test.each([
  ['@acme/not-there', /npm install @acme\/not-there/],
  ['./not-there.js', /no such file/],
])('backend %s that is not installed: 69 with the line to install it', async (use, line) => {
  const world = new World()
  world.write('papyra.config.json', { backend: { use } })
  const { code, stderr } = await world.run('persistence', 'scan')
  expect(code).toBe(69)
  expect(stderr).toContain('backend_not_installed')
  expect(stderr).toMatch(line)
})

test('a module that is no backend is an invalid configuration', async () => {
  const world = new World()
  world.write('none.mjs', 'export const x = 1')
  world.write('wrong.mjs', 'export const papyraBackend = () => ({})')
  for (const use of ['./none.mjs', './wrong.mjs']) {
    world.write('papyra.config.json', { backend: { use } })
    expect((await world.run('persistence', 'scan')).code).toBe(78)
  }
})

test('what a backend cannot do is a usage error, not a silent no-op', async () => {
  const world = new World()
  world.write('my.mjs', CUSTOM)
  world.write('papyra.config.json', { backend: { use: './my.mjs' } })
  for (const command of ['compact', 'upgrade', 'create']) {
    const { code, stderr } = await world.run('persistence', command)
    expect(code).toBe(64)
    expect(stderr).toContain('unsupported')
  }
})

test('the memory backend has no store to begin with', async () => {
  const world = new World()
  world.write('papyra.config.json', { backend: { use: 'memory' } })
  expect((await world.run('persistence', 'scan')).code).toBe(66)
})
