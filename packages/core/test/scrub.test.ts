import type { ScanOptions, ScanReport } from '@papyra/contracts'
import { openPapyra, scheduleScrub } from '@papyra/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { damagedStore, tornTail } from './fixtures/damaged-backend.js'
import { simulatedTime } from './fixtures/simulated-time.js'

const HOUR = 3_600_000

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a scrub', () => {
  test('reads everything, throttled, and tells of damage, again each time until it is mended', async () => {
    const store = damagedStore([])
    const time = simulatedTime()
    const papyra = await openPapyra({
      systemId: 's',
      backend: store.definition,
      clock: time.clock,
      startup: { depth: 'since-clean' },
    })
    const asked: ScanOptions[] = []
    store.duringScan = (options) => void asked.push(options)
    const found: ScanReport[] = []
    const all: ScanReport[] = []
    scheduleScrub(papyra, {
      every: '7d',
      throttle: { bytesPerSecond: 1000 },
      ...time,
      onAnomalies: (report) => found.push(report),
      onReport: (report) => all.push(report),
    })
    await time.run(7 * 24 * HOUR)
    expect([all.length, found]).toEqual([1, []])
    expect(asked).toMatchObject([{ coverage: 'full', bytesPerSecond: 1000 }])
    store.damage = [tornTail(true)]
    await time.run(14 * 24 * HOUR)
    expect([all.length, found.length]).toEqual([3, 2])
    expect(found[0]?.anomalyCounts).toEqual({ corrupt_record: 1 })
    await papyra.close()
    await time.run(7 * 24 * HOUR)
    expect([all.length, time.waiting()]).toEqual([3, 0])
  })

  test('is never silent: without a hook damage and failures go to the console', async () => {
    const console_ = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const store = damagedStore([])
    const time = simulatedTime()
    const papyra = await openPapyra({ systemId: 's', backend: store.definition, clock: time.clock })
    scheduleScrub(papyra, { every: '1h', ...time })
    store.damage = [tornTail(true), tornTail()]
    await time.run(HOUR)
    const failure = new Error('The device failed.')
    store.duringScan = () => Promise.reject(failure)
    await time.run(HOUR)
    expect(console_.mock.calls).toEqual([
      ['Papyra: a scrub found damage in memory:damaged: 1 corrupt_record, 1 torn_tail.'],
      ['Papyra: a scrub failed:', failure],
    ])
    await papyra.close()
  })

  test('the first comes so long after the last verification, not after the start', async () => {
    const store = damagedStore([])
    const time = simulatedTime()
    store.described = { verifiedAt: time.clock.now() - 20 * HOUR }
    const papyra = await openPapyra({ systemId: 's', backend: store.definition, clock: time.clock })
    const onReport = vi.fn()
    scheduleScrub(papyra, { every: '24h', ...time, onReport })
    await time.run(4 * HOUR - 1)
    expect(onReport).toHaveBeenCalledTimes(0)
    await time.run(1)
    expect(onReport).toHaveBeenCalledTimes(1)
    await papyra.close()
  })

  test('close stops one that is under way', async () => {
    const store = damagedStore([])
    const time = simulatedTime()
    const papyra = await openPapyra({ systemId: 's', backend: store.definition, clock: time.clock })
    scheduleScrub(papyra, { every: '1h', ...time })
    store.duringScan = ({ signal }) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
    await time.run(HOUR)
    await papyra.close()
    expect(papyra.state).toBe('closed')
  })
})
