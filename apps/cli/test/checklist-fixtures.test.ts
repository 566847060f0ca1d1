// Breaks one thing at a time: exactly its item turns red, and what the command prints, done as printed,
// turns it green.
import { appendFileSync, rmSync } from 'node:fs'
import { openConsumerGroup, type ConsumerGroup } from '@papyra/backend-redis/consumer-groups'
import { manualClock, type BackendDefinition } from '@papyra/contracts'
import { CHECKLIST_IDS, DRILLS } from '@papyra/doctor'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { papyra } from './fixtures/process.js'
import { freePort, startRedis, type RedisServer } from './fixtures/redis.js'
import { Service, write } from './fixtures/service.js'

let server: RedisServer
let systems = 0
beforeAll(async () => {
  const more = ['--appendonly', 'yes', '--appendfsync', 'always']
  server = await startRedis([...more, '--enable-protected-configs', 'yes'])
})
afterAll(() => server.stop())

interface Fixture {
  readonly id: string
  readonly on?: 'redis'
  readonly daysAgo?: number
  readonly breaks: (service: Service) => unknown
  readonly red: string
  readonly evidence: RegExp
  /** What is printed; run by a shell unless `by` does what it says. */
  readonly mend: RegExp
  readonly by?: (service: Service) => unknown
  /** What is left to look at, and rightly so. */
  readonly leaves?: readonly string[]
}

const JSON_BASE: readonly string[] = []
/** It keeps no accounts; there is no replica. */
const REDIS_BASE: readonly string[] = ['facts.dropped', 'redis.replicas']

const CONFIGURED: readonly Fixture[] = [
  {
    ...{ id: 'backend.fits', red: 'fail', evidence: /takes one writer/ },
    breaks: (s) => s.configureUse({ distributed: true }),
    mend: /^Use the backend redis,/,
    by: (s) => s.configureUse({ distributed: false }),
  },
  {
    ...{ id: 'backend.fits', red: 'unknown', evidence: /not stated: writesPerSecond\.$/ },
    breaks: (s) => s.configureUse({ writesPerSecond: undefined }),
    mend: /^State in the configuration: `use\.writesPerSecond`\.$/,
    by: (s) => s.configureUse({ writesPerSecond: 10 }),
  },
  {
    ...{ id: 'startup.mode', red: 'fail', evidence: /ignores anomalies/ },
    breaks: (s) => s.configure({ environment: 'staging', startup: { mode: 'ignore' } }),
    mend: /^Set `startup\.mode` to fail_on_anomaly in the configuration\.$/,
    by: (s) => s.configure({ startup: { mode: 'fail_on_anomaly' } }),
  },
  {
    ...{ id: 'startup.orchestration', red: 'unknown', evidence: /cannot be seen/ },
    breaks: (s) => s.configureUse({ startupCheck: undefined }),
    mend: /^State in the configuration: `use\.startupCheck`\.$/,
    by: (s) => s.configureUse({ startupCheck: 'systemd ExecStartPre' }),
  },
  {
    ...{ id: 'metrics.read', red: 'unknown', evidence: /keeps no record of who reads/ },
    on: 'redis',
    breaks: (s) => s.configureUse({ metricsReader: undefined }),
    mend: /state in the configuration: `use\.metricsReader`\.$/,
    by: (s) => s.configureUse({ metricsReader: 'prometheus' }),
  },
  {
    ...{ id: 'recovery.mode', red: 'fail', evidence: /no folder for them/ },
    breaks: (s) =>
      s.configure({ startup: { mode: 'fail_on_anomaly', recovery: { mode: 'quarantine' } } }),
    mend: /^Set `quarantineDir` in the configuration,/,
    by: (s) => s.configure({ quarantineDir: './aside' }),
  },
  {
    ...{ id: 'recovery.exclusive', red: 'fail', evidence: /Others may write/ },
    on: 'redis',
    breaks: (s) => s.configure({ startup: { mode: 'recover' } }),
    mend: /^Set `startup\.mode` to fail_on_anomaly in the configuration;/,
    by: (s) => s.configure({ startup: { mode: 'fail_on_anomaly' } }),
  },
  {
    ...{ id: 'retention.agreed', red: 'warn', evidence: /another: maxRecords=50\.$/ },
    breaks: (s) => s.configure({ retention: { maxRecords: 60 } }),
    mend: /^Start the service with its configuration/,
    by: (s) => s.own(async () => undefined, { retention: { maxRecords: 60 } }),
  },
  {
    ...{ id: 'compaction.scheduled', red: 'fail', evidence: /Nothing is scheduled/ },
    breaks: (s) => s.configure({ compaction: undefined }),
    mend: /^Set `compaction: \{ every: "24h" \}`/,
    by: (s) => s.configure({ compaction: { every: '24h' } }),
  },
]

const STORED: readonly Fixture[] = [
  {
    ...{ id: 'store.clean', red: 'fail', evidence: /^1 torn_tail$/ },
    breaks: (s) => appendFileSync(s.world.path('shop.ndjson'), '{"seq":81'),
    mend: /^papyra persistence recover$/,
    leaves: ['recovery.expected'],
  },
  {
    ...{ id: 'recovery.expected', red: 'warn', evidence: /^1 recovery, 0 records lost\.$/ },
    breaks: (s) => {
      appendFileSync(s.world.path('shop.ndjson'), '{"seq":81')
      s.shell('papyra persistence recover')
    },
    mend: /^papyra metrics reset$/,
  },
  {
    ...{ id: 'store.verified', red: 'warn', evidence: /verified every byte 8 d ago/ },
    daysAgo: 8,
    breaks: () => undefined,
    mend: /^Start the service: its gate verifies every byte\./,
    by: (s) => s.own(async () => undefined),
  },
  {
    ...{ id: 'errors.none', red: 'warn', evidence: /^1 compactionErrors, since/ },
    breaks: async (s) => {
      const clock = manualClock(Date.now() + 3_600_000)
      const backend = await s.backend.open({ access: 'write', clock })
      const policy = { maxAgeSeconds: 1 }
      await expect(backend.compact({ policy })).rejects.toThrow()
      await backend.close()
    },
    mend: /^papyra metrics reset$/,
  },
  {
    ...{ id: 'compaction.happening', red: 'fail', evidence: /^The last compaction was 3 d ago/ },
    daysAgo: 3,
    breaks: (s) => s.own((papyra) => write(papyra, 3)),
    mend: /^papyra persistence compact$/,
  },
  {
    ...{ id: 'compaction.backlog', red: 'warn', evidence: /^20 records of 70 are expired/ },
    breaks: (s) => s.own((papyra) => write(papyra, 20)),
    mend: /^papyra persistence compact$/,
  },
  {
    ...{ id: 'facts.dropped', red: 'warn', evidence: /^Of 83 facts were dropped: 2 full\.$/ },
    breaks: (s) =>
      s.own(
        async (papyra) => {
          for (let n = 0; n < 3; n++) papyra.intake.event({ type: 'tick' })
        },
        { intake: { capacity: 1 } },
      ),
    mend: /then waive `facts\.dropped` in the configuration\.$/,
    by: (s) => s.configure({ waivers: [waiver('facts.dropped')] }),
  },
]

const TRIED: readonly Fixture[] = [
  {
    ...{ id: 'failures.tried', red: 'warn', evidence: /unsigned\. Not tried: truncate\.$/ },
    breaks: async (s) => {
      const drills = DRILLS.filter((drill) => drill !== 'truncate')
      rmSync(s.world.path('reports'), { recursive: true })
      await s.keep('drill', { drills: drills.map((drill) => ({ drill, state: 'pass' })) })
      await s.keep('gate', {})
    },
    mend: /^papyra doctor drill truncate$/,
  },
  {
    ...{ id: 'release.gate', red: 'unknown', evidence: /^No gate of this store is on record/ },
    breaks: dropGates,
    mend: /^papyra doctor gate$/,
  },
  {
    ...{ id: 'failure.explained', red: 'fail', evidence: /explained by nothing: odd_code\.$/ },
    breaks: (s) => {
      const drills = DRILLS.map((drill) => ({ drill, state: 'pass', met: [] as object[] }))
      drills[0]?.met.push({ code: 'odd_code' })
      rmSync(s.world.path('reports'), { recursive: true })
      return s.keep('drill', { drills, at: Date.now() - 1000 }).then(() => s.keep('gate', {}))
    },
    mend: /^papyra doctor drill truncate$/,
  },
]

const GROUPS: readonly Fixture[] = [
  {
    ...{ id: 'groups.abandoned', red: 'fail', evidence: /^Abandoned: event\/mail\.$/ },
    on: 'redis',
    breaks: (s) => inGroup(s, (group) => group.ensure({ start: 'oldest' })),
    mend: /^papyra groups remove --kind event --group mail$/,
  },
  {
    ...{ id: 'groups.claimed', red: 'unknown', evidence: /^Never claimed: event\/mail\.$/ },
    on: 'redis',
    breaks: handleAll,
    mend: /^Let a consumer run with `claimEveryMs`/,
    by: async (s) => {
      await stopConsumer()
      await handOver(s)
    },
  },
  {
    ...{ id: 'groups.pending', red: 'fail', evidence: /^Pending does not fall: event\/mail\.$/ },
    on: 'redis',
    breaks: async (s) => {
      await handleAll(s)
      await stopConsumer()
      await handOver(s)
      await s.own((papyra) => write(papyra, 2))
      await inGroup(s, (group) => take(group, 2, false))
      await sampled(s)
    },
    mend: /^Let the consumers of event\/mail acknowledge what they handled\.$/,
    by: (s) => inGroup(s, (group) => take(group, 2, true, 20)),
  },
]

const config = (name: string, value: string | number) => () =>
  server.client.config('SET', name, value)

const SERVER: readonly Fixture[] = [
  {
    ...{ id: 'redis.eviction', red: 'fail', evidence: /maxmemory-policy allkeys-lru/ },
    on: 'redis',
    breaks: async () => {
      await config('maxmemory', '1gb')()
      await config('maxmemory-policy', 'allkeys-lru')()
    },
    mend: /^redis-cli CONFIG SET maxmemory-policy noeviction$/,
  },
  {
    ...{ id: 'redis.persistence', red: 'fail', evidence: /^AOF off, snapshots off$/ },
    on: 'redis',
    breaks: config('appendonly', 'no'),
    mend: /^redis-cli CONFIG SET appendonly yes$/,
  },
  {
    ...{ id: 'redis.aof', red: 'warn', evidence: /^appendfsync everysec,/ },
    on: 'redis',
    breaks: config('appendfsync', 'everysec'),
    mend: /^redis-cli CONFIG SET appendfsync always$/,
  },
  {
    ...{ id: 'redis.memory', red: 'warn', evidence: /^\d+ of \d+ bytes used$/ },
    on: 'redis',
    breaks: async () => {
      const used = /used_memory:(\d+)/.exec(await server.client.info('memory'))?.[1]
      await config('maxmemory', Math.round(Number(used) * 1.12))()
    },
    mend: /^redis-cli CONFIG SET maxmemory \d+$/,
  },
  {
    ...{ id: 'redis.rdb', red: 'fail', evidence: /^last snapshot err/ },
    on: 'redis',
    breaks: async (s) => {
      const [, home = ''] = (await server.client.config('GET', 'dir')) as string[]
      s.world.write('gone/file', '')
      await config('dir', s.world.path('gone'))()
      rmSync(s.world.path('gone'), { recursive: true })
      await server.client.bgsave()
      await saved('err')
      await config('dir', home)()
    },
    mend: /^redis-cli BGSAVE$/,
  },
  {
    ...{ id: 'redis.role', red: 'fail', evidence: /^role slave/ },
    on: 'redis',
    breaks: async () => server.client.replicaof('127.0.0.1', await freePort()),
    mend: /redis-cli REPLICAOF NO ONE$/,
    by: (s) => s.shell('redis-cli REPLICAOF NO ONE'),
  },
  {
    ...{
      id: 'redis.isolation',
      red: 'warn',
      evidence: /^1 of \d+ keys looked at are not of Papyra$/,
    },
    on: 'redis',
    breaks: () => server.client.set('cart:17', 'apples'),
    mend: /what else is on this one: redis-cli --scan \| grep -v '\^\{papyra:'$/,
    by: (s) => s.shell("redis-cli --scan | grep -v '^{papyra:' | xargs redis-cli DEL"),
  },
  {
    ...{ id: 'redis.expiry', red: 'fail', evidence: /^With a time to live: \{papyra:/ },
    on: 'redis',
    breaks: (s) => server.client.expire(`{papyra:${s.system}}:events`, 3600),
    mend: /^redis-cli PERSIST '\{papyra:.*'$/,
  },
]

const FIXTURES = [...CONFIGURED, ...STORED, ...TRIED, ...GROUPS, ...SERVER]

test.each(FIXTURES)('$id is $red, alone, and mended as printed', async (fixture) => {
  const { id, on, daysAgo, breaks, red, evidence, mend, by, leaves = [] } = fixture
  systems += 1
  const base = on === 'redis' ? REDIS_BASE : JSON_BASE
  const service = new Service(on === 'redis' ? server : null, `fixture-${systems}`)
  await service.start(daysAgo)
  await breaks(service)
  const broken = await service.checklist()
  expect(reds(broken)).toEqual([...base, id].sort())
  expect(broken.get(id)).toEqual({
    state: red,
    evidence: expect.stringMatching(evidence) as string,
    mend: expect.stringMatching(mend) as string,
  })
  await (by ?? (() => service.shell(broken.get(id)?.mend ?? '')))(service)
  if (id === 'redis.rdb') await saved('ok')
  const mended = await service.checklist()
  expect(reds(mended)).toEqual([...base, ...leaves].sort())
  expect(['pass', 'waived']).toContain(mended.get(id)?.state)
  await config('maxmemory', 0)()
})

test('retention.explicit: neither configured nor recorded', async () => {
  const service = new Service(null, 'none')
  service.config = { ...service.config, retention: undefined }
  await service.start(0, { retention: undefined } as never)
  const broken = await service.checklist()
  expect(reds(broken)).toEqual(['retention.explicit'])
  expect(broken.get('retention.explicit')?.mend).toMatch(/^State `retention` in the configuration/)
  service.configure({ retention: { maxRecords: 100 } })
  expect(reds(await service.checklist())).toEqual([])
})

test('metrics.read: nobody reads, until somebody does', async () => {
  const service = new Service(null, 'unread')
  service.read = false
  await service.start()
  const broken = await service.checklist()
  expect(reds(broken)).toEqual(['metrics.read'])
  expect(broken.get('metrics.read')).toEqual({
    state: 'warn',
    evidence: 'Nobody has ever read the numbers.',
    mend: 'Export them: @papyra/otel, or `/metrics` of @papyra/http.',
  })
  await service.own(async (papyra) => papyra.noteMetricsRead('export'))
  expect(reds(await service.checklist())).toEqual([])
})

test('store.verified beside a living owner: it scans when it is asked to', async () => {
  const service = await new Service(null, 'owned').start(8)
  const clock = manualClock(Date.now() - 8 * 86_400_000)
  await service.own(
    async () => {
      clock.advance(8 * 86_400_000)
      const broken = await service.checklist()
      expect(broken.get('store.verified')).toMatchObject({
        state: 'warn',
        mend: 'papyra persistence scan --via-owner',
      })
      const env = { PAPYRA_CONFIG: service.world.path('papyra.config.json') }
      const scan = await papyra(['persistence', 'scan', '--via-owner'], { env })
      expect(scan.code, scan.stderr).toBe(0)
      const mended = await service.checklist()
      expect(mended.get('store.verified')?.state).toBe('pass')
    },
    { clock },
  )
})

test('compaction.effective: records went, bytes did not', async () => {
  const service = await new Service(null, 'effective').start()
  let saving = false
  rmSync(service.world.path('papyra.config.json'))
  const backend = savingNothing(service.backend, () => saving)
  service.world.configure(backend, { ...service.config, backend })
  const broken = await service.checklist()
  expect(reds(broken)).toEqual(['compaction.effective'])
  expect(broken.get('compaction.effective')).toMatchObject({
    state: 'warn',
    evidence: 'The last one that removed anything took 30 records and 0 bytes; a scan is clean.',
    mend: expect.stringMatching(/^Set `compaction\.every` to a longer time/) as string,
  })
  saving = true
  expect(reds(await service.checklist())).toEqual([])
})

test('redis.replicas: a server that stands alone, until it has a replica', async () => {
  const service = await new Service(server, 'replicas').start()
  const alone = await service.checklist()
  expect(alone.get('redis.replicas')).toMatchObject({ state: 'warn' })
  expect(alone.get('redis.replicas')?.mend).toMatch(/redis-server --replicaof HOST PORT$/)
  const replica = await startRedis(['--replicaof', `127.0.0.1 ${server.port}`])
  onTestFinished(() => replica.stop())
  await expect
    .poll(async () => reds(await service.checklist()), { timeout: 20_000, interval: 300 })
    .toEqual(['facts.dropped'])
})

test('every item has a fixture', () => {
  const others = ['retention.explicit', 'compaction.effective', 'redis.replicas']
  const fixed = new Set([...FIXTURES.map(({ id }) => id), ...others])
  expect(CHECKLIST_IDS.filter((id) => !fixed.has(id))).toEqual([])
})

test('every finding of a server has a fixture', async () => {
  const service = await new Service(server, 'findings').start()
  const ids = [...(await service.checklist()).keys()].filter((id) => id.startsWith('redis.'))
  const fixed = new Set([...SERVER.map(({ id }) => id), 'redis.replicas'])
  expect(ids.filter((id) => !fixed.has(id))).toEqual([])
  expect(ids).toHaveLength(fixed.size)
})

function reds(checklist: Awaited<ReturnType<Service['checklist']>>): string[] {
  return [...checklist]
    .filter(([, { state }]) => ['warn', 'fail', 'unknown'].includes(state))
    .map(([id]) => id)
    .sort()
}

const waiver = (id: string) => ({ id, reason: 'load test', owner: 'ada', expires: '2999-01-01' })

async function dropGates(service: Service): Promise<void> {
  rmSync(service.world.path('reports'), { recursive: true })
  await service.keep('drill', { drills: DRILLS.map((drill) => ({ drill, state: 'pass' })) })
}

let stopConsumer = async (): Promise<void> => undefined

/** A consumer that claims nothing handles all that there is, and waits for more. */
async function handleAll({ system }: Service): Promise<void> {
  const store = { url: server.url, system }
  const group = await openConsumerGroup({ store, kind: 'event', group: 'mail' })
  await group.ensure({ start: 'oldest' })
  let handled = 0
  const running = (async () => {
    for await (const one of group.consume({ consumer: 'a', blockMs: 50, claimEveryMs: 0 })) {
      await one.ack()
      handled += 1
    }
  })()
  stopConsumer = async () => {
    await group.close()
    await running
  }
  onTestFinished(() => stopConsumer())
  await expect.poll(() => handled, { timeout: 20_000 }).toBe(50)
}

async function inGroup(
  { system }: Service,
  work: (group: ConsumerGroup) => Promise<unknown>,
): Promise<void> {
  const store = { url: server.url, system }
  const group = await openConsumerGroup({ store, kind: 'event', group: 'mail' })
  await work(group)
  await group.close()
}

async function take(
  group: ConsumerGroup,
  count: number,
  acknowledge: boolean,
  claimEveryMs = 0,
): Promise<void> {
  let taken = 0
  const options = {
    consumer: `c${claimEveryMs}`,
    batch: 1,
    blockMs: 50,
    claimEveryMs,
    minIdleMs: 0,
  }
  for await (const one of group.consume(options)) {
    if (acknowledge) await one.ack()
    taken += 1
    if (taken === count) break
  }
}

/** A consumer stops with a record that it holds, and another one claims it. */
async function handOver(service: Service): Promise<void> {
  await service.own((papyra) => write(papyra, 1))
  await inGroup(service, (group) => take(group, 1, false))
  // Behind what was claimed one more: only then the claim is over, and recorded.
  await service.own((papyra) => write(papyra, 1))
  await inGroup(service, (group) => take(group, 2, true, 20))
}

/** Two looks at the groups by somebody who may write. */
async function sampled({ backend }: Service): Promise<void> {
  const store = await backend.open({ access: 'write' })
  await store.groups?.list()
  await store.groups?.list()
  await store.close()
}

async function saved(status: 'ok' | 'err'): Promise<void> {
  const told = () => server.client.info('persistence')
  await expect
    .poll(told, { timeout: 20_000 })
    .toMatch(new RegExp(`rdb_bgsave_in_progress:0[^]*rdb_last_bgsave_status:${status}`))
}

/** Its compactions free no bytes while they do not save. */
function savingNothing(definition: BackendDefinition, saves: () => boolean): BackendDefinition {
  return {
    ...definition,
    async open(options) {
      const backend = await definition.open(options)
      const describe = async () => {
        const told = await backend.describe()
        if (saves()) return told
        return { ...told, history: told.history.map((one) => ({ ...one, bytesRemoved: 0 })) }
      }
      return new Proxy(backend, {
        get(target, name) {
          const value: unknown = name === 'describe' ? describe : Reflect.get(target, name, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    },
  }
}
