import { manualClock, PapyraError, type ScanOptions, type StartupMode } from '@papyra/contracts'
import { checkProductionRules, openPapyra, resolveEnvironment, runGate } from '@papyra/core'
import { memoryBackend, type OpenPapyraOptions, type StartupOptions } from '@papyra/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { damagedStore, leftOpen, tornTail, type DamagedStore } from './fixtures/damaged-backend.js'

function start(
  store: DamagedStore,
  startup: StartupOptions,
  rest: Partial<OpenPapyraOptions> = {},
) {
  return openPapyra({ systemId: 'shop', backend: store.definition, startup, ...rest })
}

function code(name: string): unknown {
  return expect.objectContaining({ code: name })
}

/** The store is closed, and nobody holds its lock. */
async function expectReleased(store: DamagedStore): Promise<void> {
  expect(leftOpen(store)).toBe(0)
  const next = await store.definition.open({ access: 'write', create: 'if-missing', waitLockMs: 0 })
  await next.close()
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

describe('how deep it looks', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')
  const verifiedAt = now - 3_600_000
  const unread = { files: 12, bytes: 3_100_000_000, verifiedAt }

  test('everything, unless it is asked not to', async () => {
    for (const startup of [{}, { depth: 'full' }] as const) {
      const store = damagedStore([])
      store.unread = unread
      const papyra = await start(store, startup)
      expect(store.calls[1]).toBe('scan:full')
      expect(papyra.startupReport.depth).toEqual({ asked: 'full', done: 'full', detail: null })
      await papyra.close()
    }
  })

  test('since-clean says what it did not read, and when that was last verified', async () => {
    const store = damagedStore([])
    store.unread = unread
    const asked: ScanOptions[] = []
    store.duringScan = (options) => void asked.push(options)
    const papyra = await start(store, { depth: 'since-clean', maxVerifiedAgeMs: 7_200_000 })
    expect(asked).toMatchObject([{ coverage: 'auto', maxVerifiedAgeMs: 7_200_000 }])
    expect(papyra.startupReport).toMatchObject({
      allowed: true,
      depth: {
        asked: 'since-clean',
        done: 'since-clean',
        detail: 'did not read 3100000000 bytes in 12 files, last verified 2026-03-01T11:00:00.000Z',
      },
      reason: 'What was read of the store is clean.',
    })
    await papyra.close()
    await (await start(store, { depth: 'since-clean' })).close()
    expect(asked[1]).toMatchObject({ maxVerifiedAgeMs: 86_400_000 })
  })

  test.each([
    ['was not closed cleanly', { clean: false, verifiedAt }],
    ['was never verified', { clean: true, verifiedAt: null }],
    ['2026-02-27T12:00:00.000Z, longer ago than', { clean: true, verifiedAt: now - 172_800_000 }],
    ['ahead of the clock', { clean: true, verifiedAt: now + 1 }],
    ['changed since it was closed', { clean: true, verifiedAt }],
  ])('since-clean that read everything says why: %s', async (why, described) => {
    const store = damagedStore([])
    store.described = described
    const papyra = await start(store, { depth: 'since-clean' }, { clock: manualClock(now) })
    expect(papyra.startupReport.depth).toEqual({
      asked: 'since-clean',
      done: 'full',
      detail: expect.stringMatching(`^read everything: .*${why}`),
    })
    await papyra.close()
  })

  test('what is damaged is read in full again after its recovery', async () => {
    const store = damagedStore([tornTail()])
    store.unread = unread
    const papyra = await start(store, { depth: 'since-clean', mode: 'recover' })
    expect(store.calls.slice(0, 4)).toEqual([
      'open:write',
      'scan:auto',
      'recover:repair',
      'scan:full',
    ])
    expect(papyra.startupReport.depth).toMatchObject({ done: 'full' })
    await papyra.close()
  })

  test('ignore looks at nothing', async () => {
    const { backend, report } = await runGate(memoryBackend(), { mode: 'ignore' })
    expect(report.depth).toBeNull()
    await backend.close()
  })

  test.each([
    { depth: 'auto' as never },
    { maxVerifiedAgeMs: -1 },
    { maxVerifiedAgeMs: Number.NaN },
  ])('%o is refused', async (startup) => {
    await expect(start(damagedStore([]), startup)).rejects.toEqual(code('invalid_argument'))
  })
})

describe('the modes', () => {
  test('fail_on_anomaly is the default and refuses, naming what and where', async () => {
    const store = damagedStore([tornTail(), tornTail(true)])
    await expect(start(store, {})).rejects.toMatchObject({
      code: 'startup_refused',
      message: expect.stringContaining('1 torn_tail, 1 corrupt_record'),
      details: {
        anomaliesTotal: 2,
        anomalyCounts: { torn_tail: 1, corrupt_record: 1 },
        anomalies: [
          { code: 'torn_tail', path: '/data/shop.ndjson', offset: 4096, loss: false, seq: null },
          { code: 'corrupt_record', seq: { first: 3, last: 3 }, loss: true },
        ],
        consent: { acceptLoss: true, force: false },
      },
    })
    expect(store.calls).toEqual(['open:write', 'scan:full', 'close'])
    await expectReleased(store)
  })

  test('the refusal lists the first ten anomalies and counts all', async () => {
    const store = damagedStore(Array.from({ length: 25 }, () => tornTail()))
    const refused: unknown = await start(store, {}).catch((thrown: unknown) => thrown)
    const { details } = refused as PapyraError
    expect(details['anomaliesTotal']).toBe(25)
    expect(details['anomalies']).toHaveLength(10)
  })

  test('fail_on_anomaly lets a clean store start', async () => {
    const store = damagedStore([])
    const papyra = await start(store, { depth: 'full' })
    expect(store.calls).toEqual(['open:write', 'scan:full', 'begin:refuse'])
    expect(papyra.startupReport).toMatchObject({
      allowed: true,
      code: null,
      recovery: null,
      after: null,
    })
    expect((await papyra.recordEvent({ type: 't' })).seq).toBe(1)
    await papyra.close()
  })

  test('ignore does not look, and sets an unfinished tail aside', async () => {
    const store = damagedStore([tornTail()])
    const papyra = await start(store, { mode: 'ignore' })
    expect(store.calls).toEqual(['open:write', 'begin:set_tail_aside'])
    expect(papyra.startupReport).toMatchObject({ allowed: true, scan: null })
    await papyra.close()
  })

  test('scan_only looks, reports and starts', async () => {
    const store = damagedStore([tornTail()])
    const reports: unknown[] = []
    const hooks = { onStartup: (report: unknown) => reports.push(report) }
    const papyra = await start(store, { mode: 'scan_only' }, { hooks })
    expect(store.calls).toEqual(['open:write', 'scan:full', 'begin:set_tail_aside'])
    expect(papyra.startupReport.scan).toMatchObject({ clean: false, anomaliesTotal: 1 })
    expect(reports).toEqual([papyra.startupReport])
    await papyra.close()
  })

  test('recover recovers, scans again in full, and starts', async () => {
    const store = damagedStore([tornTail()])
    const papyra = await start(store, { mode: 'recover' })
    const steps = ['open:write', 'scan:full', 'recover:repair', 'scan:full', 'begin:refuse']
    expect(store.calls).toEqual(steps)
    const { scan, recovery, after } = papyra.startupReport
    expect([scan?.clean, recovery?.changed, after?.clean]).toEqual([false, true, true])
    await papyra.close()
  })

  test('recover leaves a clean store alone', async () => {
    const store = damagedStore([])
    const papyra = await start(store, { mode: 'recover' })
    expect(store.calls).toEqual(['open:write', 'scan:full', 'begin:refuse'])
    await papyra.close()
  })

  test('recover refuses if the second scan is not clean, whatever the recovery said', async () => {
    const store = damagedStore([tornTail()])
    store.leaves = [tornTail(true)]
    const refusal = { code: 'startup_refused', details: { anomalyCounts: { corrupt_record: 1 } } }
    await expect(start(store, { mode: 'recover' })).rejects.toMatchObject(refusal)
    expect(store.calls).toEqual(['open:write', 'scan:full', 'recover:repair', 'scan:full', 'close'])
    await expectReleased(store)
  })

  test('recover hands consent and folder on, and asks for consent otherwise', async () => {
    const store = damagedStore([tornTail(true)])
    const recovery = { mode: 'quarantine', quarantineDir: '/q' } as const
    const asked = start(store, { mode: 'recover', recovery })
    await expect(asked).rejects.toEqual(code('accept_loss_required'))
    await expectReleased(store)
    store.beforeRecovery = (options) => {
      expect(options).toMatchObject({
        mode: 'quarantine',
        quarantineDir: '/q',
        acceptLoss: true,
        force: true,
      })
    }
    const papyra = await start(store, { mode: 'recover', recovery, acceptLoss: true, force: true })
    expect(store.calls).toContain('recover:quarantine')
    await papyra.close()
  })
})

describe('refused before the store is touched', () => {
  const retention = { maxRecords: 10 }

  test.each<[string, StartupOptions, Partial<OpenPapyraOptions>]>([
    ['mode_forbidden', { mode: 'ignore' }, { environment: 'production', retention }],
    ['retention_missing', {}, { environment: 'Production' }],
    ['retention_missing', {}, { environment: 'production', retention: { perKind: { event: {} } } }],
    ['invalid_policy', {}, { retention: { maxRecords: 0 } }],
    ['quarantine_dir_required', { mode: 'recover', recovery: { mode: 'quarantine' } }, {}],
    ['invalid_argument', { timeBudgetMs: 0 }, {}],
    ['invalid_argument', { mode: 'recovr' as 'recover' }, {}],
    ['invalid_argument', { recovery: { mode: 'mend' as 'repair' } }, {}],
    ['invalid_argument', {}, { create: 'always' as 'never' }],
    ['invalid_argument', {}, { systemId: '' }],
  ])('%s: %o %o', async (name, startup, rest) => {
    const store = damagedStore([])
    await expect(start(store, startup, rest)).rejects.toEqual(code(name))
    expect(store.calls).toEqual([])
  })

  test('production is NODE_ENV unless the configuration says otherwise', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const store = damagedStore([])
    await expect(start(store, { mode: 'ignore' })).rejects.toEqual(code('mode_forbidden'))
    const papyra = await start(store, { mode: 'ignore' }, { environment: 'development' })
    await papyra.close()
    expect([resolveEnvironment(), resolveEnvironment('Staging')]).toEqual(['production', 'staging'])
    vi.stubEnv('NODE_ENV', '')
    expect(resolveEnvironment()).toBe('development')
  })

  test('outside production everything is allowed', () => {
    expect(() => checkProductionRules({ environment: 'test', mode: 'ignore' })).not.toThrow()
  })

  test('a policy without a limit is no policy', () => {
    const settings = { environment: 'production', mode: 'recover' } as const
    const rules = (retention: object | null) => () =>
      checkProductionRules({ ...settings, retention })
    for (const none of [null, {}, { perKind: {} }, { perKind: { event: {} } }]) {
      expect(rules(none)).toThrow(expect.objectContaining({ code: 'retention_missing' }))
    }
    expect(rules({ perKind: { event: { maxRecords: 1 } } })).not.toThrow()
  })
})

describe('opening', () => {
  test('makes a missing store, but not in production unless told to', async () => {
    const retention = { maxRecords: 10 }
    const options = { systemId: 'shop', environment: 'production', retention }
    const backend = memoryBackend()
    await expect(openPapyra({ ...options, backend })).rejects.toEqual(code('store_not_found'))
    const never = openPapyra({ systemId: 'shop', backend, create: 'never' })
    await expect(never).rejects.toEqual(code('store_not_found'))
    await (await openPapyra({ ...options, backend, create: 'if-missing' })).close()
    await (await openPapyra({ ...options, backend })).close()
  })

  test('hands on the expected id and the time to wait', async () => {
    const backend = memoryBackend({ logId: 'one' })
    const papyra = await openPapyra({ systemId: 'shop', backend, expectLogId: 'one' })
    expect(papyra.logId).toBe('one')
    const locked = openPapyra({ systemId: 'shop', backend, waitLockMs: 0 })
    await expect(locked).rejects.toEqual(code('store_locked'))
    await papyra.close()
    const wrong = openPapyra({ systemId: 'shop', backend, expectLogId: 'two' })
    await expect(wrong).rejects.toEqual(code('wrong_log'))
  })

  test('records the policy of the owner with the store, and no policy as none', async () => {
    const backend = memoryBackend()
    const first = await openPapyra({ systemId: 'shop', backend, retention: { maxRecords: 5 } })
    expect((await first.describe()).retention).toEqual({ maxRecords: 5 })
    await first.close()
    const second = await openPapyra({ systemId: 'shop', backend })
    expect((await second.describe()).retention).toBeNull()
    await second.close()
  })

  test('if begin fails, the store is closed and unlocked', async () => {
    const store = damagedStore([])
    store.beforeBegin = () => {
      throw new PapyraError('upgrade_required', 'A plain log.')
    }
    await expect(start(store, {})).rejects.toEqual(code('upgrade_required'))
    await expectReleased(store)
  })

  test('runGate gives the open store, not begun', async () => {
    const store = damagedStore([tornTail()])
    const { backend, report } = await runGate(store.definition, { mode: 'recover' })
    expect(report.reason).toBe(
      'The store had anomalies (1 torn_tail); it was recovered and is clean now.',
    )
    const early = backend.append([{ kind: 'event', timestamp: 0, members: '"a":1' }])
    await expect(early).rejects.toEqual(code('not_begun'))
    await backend.close()
    await expectReleased(store)
  })
})

describe('time budget and abort', () => {
  const untilAborted = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))

  test('a scan that takes too long is stopped; nothing was changed', async () => {
    const store = damagedStore([tornTail()])
    store.duringScan = ({ signal }) => untilAborted(signal)
    const late = start(store, { mode: 'recover', timeBudgetMs: 1 })
    await expect(late).rejects.toEqual(code('time_budget_exceeded'))
    expect(store.calls).toEqual(['open:write', 'scan:full', 'close'])
    await expectReleased(store)
  })

  test('a scan that does not listen is measured', async () => {
    const clock = manualClock()
    const store = damagedStore([tornTail()])
    store.duringScan = () => clock.advance(60_000)
    const late = start(store, { mode: 'recover', timeBudgetMs: 60_000 }, { clock })
    await expect(late).rejects.toEqual(code('time_budget_exceeded'))
    expect(store.calls).not.toContain('recover:repair')
    await expectReleased(store)
  })

  test('a recovery that takes too long is stopped before it changes anything', async () => {
    const store = damagedStore([tornTail()])
    store.beforeRecovery = ({ signal }) => untilAborted(signal)
    const late = start(store, { mode: 'recover', timeBudgetMs: 50 })
    await expect(late).rejects.toEqual(code('time_budget_exceeded'))
    expect(store.damage).toHaveLength(1)
    await expectReleased(store)
  })

  test('once the store was changed, the second scan is not cut short by time', async () => {
    vi.useFakeTimers()
    const store = damagedStore([tornTail()])
    store.duringScan = ({ signal }) => {
      if (!store.calls.includes('recover:repair')) return
      vi.advanceTimersByTime(3_600_000)
      expect(signal?.aborted).toBe(false)
    }
    const papyra = await start(store, { mode: 'recover', timeBudgetMs: 60_000 })
    expect(papyra.startupReport.after?.clean).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
    await papyra.close()
  })

  test.each<StartupMode>(['scan_only', 'fail_on_anomaly', 'recover'])(
    'abort in %s',
    async (mode) => {
      const store = damagedStore([tornTail()])
      const stop = new AbortController()
      store.duringScan = () => stop.abort()
      await expect(start(store, { mode, signal: stop.signal })).rejects.toEqual(code('aborted'))
      expect(store.calls).toEqual(['open:write', 'scan:full', 'close'])
      await expectReleased(store)
    },
  )

  test('aborted beforehand: the store is not opened', async () => {
    const store = damagedStore([])
    await expect(start(store, { signal: AbortSignal.abort() })).rejects.toEqual(code('aborted'))
    expect(store.calls).toEqual([])
  })

  test('progress is passed on', async () => {
    const phases: string[] = []
    const papyra = await openPapyra({
      systemId: 'shop',
      backend: memoryBackend(),
      startup: { onProgress: ({ phase }) => phases.push(phase), timeBudgetMs: 600_000 },
    })
    expect(phases).toEqual(['scan'])
    await papyra.close()
  })
})
