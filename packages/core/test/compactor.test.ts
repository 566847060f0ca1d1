import { PapyraError, type CompactionReport } from '@papyra/contracts'
import {
  memoryBackend,
  openPapyra,
  scheduleCompaction,
  type CompactNowOptions,
  type OpenPapyraOptions,
  type Papyra,
} from '@papyra/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { settled, simulatedTime } from './fixtures/simulated-time.js'

const HOUR = 3_600_000

/** A store in memory that keeps two records, and time that is moved by hand. */
async function opened(
  more: Partial<OpenPapyraOptions> = {},
): Promise<{ papyra: Papyra; time: ReturnType<typeof simulatedTime> }> {
  const time = simulatedTime(Date.parse('2026-03-01T00:00:00Z'))
  const papyra = await openPapyra({
    systemId: 's',
    backend: memoryBackend(),
    retention: { maxRecords: 2 },
    clock: time.clock,
    ...more,
  })
  return { papyra, time }
}

/** As much of a store as a schedule needs, whose compactions do as told. */
function store(compact: (options?: CompactNowOptions) => Promise<CompactionReport>): {
  readonly state: 'open'
  readonly retention: { readonly maxRecords: number }
  readonly compact: typeof compact
  readonly describe: () => Promise<never>
} {
  const describe = (): Promise<never> => Promise.reject(new Error('nothing is known of it'))
  return { state: 'open', retention: { maxRecords: 1 }, compact, describe }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('scheduled compaction', () => {
  test('compacts by the policy of the store, records each run, and ends with the store', async () => {
    const { papyra, time } = await opened()
    const reports: CompactionReport[] = []
    const onReport = (report: CompactionReport): number => reports.push(report)
    scheduleCompaction(papyra, { every: '6h', ...time, onReport })
    for (let round = 1; round <= 3; round += 1) {
      for (let i = 0; i < 5; i += 1) await papyra.recordEvent({ type: 't' })
      await time.run(6 * HOUR)
      expect(reports.map(({ records }) => records.after)).toEqual(Array(round).fill(2))
    }
    const { history } = await papyra.describe()
    expect(history.slice(1)).toMatchObject([
      { what: 'compaction', at: Date.parse('2026-03-01T06:00:00Z'), recordsRemoved: 3 },
      { what: 'compaction', trigger: 'schedule', recordsRemoved: 5, durationMs: 0 },
      { dropped: [{ kind: 'event', reason: 'count', limit: 'maxRecords', records: 5 }] },
    ])
    await papyra.close()
    await time.run(24 * HOUR)
    expect([reports.length, time.waiting()]).toEqual([3, 0])
  })

  test('the first is due since the last one that the store remembers, or its creation', async () => {
    const backend = memoryBackend()
    const { papyra, time } = await opened({ backend })
    await time.run(20 * HOUR)
    const compact = vi.spyOn(papyra, 'compact')
    const first = scheduleCompaction(papyra, { every: '24h', ...time })
    await time.run(4 * HOUR - 1)
    expect(compact).toHaveBeenCalledTimes(0)
    for (let i = 0; i < 3; i += 1) await papyra.recordEvent({ type: 't' })
    await time.run(1)
    expect(compact).toHaveBeenCalledTimes(1)
    await time.run(23 * HOUR)
    await first.stop()
    scheduleCompaction(papyra, { every: '24h', ...time })
    await time.run(HOUR)
    expect(compact).toHaveBeenCalledTimes(2)
    await papyra.close()
  })

  test('a run that removed nothing is recorded too, so that a restart does not run at once', async () => {
    const backend = memoryBackend()
    const { papyra, time } = await opened({ backend })
    const compact = vi.spyOn(papyra, 'compact')
    const first = scheduleCompaction(papyra, { every: '6h', ...time })
    await time.run(18 * HOUR)
    expect(compact).toHaveBeenCalledTimes(3)
    await first.stop()
    const { history } = await papyra.describe()
    expect(history.slice(1)).toMatchObject([
      { what: 'compaction', at: Date.parse('2026-03-01T18:00:00Z'), trigger: 'schedule' },
    ])
    expect(history[1]).toMatchObject({ recordsRemoved: 0, durationMs: 0, dropped: [] })
    scheduleCompaction(papyra, { every: '6h', ...time })
    await time.run(6 * HOUR - 1)
    expect(compact).toHaveBeenCalledTimes(3)
    await time.run(1)
    expect(compact).toHaveBeenCalledTimes(4)
    await papyra.close()
  })

  test('window, jitter and throttle', async () => {
    const asked: (CompactNowOptions | undefined)[] = []
    const time = simulatedTime(Date.parse('2026-03-01T12:00:00Z'))
    const starts: string[] = []
    const compact = (options?: CompactNowOptions): Promise<CompactionReport> => {
      asked.push(options)
      starts.push(new Date(time.clock.now()).toISOString().slice(0, 16))
      return Promise.resolve({} as CompactionReport)
    }
    const schedule = scheduleCompaction(store(compact), {
      every: '12h',
      window: { from: '02:00', to: '05:00', timeZone: 'Europe/Berlin' },
      jitter: 0.1,
      throttle: { bytesPerSecond: 5_000_000 },
      random: () => 0.5,
      ...time,
    })
    await time.run(48 * HOUR)
    expect(starts).toEqual(['2026-03-02T01:36', '2026-03-03T01:36'])
    expect(asked[0]).toMatchObject({ trigger: 'schedule', bytesPerSecond: 5_000_000 })
    expect(asked[0]).not.toHaveProperty('policy')
    await schedule.stop()
  })

  test('an error goes to the hook and the schedule goes on, whatever the hook does', async () => {
    const time = simulatedTime()
    const errors: unknown[] = []
    const refused = new PapyraError('anomalies_found', 'The store is damaged.')
    const schedule = scheduleCompaction(
      store(() => Promise.reject(refused)),
      {
        every: '1h',
        ...time,
        onError(error) {
          errors.push(error)
          throw new Error('hook')
        },
      },
    )
    await time.run(3 * HOUR)
    expect(errors).toEqual([refused, refused, refused])
    await schedule.stop()
  })

  test('without a hook an error is told on the console', async () => {
    const console_ = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const time = simulatedTime()
    const refused = new PapyraError('clock_suspect', 'The clock jumped.')
    const schedule = scheduleCompaction(
      store(() => Promise.reject(refused)),
      { every: '1h', ...time },
    )
    await time.run(HOUR)
    expect(console_.mock.calls).toEqual([['Papyra: a scheduled compaction failed:', refused]])
    await schedule.stop()
  })

  test('stop ends the compaction under way, and is no error', async () => {
    const errors: unknown[] = []
    let signal: AbortSignal | undefined
    const time = simulatedTime()
    const compact = (options?: CompactNowOptions): Promise<CompactionReport> => {
      signal = options?.signal
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new PapyraError('aborted', 'stopped')))
      })
    }
    const onError = (error: unknown): number => errors.push(error)
    const schedule = scheduleCompaction(store(compact), { every: '1h', ...time, onError })
    await time.run(HOUR)
    await schedule.stop()
    await schedule.stop()
    expect([signal?.aborted, errors, time.waiting()]).toEqual([true, [], 0])
  })

  test('with the timers of the platform', async () => {
    const { papyra } = await opened({ retention: { maxRecords: 1 } })
    for (let i = 0; i < 3; i += 1) await papyra.recordEvent({ type: 't' })
    // Its timer keeps no process alive, so something else must while the test waits.
    const alive = setInterval(() => undefined, 1000)
    const report = await new Promise<CompactionReport>((onReport) => {
      scheduleCompaction(papyra, { every: '1ms', onReport })
    })
    expect(report.records).toEqual({ before: 3, after: 1 })
    clearInterval(alive)
    await papyra.close()
  })
})

describe('what makes no sense is refused at once', () => {
  test.each([
    { every: '0s' },
    { every: '1h', jitter: 2 },
    { every: '1h', throttle: { bytesPerSecond: 0 } },
    { every: '1h', window: { from: '02:00', to: '02:00' } },
  ])('%o', async (timing) => {
    const { papyra } = await opened()
    const invalid = expect.objectContaining({ code: 'invalid_argument' })
    expect(() => scheduleCompaction(papyra, timing)).toThrow(invalid)
    await papyra.close()
    const backend = memoryBackend()
    await expect(opened({ backend, compaction: timing })).rejects.toEqual(invalid)
    await expect(backend.open({ access: 'read' })).rejects.toMatchObject({
      code: 'store_not_found',
    })
  })

  test('without a policy', async () => {
    const missing = expect.objectContaining({ code: 'retention_missing' })
    const papyra = await openPapyra({ systemId: 's', backend: memoryBackend() })
    expect(() => scheduleCompaction(papyra, { every: '1h' })).toThrow(missing)
    await papyra.close()
    const compaction = { every: '1h' }
    await expect(
      openPapyra({ systemId: 's', backend: memoryBackend(), compaction }),
    ).rejects.toEqual(missing)
  })
})

test('openPapyra starts what is configured and nothing else, and close ends it', async () => {
  vi.useFakeTimers({ now: Date.parse('2026-03-01T00:00:00Z') })
  const hooks = { onCompaction: vi.fn(), onScrub: vi.fn() }
  const backend = memoryBackend()
  const quiet = await openPapyra({ systemId: 's', backend, retention: { maxRecords: 1 }, hooks })
  await settled()
  // That of the accounts.
  expect(vi.getTimerCount()).toBe(1)
  await quiet.close()
  const papyra = await openPapyra({
    systemId: 's',
    backend,
    retention: { maxRecords: 1 },
    compaction: { every: '2h' },
    scrub: { every: '5h', throttle: { bytesPerSecond: 1e6 } },
    hooks,
  })
  await vi.advanceTimersByTimeAsync(10 * HOUR + 1000)
  expect(hooks.onCompaction).toHaveBeenCalledTimes(5)
  expect(hooks.onScrub).toHaveBeenCalledTimes(2)
  await papyra.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})
