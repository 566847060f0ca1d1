import { PapyraError, type CompactionReport } from '@papyra/contracts'
import { memoryBackend, openPapyra, scheduleCompaction, type Timer } from '@papyra/core'
import { describe, expect, test } from 'vitest'

/** A timer that goes off when told to. */
function manualTimer(): Timer & { fire(): void; waiting(): number[] } {
  let calls: { ms: number; call: () => void }[] = []
  return {
    after(ms, call) {
      const entry = { ms, call }
      calls.push(entry)
      return () => {
        calls = calls.filter((other) => other !== entry)
      }
    },
    fire() {
      const due = calls
      calls = []
      for (const { call } of due) call()
    },
    waiting: () => calls.map(({ ms }) => ms),
  }
}

/** Resolves at the next call of `tell`. */
function bell<T>(): { tell: (told: T) => void; heard: () => Promise<T> } {
  let ring: (told: T) => void = () => undefined
  return {
    tell: (told) => ring(told),
    heard: () => new Promise((resolve) => (ring = resolve)),
  }
}

describe('scheduled compaction', () => {
  test('compacts by the policy of the store, again and again, and ends with the store', async () => {
    const papyra = await openPapyra({
      systemId: 's',
      backend: memoryBackend(),
      retention: { maxRecords: 2 },
    })
    const timer = manualTimer()
    const reports = bell<CompactionReport>()
    const schedule = scheduleCompaction(papyra, { everyMs: 1000, timer, onReport: reports.tell })
    expect(timer.waiting()).toEqual([1000])
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 5; i += 1) await papyra.recordEvent({ type: 't' })
      const heard = reports.heard()
      timer.fire()
      expect((await heard).records.after).toBe(2)
      await Promise.resolve()
      expect(timer.waiting()).toEqual([1000])
    }
    await papyra.close()
    timer.fire()
    await schedule.stop()
    expect(timer.waiting()).toEqual([])
  })

  test('one at a time: the next is planned when the one before has ended', async () => {
    let finish: (report: CompactionReport) => void = () => undefined
    let started = 0
    const store = {
      state: 'open' as const,
      compact: () => {
        started += 1
        return new Promise<CompactionReport>((resolve) => (finish = resolve))
      },
    }
    const timer = manualTimer()
    const reports = bell<CompactionReport>()
    const schedule = scheduleCompaction(store, { everyMs: 5, timer, onReport: reports.tell })
    timer.fire()
    timer.fire()
    expect([started, timer.waiting()]).toEqual([1, []])
    const heard = reports.heard()
    finish({} as CompactionReport)
    await heard
    await Promise.resolve()
    expect(timer.waiting()).toEqual([5])
    await schedule.stop()
    expect(timer.waiting()).toEqual([])
  })

  test('an error goes to the hook and the schedule goes on, whatever the hook does', async () => {
    const papyra = await openPapyra({ systemId: 's', backend: memoryBackend() })
    const timer = manualTimer()
    const errors = bell<unknown>()
    const onError = (error: unknown): never => {
      errors.tell(error)
      throw new Error('hook')
    }
    const schedule = scheduleCompaction(papyra, { everyMs: 1000, timer, onError })
    for (let round = 0; round < 2; round += 1) {
      const heard = errors.heard()
      timer.fire()
      expect(await heard).toMatchObject({ code: 'retention_missing' })
      await Promise.resolve()
      expect(timer.waiting()).toEqual([1000])
    }
    await schedule.stop()
    await papyra.close()
  })

  test('stop ends the compaction under way, and is no error', async () => {
    const errors: unknown[] = []
    let signal: AbortSignal | undefined
    const store = {
      state: 'open' as const,
      compact: (options?: { signal?: AbortSignal }) => {
        signal = options?.signal
        return new Promise<CompactionReport>((_, reject) => {
          signal?.addEventListener('abort', () => reject(new PapyraError('aborted', 'stopped')))
        })
      },
    }
    const timer = manualTimer()
    const schedule = scheduleCompaction(store, {
      everyMs: 5,
      timer,
      onError: (error) => errors.push(error),
    })
    timer.fire()
    await schedule.stop()
    await schedule.stop()
    expect([signal?.aborted, errors, timer.waiting()]).toEqual([true, [], []])
  })

  test('stop waits for the compaction under way', async () => {
    let finish: (report: CompactionReport) => void = () => undefined
    const compact = (): Promise<CompactionReport> => new Promise((resolve) => (finish = resolve))
    const timer = manualTimer()
    const schedule = scheduleCompaction({ state: 'open', compact }, { everyMs: 5, timer })
    timer.fire()
    let stopped = false
    const stopping = schedule.stop().then(() => (stopped = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(stopped).toBe(false)
    finish({} as CompactionReport)
    await stopping
    expect(timer.waiting()).toEqual([])
  })

  test.each([0, -1, Number.NaN, 2 ** 31])('an interval of %d is refused', async (everyMs) => {
    const papyra = await openPapyra({ systemId: 's', backend: memoryBackend() })
    expect(() => scheduleCompaction(papyra, { everyMs })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
    await papyra.close()
  })

  test('with the timers of the platform', async () => {
    const papyra = await openPapyra({
      systemId: 's',
      backend: memoryBackend(),
      retention: { maxRecords: 1 },
    })
    for (let i = 0; i < 3; i += 1) await papyra.recordEvent({ type: 't' })
    const reports = bell<CompactionReport>()
    const heard = reports.heard()
    // Its timer keeps no process alive, so something else must while the test waits.
    const alive = setInterval(() => undefined, 1000)
    const schedule = scheduleCompaction(papyra, { everyMs: 1, onReport: reports.tell })
    expect((await heard).records).toEqual({ before: 3, after: 1 })
    clearInterval(alive)
    await schedule.stop()
    await papyra.close()
  })
})
