import { PapyraError, isPapyraError, type RecordMeta } from '@papyra/contracts'
import { planRetention } from '@papyra/retention'
import { describe, expect, it } from 'vitest'
import { NOW, Source, keptSeqs, record, series, stream } from './support/records.js'

const options = { now: NOW }

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  return isPapyraError(error) ? error.code : `no PapyraError: ${String(error)}`
}

describe('passes over the records', () => {
  it.each([
    ['no limit', {}],
    ['age', { maxAgeSeconds: 5 }],
    ['count', { maxRecords: 5 }],
    ['count and bytes', { maxRecords: 5, maxTotalBytes: 30 }],
    ['limits of kinds', { perKind: { event: { maxRecords: 5 }, audit: { maxTotalBytes: 9 } } }],
  ])('one is enough for %s', async (_, policy) => {
    const source = new Source([...series(1, 20), ...series(21, 5, { kind: 'audit', age: 9 })])
    await planRetention(source.read, policy, options)
    expect(source.passes).toBe(1)
  })

  it('one is enough where nothing exceeds the log-wide limit, protected kinds included', async () => {
    const policy = { maxRecords: 7, perKind: { dead_letter: { maxRecords: 4 } } }
    const roomy = new Source([...series(1, 3, { kind: 'dead_letter' }), ...series(4, 4)])
    await planRetention(roomy.read, policy, options)
    expect(roomy.passes).toBe(1)
    const tight = new Source([...series(1, 3, { kind: 'dead_letter' }), ...series(4, 5)])
    const plan = await planRetention(tight.read, policy, options)
    expect(tight.passes).toBe(2)
    expect(keptSeqs(plan, tight.records)).toEqual([1, 2, 3, 5, 6, 7, 8])
  })

  it('one is enough where every kind has the limit of its own, met or not', async () => {
    const own = { maxRecords: 9 }
    const policy = { maxRecords: 2, perKind: { event: own, audit: own, dead_letter: own } }
    const source = new Source(series(1, 5))
    await planRetention(source.read, policy, options)
    expect(source.passes).toBe(1)
  })

  it('three are needed where bytes depend on a count that depends on protected kinds', async () => {
    const source = new Source([
      ...series(1, 2, { kind: 'dead_letter' }),
      ...series(3, 2, { kind: 'audit' }),
      ...series(5, 2),
    ])
    const policy = {
      maxRecords: 4,
      maxTotalBytes: 30,
      perKind: { dead_letter: { maxRecords: 5 }, audit: { maxTotalBytes: 1000 } },
    }
    const plan = await planRetention(source.read, policy, options)
    expect(source.passes).toBe(3)
    expect(keptSeqs(plan, source.records)).toEqual([2, 5, 6])
  })

  it('leave out what is appended between them', async () => {
    const store = [...series(1, 3, { kind: 'dead_letter' }), ...series(4, 5)]
    let passes = 0
    const read = (): AsyncIterable<RecordMeta> => {
      passes += 1
      const later = passes === 1 ? [] : series(100, 50, { kind: 'dead_letter' })
      return new Source([...store, ...later]).read()
    }
    const policy = { maxRecords: 5, perKind: { dead_letter: { maxRecords: 4 } } }
    const plan = await planRetention(read, policy, options)
    expect(passes).toBe(2)
    expect(plan.newestSeq).toBe(8)
    expect(plan.total.records).toBe(8)
    expect(keptSeqs(plan, store)).toEqual([1, 2, 3, 7, 8])
  })

  it.each([
    ['an event that the limit may take', 6],
    ['a dead letter that it may not', 2],
  ])('reject with stale_plan if %s went away between them', async (_, gone) => {
    const store = [...series(1, 3, { kind: 'dead_letter' }), ...series(4, 5)]
    let passes = 0
    const read = (): AsyncIterable<RecordMeta> => {
      passes += 1
      return new Source(passes === 1 ? store : store.filter((meta) => meta.seq !== gone)).read()
    }
    const policy = { maxRecords: 5, perKind: { dead_letter: { maxRecords: 4 } } }
    expect(await codeOf(planRetention(read, policy, options))).toBe('stale_plan')
  })
})

describe('memory', () => {
  it('a plan is as small for 100 000 records of 100 000 unknown kinds as for ten', async () => {
    async function* many(): AsyncGenerator<RecordMeta> {
      for (let seq = 200_000; seq > 0; seq--) {
        yield record(seq, { kind: seq % 2 === 0 ? 'event' : `kind ${seq}` })
      }
    }
    const plan = await planRetention(many, { maxRecords: 150_000, maxAgeSeconds: 5 }, options)
    expect(plan.kept.records).toBe(150_000)
    expect(JSON.stringify(plan).length).toBeLessThan(2000)
  })

  it('takes one record at a time and lets go of the source at the end', async () => {
    const store = series(1, 50)
    let given = 0
    let closed = 0
    async function* source(): AsyncGenerator<RecordMeta> {
      try {
        for (const meta of [...store].reverse()) {
          given += 1
          yield meta
        }
      } finally {
        closed += 1
      }
    }
    await planRetention(source, { maxRecords: 3 }, options)
    expect({ given, closed }).toEqual({ given: 50, closed: 1 })
  })
})

describe('refusals', () => {
  it.each([
    ['in rising order', [record(1), record(2)]],
    ['twice', [record(2), record(2)]],
    ['without a number', [record(Number.NaN)]],
    ['with the number zero', [record(0)]],
    ['without a size', [record(1, { bytes: Number.NaN })]],
    ['of no bytes', [record(1, { bytes: 0 })]],
  ])('records %s are refused', async (_, records) => {
    const promise = planRetention(() => stream(records), { maxRecords: 5 }, options)
    expect(await codeOf(promise)).toBe('invalid_argument')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 2])(
    'now = %s is refused',
    async (now) => {
      expect(await codeOf(planRetention(() => stream([]), {}, { now }))).toBe('invalid_argument')
    },
  )

  it('a wrong policy is refused before anything is read', async () => {
    const source = new Source(series(1, 3))
    expect(await codeOf(planRetention(source.read, { maxRecords: 0 }, options))).toBe(
      'invalid_policy',
    )
    expect(source.passes).toBe(0)
  })

  it('an abort stops the pass within 1024 records and closes the source', async () => {
    const controller = new AbortController()
    let given = 0
    let closed = false
    async function* source(): AsyncGenerator<RecordMeta> {
      try {
        for (let seq = 1_000_000; seq > 0; seq--) {
          given += 1
          if (given === 10) controller.abort()
          yield record(seq)
        }
      } finally {
        closed = true
      }
    }
    const promise = planRetention(source, {}, { now: NOW, signal: controller.signal })
    expect(await codeOf(promise)).toBe('aborted')
    expect(given).toBeLessThanOrEqual(1024)
    expect(closed).toBe(true)
  })

  it('an abort beforehand reads nothing', async () => {
    const source = new Source(series(1, 3))
    let given = 0
    async function* counted(): AsyncGenerator<RecordMeta> {
      for await (const meta of source.read()) {
        given += 1
        yield meta
      }
    }
    const signal = AbortSignal.abort()
    expect(await codeOf(planRetention(counted, {}, { now: NOW, signal }))).toBe('aborted')
    expect(given).toBe(0)
  })

  it('an error of the source reaches the caller as it is', async () => {
    const fault = new PapyraError('io_error', 'The device is gone.')
    async function* source(): AsyncGenerator<RecordMeta> {
      yield record(1)
      throw fault
    }
    await expect(planRetention(source, {}, options)).rejects.toBe(fault)
  })
})
