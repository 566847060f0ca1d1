import type { BackendDefinition, OwnerClient } from '@papyra/contracts'
import { memoryBackend, type Papyra } from '@papyra/core'
import { expect, test } from 'vitest'
import { seed, ticks, World, type WorldOptions } from './fixtures/world.js'

interface Stock {
  readonly recorded?: { maxRecords: number }
  readonly configured?: { maxRecords: number }
}

async function stocked(
  { recorded, configured }: Stock = {},
  options: WorldOptions = {},
): Promise<World> {
  const world = new World(options)
  const backend = memoryBackend()
  await seed(
    backend,
    (papyra) => ticks(papyra, 10),
    recorded === undefined ? {} : { retention: recorded },
  )
  world.configure(backend, configured === undefined ? {} : { retention: configured })
  return world
}

const remaining = async (world: World): Promise<unknown[]> =>
  (await world.run('inspect', 'events', '--all', '--json')).lines().map(({ seq }) => seq)

test('flags decide before the configuration, that before the recorded policy; which is told', async () => {
  const world = await stocked({ recorded: { maxRecords: 8 }, configured: { maxRecords: 6 } })
  const flags = await world.run('persistence', 'compact', '--dry-run', '--max-records', '4')
  expect(flags.code).toBe(0)
  expect(flags.stderr).toContain('policy: maxRecords=4  (from the flags)')
  expect(flags.stderr).toContain(
    `differs from the policy of ${world.path('papyra.config.js')}: maxRecords=6`,
  )
  expect(flags.stderr).toContain(
    'differs from the policy of the store, recorded by its last owner: maxRecords=8',
  )
  const configured = await world.run('persistence', 'compact', '--dry-run')
  expect(configured.stderr).toContain(
    `policy: maxRecords=6  (from ${world.path('papyra.config.js')})`,
  )
  const recorded = await (await stocked({ recorded: { maxRecords: 8 } })).run(
    'persistence',
    'compact',
    '--dry-run',
  )
  expect(recorded.stderr).toContain('policy: maxRecords=8  (from the store')
  expect(recorded.stderr).not.toContain('warning')
})

test('with no policy anywhere: 78, nothing would ever be removed', async () => {
  const world = await stocked()
  const { code, stderr } = await world.run('persistence', 'compact')
  expect(code).toBe(78)
  expect(stderr).toContain('nothing would ever be removed')
})

test('a dry run tells what would go and why, and changes nothing', async () => {
  const world = await stocked()
  const { code, json, stderr } = await world.run(
    'persistence',
    'compact',
    '--dry-run',
    '--max-records',
    '4',
    '--json',
  )
  expect(code).toBe(0)
  expect(json().schema).toBe('papyra.compact/1')
  expect(json().report).toMatchObject({
    dryRun: true,
    records: { before: 10, after: 4 },
    dropped: [
      {
        kind: 'event',
        reason: 'count',
        limit: 'maxRecords',
        records: 6,
        seq: { first: 1, last: 6 },
      },
    ],
  })
  expect(stderr).not.toContain('plan:')
  expect(await remaining(world)).toHaveLength(10)
  const text = await world.run('persistence', 'compact', '--dry-run', '--max-records', '4')
  expect(text.stdout).toMatch(/records 10 -> 4.*nothing was changed/)
  expect(text.stdout).toMatch(/event +count +maxRecords +6 .* 1-6/)
})

test('the real run deletes, verifies, and shows its plan first', async () => {
  const world = await stocked()
  const { code, stdout, stderr } = await world.run('persistence', 'compact', '--max-records', '4')
  expect(code).toBe(0)
  expect(stderr).toContain('plan:  records 10 -> 4')
  expect(stdout).toMatch(/^compacted .*records 10 -> 4/)
  expect(await remaining(world)).toEqual([7, 8, 9, 10])
  const again = await world.run('persistence', 'compact', '--max-records', '4')
  expect(again.code).toBe(0)
  expect(again.stdout).toContain('nothing to remove')
})

test('on a terminal it asks first; no answer is no', async () => {
  const no = await stocked({}, { answers: ['n', '', 'maybe'] })
  for (let round = 1; round <= 3; round++) {
    const { code, stderr } = await no.run('persistence', 'compact', '--max-records', '4')
    expect(code).toBe(130)
    expect(stderr).toContain('nothing was changed')
    expect(no.questions).toHaveLength(round)
  }
  expect(await remaining(no)).toHaveLength(10)
  const yes = await stocked({}, { answers: ['Yes'] })
  expect((await yes.run('persistence', 'compact', '--max-records', '4')).code).toBe(0)
  expect(await remaining(yes)).toHaveLength(4)
  const flag = await stocked({}, { answers: [] })
  expect((await flag.run('persistence', 'compact', '--max-records', '4', '--yes')).code).toBe(0)
  expect(flag.questions).toEqual([])
})

test('a clock that would drop everything is refused until forced', async () => {
  const old = new World()
  const backend = memoryBackend()
  await seed(backend, (papyra) => ticks(papyra, 3, Date.now() - 3_600_000))
  old.configure(backend)
  expect(
    (await old.run('persistence', 'compact', '--max-age-seconds', '60', '--dry-run')).code,
  ).toBe(1)
  const refused = await old.run('persistence', 'compact', '--max-age-seconds', '60')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('drop_all_refused')
  expect((await old.run('persistence', 'compact', '--max-age-seconds', '60', '--force')).code).toBe(
    0,
  )
  expect(await remaining(old)).toHaveLength(0)
})

test('metrics tell of compactions, and a reset takes nothing from the totals', async () => {
  const world = await stocked()
  await world.run('persistence', 'compact', '--max-records', '4')
  const before = (await world.run('metrics', 'persistence', '--json')).json().report
  expect(before['totals']).toMatchObject({
    recordsWritten: 10,
    recordsDropped: 6,
    compactions: 1,
    recordsStored: 4,
  })
  expect((await world.run('metrics', 'reset')).code).toBe(0)
  const after = (await world.run('metrics', 'persistence', '--json')).json().report
  expect(after['totals']).toEqual(before['totals'])
  expect(after['sinceReset']).toMatchObject({
    recordsWritten: 0,
    recordsDropped: 0,
    recordsStored: 4,
  })
  expect((await world.run('metrics', 'persistence')).stdout).toMatch(
    /papyra\.retention\.dropped +counter +6 +0/,
  )
})

/** A backend whose owner answers other processes, as the living owner here does. */
function owned(definition: BackendDefinition, papyra: Papyra): BackendDefinition {
  const owner: OwnerClient = {
    who: async () => ({ pid: process.pid, host: null, since: null }),
    metrics: () => papyra.metrics(),
    flush: () => papyra.flush(),
    compact: (options) => papyra.compact(options),
    scan: (options) => papyra.scan(options),
  }
  const open: BackendDefinition['open'] = async (options) =>
    Object.assign(await definition.open(options), { owner: async () => owner })
  return { ...definition, open }
}

test('a living owner that answers compacts itself, and tells its metrics', async () => {
  const world = new World()
  const backend = memoryBackend()
  await seed(backend, async (papyra) => {
    await ticks(papyra, 10)
    world.configure(owned(backend, papyra))
    const dry = await world.run('persistence', 'compact', '--max-records', '4', '--dry-run')
    expect(dry.stdout).toContain('records 10 -> 4')
    const { code, stderr } = await world.run('persistence', 'compact', '--max-records', '4')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^process \d+ holds the store and compacts$/m)
    expect(await remaining(world)).toEqual([7, 8, 9, 10])
    const metrics = (await world.run('metrics', 'persistence', '--json')).json().report
    expect(metrics).toMatchObject({ source: 'owner', totals: { compactions: 1 } })
  })
})

test('a living owner that does not answer: 75, after waiting as long as asked', async () => {
  const world = new World()
  const backend = memoryBackend()
  await seed(backend, async (papyra) => {
    await ticks(papyra, 10)
    world.configure(backend)
    const argv = ['persistence', 'compact', '--max-records', '4', '--wait-lock', '10ms']
    const { code, stderr } = await world.run(...argv)
    expect(code).toBe(75)
    expect(stderr).toContain('store_locked')
  })
})
