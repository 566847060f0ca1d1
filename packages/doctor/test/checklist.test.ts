import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { manualClock, type BackendDefinition, type GroupDescription } from '@papyra/contracts'
import { memoryBackend, openPapyra, type Papyra } from '@papyra/core'
import {
  CHECKLIST_IDS,
  generateSigningKey,
  keepReport,
  runChecklist,
  runDrills,
  runReleaseGate,
  signReport,
  type ChecklistOptions,
  type ChecklistReport,
  type ChecklistSettings,
} from '@papyra/doctor'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const DAY = 86_400_000
const START = Date.parse('2026-11-01T00:00:00Z')
const POLICY = { maxRecords: 50 }

const SETTINGS: ChecklistSettings = {
  environment: 'production',
  mode: 'fail_on_anomaly',
  recoveryMode: 'repair',
  retention: POLICY,
  compaction: { every: '24h' },
  use: {
    ...{ strictOrdering: true, survivesRestart: true, distributed: false, writesPerSecond: 10 },
    ...{ startupCheck: 'systemd ExecStartPre', metricsReader: 'prometheus' },
  },
}

/** What nobody can see from here yet. */
const NEVER_KNOWN = ['failures.tried', 'release.gate']

let dir = ''
let clock = manualClock(START)
let backend: BackendDefinition = memoryBackend()

/** A service whose store is as it should be: some records beyond retention were compacted. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-checklist-'))
  clock = manualClock(START)
  backend = jsonBackend({ path: join(dir, 'shop.ndjson') })
  await own(async (papyra) => {
    await write(papyra, 80)
    await papyra.compact()
    await papyra.scan()
    papyra.noteMetricsRead('export')
  })
})
afterEach(() => rm(dir, { recursive: true }))

async function own(work: (papyra: Papyra) => Promise<unknown>): Promise<void> {
  const papyra = await openPapyra({ systemId: 'shop', backend, retention: POLICY, clock })
  await work(papyra)
  await papyra.close()
}

async function write(papyra: Papyra, records: number): Promise<void> {
  for (let n = 0; n < records; n++) await papyra.recordEvent({ type: 'tick', payload: { n } })
}

function run(
  settings: Partial<ChecklistSettings> = {},
  options: Partial<ChecklistOptions> = {},
): Promise<ChecklistReport> {
  return runChecklist(backend, { settings: { ...SETTINGS, ...settings }, clock, ...options })
}

const states = ({ checks }: ChecklistReport): Record<string, string> =>
  Object.fromEntries(checks.map(({ id, state }) => [id, state]))

/** The items whose state is not that of a service that is as it should be. */
async function changed(settings: Partial<ChecklistSettings> = {}): Promise<Record<string, string>> {
  const before = states(sound)
  const now = states(await run(settings))
  return Object.fromEntries(Object.entries(now).filter(([id, state]) => state !== before[id]))
}

let sound: ChecklistReport
beforeEach(async () => {
  sound = await run()
})

test('of a sound service every item passes, but for what cannot be seen from here', () => {
  expect(sound.checks.map(({ id }) => id)).toEqual(CHECKLIST_IDS)
  for (const { id, state, evidence } of sound.checks) {
    const expected = NEVER_KNOWN.includes(id) ? ['unknown'] : ['pass', 'skip']
    expect(expected, `${id}: ${evidence}`).toContain(state)
  }
  expect(sound.counts).toMatchObject({ fail: 0, warn: 0, unknown: NEVER_KNOWN.length })
  expect(sound).toMatchObject({ strict: true, exit: 1, backend: 'json' })
  const chapters = new Set(sound.checks.map(({ chapter }) => chapter))
  expect([...chapters]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

const BY_SETTINGS: readonly [string, string, Partial<ChecklistSettings>][] = [
  ['backend.fits', 'unknown', { use: { ...SETTINGS.use, distributed: undefined } as never }],
  [
    'startup.orchestration',
    'unknown',
    { use: { ...SETTINGS.use, startupCheck: undefined } as never },
  ],
  ['recovery.mode', 'fail', { recoveryMode: 'quarantine' }],
  ['backend.fits', 'warn', { use: { ...SETTINGS.use, writesPerSecond: 5000 } }],
  ['backend.fits', 'fail', { use: { ...SETTINGS.use, distributed: true } }],
  ['startup.mode', 'fail', { mode: 'ignore' }],
  ['startup.mode', 'warn', { mode: 'scan_only' }],
  ['retention.agreed', 'warn', { retention: { maxRecords: 60 } }],
  ['compaction.scheduled', 'fail', { compaction: undefined }],
]

test.each(BY_SETTINGS)(
  '%s is %s by the settings, and nothing else changes',
  async (id, state, settings) => {
    expect(await changed(settings)).toEqual({ [id]: state })
  },
)

test('store.clean: a tail that was cut', async () => {
  await appendFile(join(dir, 'shop.ndjson'), '{"seq":81')
  expect(await changed()).toEqual({ 'store.clean': 'fail' })
  const { checks } = await run({}, { only: ['store.clean'] })
  expect(checks).toMatchObject([
    { evidence: '1 torn_tail', mend: { papyra: ['persistence', 'recover'] } },
  ])
})

test('store.verified and compaction.happening: time goes by', async () => {
  clock.advance(3 * DAY)
  // A run that found nothing to delete would have left no trace.
  expect(await changed()).toEqual({})
  await own(async (papyra) => {
    await write(papyra, 3)
    papyra.noteMetricsRead('scrape')
  })
  expect(await changed()).toEqual({ 'compaction.happening': 'fail' })
  clock.advance(8 * DAY)
  expect(await changed()).toEqual({ 'compaction.happening': 'fail', 'store.verified': 'warn' })
  await own(async (papyra) => {
    await write(papyra, 1)
    await papyra.compact()
    await papyra.scan()
    papyra.noteMetricsRead('scrape')
  })
  expect(await changed()).toEqual({})
})

test('compaction.backlog: what is expired piles up, a compaction mends it', async () => {
  await own((papyra) => write(papyra, 20))
  expect(await changed()).toEqual({ 'compaction.backlog': 'warn' })
  await own((papyra) => write(papyra, 60))
  expect(await changed()).toEqual({ 'compaction.backlog': 'fail' })
  await own((papyra) => papyra.compact())
  expect(await changed()).toEqual({})
})

test('facts.dropped: the intake had no room', async () => {
  const intake = { capacity: 1 }
  const papyra = await openPapyra({ systemId: 's', backend, retention: POLICY, clock, intake })
  for (let n = 0; n < 3; n++) papyra.intake.event({ type: 'tick' })
  const during = await run({}, { only: ['facts'] })
  expect(states(during)).toEqual({ 'facts.dropped': 'unknown' })
  await papyra.close()
  const { checks } = await run({}, { only: ['facts.dropped'] })
  expect(checks).toMatchObject([{ state: 'warn', evidence: 'Of 83 facts were dropped: 2 full.' }])
})

test('errors.none and recovery.expected: what the store has counted, until a reset', async () => {
  await appendFile(join(dir, 'shop.ndjson'), 'x')
  const store = await backend.open({ access: 'write', clock })
  await store.recover({ mode: 'repair' })
  await store.close()
  expect(await changed()).toEqual({ 'recovery.expected': 'warn' })
  const again = await backend.open({ access: 'write', clock })
  await again.resetMetrics()
  await again.close()
  expect(await changed()).toEqual({})
})

test('retention.explicit: neither configured nor recorded', async () => {
  backend = jsonBackend({ path: join(dir, 'other.ndjson') })
  const papyra = await openPapyra({ systemId: 'shop', backend, clock, environment: 'test' })
  await papyra.close()
  const report = await run({ retention: null }, { only: ['retention', 'compaction.backlog'] })
  expect(states(report)).toEqual({
    'retention.explicit': 'fail',
    'retention.agreed': 'skip',
    'compaction.backlog': 'skip',
  })
})

test('a store that cannot be read fails, and the rest is unknown', async () => {
  backend = jsonBackend({ path: join(dir, 'nowhere.ndjson') })
  const report = await run()
  expect(states(report)).toMatchObject({ 'store.clean': 'fail', 'errors.none': 'unknown' })
  expect(report.checks.find(({ id }) => id === 'store.clean')?.mend).toEqual({
    papyra: ['explain', 'store_not_found'],
  })
})

test('memory: fails where a restart matters', async () => {
  backend = memoryBackend({ retention: POLICY })
  await own((papyra) => write(papyra, 1))
  const report = await run({}, { only: ['backend', 'compaction.happening', 'store.verified'] })
  expect(states(report)).toEqual({
    'backend.fits': 'fail',
    'store.verified': 'skip',
    'compaction.happening': 'skip',
  })
})

const GROUP: GroupDescription = {
  ...{ kind: 'event', group: 'mail', consumers: [], pending: 0, oldestPending: null },
  ...{ mostDeliveries: 0, lag: { records: 0, atLeast: false, seconds: null }, lastDelivered: 9 },
  ...{ poison: 0, abandoned: false, vanished: false, samples: [] },
  lastClaim: { at: START, consumer: 'a', claimed: 1, deleted: 0, poison: 0 },
}
const CONSUMER = { name: 'a', pending: 0, idleMs: 1, state: 'alive' } as const
const sample = (pending: number) => ({ at: START, pending, lag: 0 })

test.each<[string, string, Partial<GroupDescription>]>([
  ['groups.pending', 'pass', { pending: 3, samples: [sample(9), sample(3)] }],
  ['groups.pending', 'fail', { pending: 9, samples: [sample(9), sample(9)] }],
  ['groups.pending', 'unknown', { pending: 9 }],
  ['groups.abandoned', 'fail', { abandoned: true }],
  ['groups.claimed', 'unknown', { lastClaim: null, consumers: [CONSUMER] }],
  ['groups.claimed', 'pass', { lastClaim: null }],
])('%s is %s by what the groups are', async (id, state, group) => {
  const inner = backend
  backend = {
    ...inner,
    async open(options) {
      const store = await inner.open(options)
      const groups = { list: async () => [{ ...GROUP, ...group }] }
      return new Proxy(store, {
        get(target, name) {
          if (name === 'groups') return groups
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    },
  }
  const all = states(await run({}, { only: ['groups'] }))
  const usual = { 'groups.pending': 'pass', 'groups.abandoned': 'pass', 'groups.claimed': 'pass' }
  expect(all).toEqual({ ...usual, [id]: state })
})

test('waivers hold until their day is over, and only what they name', async () => {
  const waiver = { id: 'startup.mode', reason: 'migration', owner: 'ada', expires: '2026-11-01' }
  const waivers = [waiver, { ...waiver, id: 'no.such' }]
  const options = { strict: false }
  const held = await run({ mode: 'ignore', waivers }, options)
  expect(held.exit).toBe(0)
  expect(held.checks.find(({ id }) => id === 'startup.mode')).toMatchObject({
    state: 'fail',
    waived: { owner: 'ada' },
  })
  expect(held.deadWaivers.map(({ id }) => id)).toEqual(['no.such'])
  clock.advance(DAY)
  const over = await run({ mode: 'ignore', waivers }, options)
  expect(over.exit).toBe(1)
  expect(over.deadWaivers).toHaveLength(2)
})

test('unknowns are held against it where that is strict, as in production', async () => {
  const development = { environment: 'development' }
  expect((await run(development)).exit).toBe(0)
  expect((await run(development, { strict: true })).exit).toBe(1)
  expect((await run({}, { strict: false })).exit).toBe(0)
  expect((await run({}, { skip: NEVER_KNOWN })).exit).toBe(0)
})

test('names that no item has are refused', async () => {
  await expect(run({}, { only: ['retentoin'] })).rejects.toHaveProperty('code', 'invalid_argument')
})

describe('what was tried', () => {
  const ITEMS = ['failures.tried', 'release.gate', 'failure.explained'] as const
  const tried = async (): Promise<Record<string, string>> =>
    states(await run({}, { only: ITEMS, reports: join(dir, 'reports') }))
  const unknown = {
    'failures.tried': 'unknown',
    'release.gate': 'unknown',
    'failure.explained': 'skip',
  }

  async function keep(kind: 'drill' | 'gate', edit: object = {}, key: string | null = null) {
    const options = { clock, dir, rounds: 1, seed: 5 }
    const report =
      kind === 'drill'
        ? await runDrills(backend, options)
        : await runReleaseGate(backend, { ...options, settings: SETTINGS })
    const kept = signReport(`papyra.${kind}/1`, report, key)
    return keepReport(join(dir, 'reports'), kind, { ...kept, report: { ...report, ...edit } })
  }

  test('is unknown without a report, and told by those that are kept', async () => {
    expect(await tried()).toEqual(unknown)
    await keep('drill')
    // The kill of a compaction was not tried: there is no command to kill.
    expect(await tried()).toEqual({
      ...unknown,
      'failures.tried': 'warn',
      'failure.explained': 'pass',
    })
    const { checks } = await run({}, { only: ITEMS, reports: join(dir, 'reports') })
    expect(checks[0]?.evidence).toMatch(/; unsigned\. Not tried: kill-during-compaction\.$/)
    await keep('gate')
    expect(await tried()).toMatchObject({ 'release.gate': 'pass' })
    clock.advance(31 * DAY)
    expect(await tried()).toMatchObject({ 'release.gate': 'warn' })
  })

  test('fails where a drill or the gate failed, or a report was edited', async () => {
    const { privateKey } = generateSigningKey()
    await keep('drill', {}, privateKey)
    expect(await tried()).toMatchObject({ 'failures.tried': 'warn' })
    clock.advance(1000)
    await keep('drill', { verdict: 'pass' }, privateKey)
    expect(await tried()).toMatchObject({ 'failures.tried': 'warn' })
    clock.advance(1000)
    await keep('drill', { seed: 6 }, privateKey)
    expect(await tried()).toMatchObject({ 'failures.tried': 'fail' })
    await rm(join(dir, 'reports'), { recursive: true })
    const failed = { drill: 'truncate', state: 'fail', met: [] }
    await keep('drill', { drills: [failed] })
    expect(await tried()).toMatchObject({ 'failures.tried': 'fail' })
    await keep('gate', { verdict: 'fail' })
    expect(await tried()).toMatchObject({ 'release.gate': 'fail' })
  })

  test('is not what was tried on another store', async () => {
    await keep('gate', { logId: 'another' })
    await keep('drill', { logId: 'another' })
    expect(await tried()).toEqual(unknown)
  })
})

test('numbers that nobody reads are told of, and a store whose owner went is judged by that time', async () => {
  const read = async (): Promise<(string | undefined)[]> => {
    const { checks } = await run()
    const item = checks.find(({ id }) => id === 'metrics.read')
    return [item?.state, item?.evidence]
  }
  expect(await read()).toEqual(['pass', 'Last read 2026-11-01T00:00:00.000Z.'])
  clock.advance(DAY)
  expect((await read())[0]).toBe('pass')
  await own(async () => undefined)
  expect(await read()).toEqual(['warn', 'Last read 2026-11-01T00:00:00.000Z, and not since.'])
  await own(async (papyra) => {
    papyra.noteMetricsRead('scrape')
  })
  expect(await read()).toEqual(['pass', 'Last read 2026-11-02T00:00:00.000Z.'])
  backend = jsonBackend({ path: join(dir, 'other.ndjson') })
  await own((papyra) => write(papyra, 1))
  expect(await read()).toEqual(['warn', 'Nobody has ever read the numbers.'])
})
