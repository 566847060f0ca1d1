// Drills of a store on a server: on a redis-server of their own, and against builds broken on purpose.
import { redisBackend } from '@papyra/backend-redis'
import type { Backend, BackendDefinition, ScratchStore } from '@papyra/contracts'
import { runDrills, type DrillName } from '@papyra/doctor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis, type RedisServer } from './fixtures/redis.js'
import { seed, ticks, World } from './fixtures/world.js'

let server: RedisServer
let systems = 0
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

async function filled(): Promise<{
  readonly definition: BackendDefinition
  readonly world: World
}> {
  systems += 1
  const system = `drill-${systems}`
  const definition = redisBackend({ url: server.url, system })
  await seed(definition, (papyra) => ticks(papyra, 60))
  const env = {
    PAPYRA_REDIS_URL: server.url,
    PAPYRA_SYSTEM: system,
    PATH: process.env['PATH'] ?? '',
  }
  return { definition, world: new World({ env }) }
}

interface Drilled {
  readonly drill: string
  readonly state: string
  readonly made: string
  readonly lost: number
  readonly did: readonly string[]
}

test('each drill that a server has passes on a copy, and the original stays as it was', async () => {
  const { world } = await filled()
  const { code, stderr, json } = await world.run('doctor', 'drill', '--rounds', '2', '--json')
  expect(code, stderr).toBe(0)
  const report = json().report as unknown as {
    drills: Drilled[]
    original: object
    verdict: string
  }
  expect(report).toMatchObject({ verdict: 'pass', original: { unchanged: true } })
  expect(Object.fromEntries(report.drills.map(({ drill, state }) => [drill, state]))).toEqual({
    ...{ truncate: 'pass', 'retention-pressure': 'pass', 'redis-restart': 'pass', unacked: 'pass' },
    ...{ 'bit-flip': 'pass', 'bad-utf8': 'pass', 'kill-during-compaction': 'pass' },
    'disk-full': expect.stringMatching(/skip|unknown/) as string,
  })
  const killed = report.drills.find(({ drill }) => drill === 'kill-during-compaction')
  expect(killed?.did).toHaveLength(2)
  for (const what of killed?.did ?? []) expect(what).toMatch(/ killed .* \d+ ms into a compaction$/)
  const [cut] = report.drills
  expect(cut?.made).toMatch(/^the newest 60 records, \d+ bytes, on a redis-server of their own$/)
  expect(cut?.lost).toBeGreaterThan(0)
  expect((await world.run('persistence', 'scan')).code).toBe(0)
  const gate = await world.run('doctor', 'gate')
  expect(gate.stdout).toMatch(/^\[pass\] gate\.recovery /m)
})

type Change = (backend: Backend) => Partial<Backend>

function worse<T extends object>(thing: T, change: Partial<T>): T {
  return new Proxy(thing, {
    get(target, name) {
      const value: unknown = Reflect.get(name in change ? change : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

const opens = (definition: BackendDefinition, change: Change): BackendDefinition => ({
  ...definition,
  async open(options) {
    const backend = await definition.open(options)
    return worse(backend, change(backend))
  },
})

/** The copies of it are of a build that is broken. */
const worseCopies = (definition: BackendDefinition, change: Change): BackendDefinition =>
  opens(definition, (source) => ({
    async scratch(options) {
      const made = (await source.scratch?.(options)) as ScratchStore
      return { ...made, definition: opens(made.definition, change) }
    },
  }))

test.each<[string, DrillName, Change]>([
  [
    'appends are acknowledged before they are stored',
    'redis-restart',
    (store) => ({
      async append(facts) {
        const { lastSeq } = await store.append(facts.slice(0, 1))
        return { firstSeq: lastSeq + 1, lastSeq: lastSeq + facts.length }
      },
    }),
  ],
  [
    'compaction deletes what a consumer still holds',
    'unacked',
    (store) => ({ compact: (options) => store.compact({ ...options, ignoreGroups: true }) }),
  ],
  [
    'a claim hands over nothing and says that it did',
    'unacked',
    (store) => ({
      groups: worse(store.groups as NonNullable<Backend['groups']>, {
        apply: async () => ({
          ...{ act: { what: 'remove_group', kind: 'event', group: 'papyra-drill' }, changed: true },
          ...{ claimed: 5, deleted: [], forgotten: 0, consumers: [] },
        }),
      }),
    }),
  ],
  [
    'a scan does not verify what it reads',
    'bit-flip',
    (store) => ({
      scan: async (options) => ({
        ...(await store.scan(options)),
        ...{ clean: true, anomalies: [], anomalyCounts: {} },
      }),
    }),
  ],
  [
    'compaction deletes more than the policy hides',
    'kill-during-compaction',
    (store) => ({
      compact: (options) => store.compact({ ...options, policy: { maxRecords: 3 } }),
    }),
  ],
  [
    'recovery records no losses',
    'truncate',
    (store) => ({
      recover: async (options) => ({ ...(await store.recover(options)), losses: [] }),
    }),
  ],
])('a build fails the drill where %s', async (_, name, change) => {
  const { definition } = await filled()
  const options = { drills: [name], rounds: 1, seed: 3 }
  expect((await runDrills(definition, options)).drills).toMatchObject([{ state: 'pass' }])
  const report = await runDrills(worseCopies(definition, change), options)
  expect(report.drills).toMatchObject([{ state: 'fail' }])
  expect(report).toMatchObject({ exit: 1, original: { unchanged: true } })
})

test('without the program redis-server there is no copy, and it says what to install', async () => {
  const { definition } = await filled()
  const path = process.env['PATH']
  process.env['PATH'] = '/nowhere'
  try {
    const drills = runDrills(definition, { drills: ['truncate'] })
    await expect(drills).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('redis-server') as string,
    })
  } finally {
    process.env['PATH'] = path
  }
})
