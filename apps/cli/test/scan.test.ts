import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { append, damage, makeLog, recordAt, remove } from './fixtures/logs.js'
import { PLAIN } from './fixtures/plain.js'
import { World } from './fixtures/world.js'

const scan = (world: World, path: string, ...more: string[]) =>
  world.run('persistence', 'scan', '--path', path, ...more)

test('a sound log is clean, and says how much was verified', async () => {
  const world = new World()
  const path = await makeLog(world, 20)
  const { code, stdout, stderr } = await scan(world, path)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^clean .*shop\.ndjson\n {2}20 records, .*seq 1-20.*every byte verified/)
  const { json } = await scan(world, path, '--json')
  expect(json()).toMatchObject({
    schema: 'papyra.scan/1',
    ok: true,
    exitCode: 0,
    report: {
      clean: true,
      location: path,
      records: 20,
      lastSeq: 20,
      coverage: 'full',
      anomalies: [],
    },
  })
})

test('damage is told with its place, its meaning, and the command that comes next', async () => {
  const world = new World()
  const path = await makeLog(world, 20)
  const offset = damage(path, 7)
  const { length } = recordAt(path, 8)
  const { code, stdout } = await scan(world, path)
  expect(code).toBe(2)
  expect(stdout).toMatch(/^1 anomaly .*1 corrupt_record/)
  expect(stdout).toContain(`corrupt_record  ${path}:${offset}+${length}  7 `)
  expect(stdout).toContain('Bytes do not match their checksum')
  expect(stdout).toContain('repair:     The bytes are taken out and kept aside')
  expect(stdout).toContain(`papyra persistence recover --accept-loss --path ${path}   #`)
  const { json } = await scan(world, path, '--json')
  expect(json()).toMatchObject({
    ok: false,
    exitCode: 2,
    report: {
      clean: false,
      anomalies: [{ code: 'corrupt_record', path, offset, seq: { first: 7, last: 7 } }],
    },
  })
})

test('a torn tail needs no consent', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  append(path, '{"seq":6,"kind":"ev')
  const { code, stdout } = await scan(world, path)
  expect(code).toBe(2)
  expect(stdout).toContain('torn_tail')
  expect(stdout).toContain(`papyra persistence recover --path ${path}   #`)
})

test('a long list is cut, its counts are whole', async () => {
  const world = new World()
  const path = await makeLog(world, 120)
  for (let seq = 2; seq <= 100; seq += 2) remove(path, seq)
  const short = await scan(world, path)
  expect(short.code).toBe(2)
  expect(short.stdout.match(/^sequence_gap {2}/gm)).toHaveLength(20)
  expect(short.stdout).toMatch(/and 3\d more/)
  const three = await scan(world, path, '--max-anomalies', '3')
  expect(three.stdout.match(/^sequence_gap {2}/gm)).toHaveLength(3)
})

test('--quiet says nothing of a sound log and one line of a damaged one', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  const sound = await scan(world, path, '--quiet')
  expect(sound).toMatchObject({ code: 0, stdout: '', stderr: '' })
  damage(path, 3)
  const { code, stdout, stderr } = await scan(world, path, '--quiet')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test.each<[string, (path: string) => void, number]>([
  ['no such file', () => {}, 66],
  ['a folder', (path) => mkdirSync(path), 66],
  [
    'a file of another format',
    (path) => writeFileSync(path, '\u0000\u0001 not a log \u001b[2J\n'),
    66,
  ],
])('%s', async (_name, make, expected) => {
  const world = new World()
  const path = world.path('x.ndjson')
  make(path)
  const { code, stdout, stderr } = await scan(world, path)
  expect([expected, 2]).toContain(code)
  expect(stdout + stderr).not.toContain('\u001b')
  if (expected === 66 && code === 66) expect(stderr).toContain(path)
})

test.each(['/dev/null', '/dev/zero', '/proc/self/mem', '/dev/stdin', '/tmp'])(
  '%s is no log',
  async (path) => {
    expect([66, 74]).toContain((await scan(new World(), path)).code)
  },
)

test('a missing sidecar is an anomaly, not a crash', async () => {
  const world = new World()
  const path = await makeLog(world, 5)
  rmSync(`${path}.meta.json`)
  const { code, stdout } = await scan(world, path)
  expect(code).toBe(2)
  expect(stdout).toContain('sidecar_missing')
})

test('the plain lines of another program: structure alone, and upgrade is named', async () => {
  const world = new World()
  const path = world.write('plain.ndjson', PLAIN)
  const { code, stdout, stderr } = await scan(world, path)
  expect(code).toBe(0)
  expect(stdout).toContain('structure only')
  expect(stderr).toContain('papyra persistence upgrade')
})
