import { expect, test } from 'vitest'
import { makeStore } from './fixtures/stores.js'
import { World } from './fixtures/world.js'

interface Listed {
  readonly path: string
  readonly state: string
  readonly records: number
  readonly hidden: { action: string | null; dropped: { records: number }[] } | null
}

const listed = async (world: World, path: string): Promise<Listed[]> =>
  (await world.run('persistence', 'segments', '--path', path, '--json')).json().report[
    'segments'
  ] as Listed[]

const hiddenOf = (segments: readonly Listed[]): unknown[] =>
  segments.map(({ hidden }) => [
    hidden?.action ?? null,
    hidden?.dropped.reduce((sum, { records }) => sum + records, 0),
  ])

test('segments are listed with what they hold and what retention hides of each', async () => {
  const world = new World()
  const path = await makeStore(world, 'rotation', 35, { maxRecords: 18 })
  const segments = await listed(world, path)
  expect(segments.map(({ state, records }) => [state, records])).toEqual([
    ['sealed', 10],
    ['sealed', 10],
    ['sealed', 10],
    ['active', 5],
  ])
  expect(hiddenOf(segments)).toEqual([
    ['drop', 10],
    ['rewrite', 7],
    [null, 0],
    [null, 0],
  ])
  const { code, stdout, stderr } = await world.run('persistence', 'segments', '--path', path)
  expect(code).toBe(0)
  expect(stdout).toMatch(/4 segments \(3 sealed\)/)
  expect(stdout).toMatch(/^FILE +STATE +SEQ +RECORDS +SIZE +OLDEST +NEWEST +KINDS +HIDDEN$/m)
  expect(stdout).toMatch(
    /^0{19}1-0{7}1\.ndjson +sealed +1-10 +10 .* event 10 +all: event 10 by maxRecords$/m,
  )
  expect(stdout).toMatch(
    /^0{18}11-0{7}1\.ndjson +sealed +11-20 +10 .* event 10 +7: event 7 by maxRecords$/m,
  )
  expect(stdout).toMatch(/^0{18}31-0{7}1\.ndjson +active +31-35 +5 .* event 5 +-$/m)
  expect(stderr).toContain('hidden by: maxRecords=18  (from the store, recorded by its last owner)')
})

test('after a compaction nothing is hidden any more', async () => {
  const world = new World()
  const path = await makeStore(world, 'rotation', 35, { maxRecords: 18 })
  expect((await world.run('persistence', 'compact', '--path', path)).code).toBe(0)
  const segments = await listed(world, path)
  expect(segments.map(({ records }) => records)).toEqual([3, 10, 5])
  expect(hiddenOf(segments)).toEqual([
    [null, 0],
    [null, 0],
    [null, 0],
  ])
})

test('without a policy nothing is hidden, and that is said; an empty store has its active segment', async () => {
  const world = new World()
  const path = await makeStore(world, 'rotation', 0)
  const { code, stdout, stderr } = await world.run('persistence', 'segments', '--path', path)
  expect(code).toBe(0)
  expect(stdout).toMatch(/active +1- +0 /)
  expect(stderr).toContain('no retention policy is set, so nothing is hidden')
})

test('one log has no segments: 64, and where to look instead', async () => {
  const world = new World()
  const path = await makeStore(world, 'json', 3)
  const { code, stderr } = await world.run('persistence', 'segments', '--path', path)
  expect(code).toBe(64)
  expect(stderr).toMatch(/json has no segments[\s\S]*persistence inspect/)
})
