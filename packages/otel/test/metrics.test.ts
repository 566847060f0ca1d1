import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics'
import { manualClock, systemClock, type Clock } from '@papyra/contracts'
import { memoryBackend, openPapyra, type Papyra } from '@papyra/core'
import { instrumentPapyra } from '@papyra/otel'
import { expect, test } from 'vitest'
import { ALL } from './support/expected.js'
import { ManualReader, provider } from './support/readers.js'

function open(systemId: string = 'shop', clock: Clock = systemClock): Promise<Papyra> {
  return openPapyra({ systemId, backend: memoryBackend(), clock, intake: { capacity: 3 } })
}

/** Three events, of five that were offered, and one that is no event. */
async function busy(systemId?: string, clock?: Clock): Promise<Papyra> {
  const papyra = await open(systemId, clock)
  papyra.intake.event({ type: '' })
  for (let n = 0; n < 5; n++) papyra.intake.event({ type: 'tick', payload: n })
  await papyra.flush()
  return papyra
}

test('every number has its name, unit and kind, and a value from the first collection on', async () => {
  const papyra = await open()
  const reader = new ManualReader()
  instrumentPapyra(papyra, { meterProvider: provider(reader) })
  const metrics = await reader.metrics()
  expect([...metrics.keys()].sort()).toEqual(ALL.map(({ name }) => name).sort())
  for (const { name, type, unit, description } of ALL) {
    const metric = metrics.get(name)
    expect(metric?.descriptor).toMatchObject({ unit, description })
    const sum = metric?.dataPointType === DataPointType.SUM ? metric : null
    if (type === 'counter') expect(sum?.isMonotonic, name).toBe(true)
    else expect(sum?.isMonotonic ?? false, name).toBe(false)
    expect(metric?.dataPoints.length, name).toBeGreaterThan(0)
    for (const { attributes } of metric?.dataPoints ?? []) {
      expect(attributes).toMatchObject({
        'papyra.store.name': 'shop',
        'papyra.backend.name': 'memory',
      })
    }
  }
  const dropped = metrics.get('papyra.fact.dropped')?.dataPoints
  const reasons = dropped?.map(({ attributes }) => attributes['papyra.drop.reason'])
  expect(reasons).toEqual(['full', 'invalid', 'too_large', 'store_failed', 'closed'])
  await papyra.close()
})

test('a constant snapshot stays constant through ten collections and three readers', async () => {
  // The time of the last reading stands still too.
  const papyra = await busy('shop', manualClock())
  const readers = [new ManualReader(), new ManualReader(), new ManualReader()]
  instrumentPapyra(papyra, { meterProvider: provider(...readers) })
  const [first] = readers
  await first?.values()
  const before = await first?.values()
  expect(before).toMatchObject({
    'papyra.record.written': 3,
    'papyra.fact.offered': 6,
    'papyra.fact.written': 3,
    'papyra.fact.dropped full': 2,
    'papyra.fact.dropped invalid': 1,
    'papyra.fact.waiting': 0,
  })
  for (let round = 0; round < 10; round++) {
    for (const reader of readers) expect(await reader.values()).toEqual(before)
  }
  await papyra.close()
})

test('a reader of deltas gets each change once', async () => {
  const papyra = await busy()
  const clock = manualClock()
  const reader = new ManualReader(AggregationTemporality.DELTA)
  instrumentPapyra(papyra, { meterProvider: provider(reader), clock, cacheMs: 1 })
  const written = async (): Promise<number | undefined> => {
    clock.advance(10)
    return (await reader.values())['papyra.record.written']
  }
  expect([await written(), await written()]).toEqual([3, 0])
  await papyra.recordEvent({ type: 'tick' })
  expect([await written(), await written()]).toEqual([1, 0])
  await papyra.close()
})

test('of two stores with one name the second is refused; with names of their own both are told', async () => {
  const [one, two] = [await busy(), await open()]
  const reader = new ManualReader()
  const meterProvider = provider(reader)
  const first = instrumentPapyra(one, { meterProvider })
  expect(() => instrumentPapyra(two, { meterProvider })).toThrow(
    expect.objectContaining({ code: 'invalid_argument' }),
  )
  // Another provider knows nothing of it.
  instrumentPapyra(two, { meterProvider: provider(new ManualReader()) })
  instrumentPapyra(two, { meterProvider, storeName: 'shop-2' })
  const points = (await reader.metrics()).get('papyra.record.written')?.dataPoints ?? []
  expect(points.map(({ attributes, value }) => [attributes['papyra.store.name'], value])).toEqual([
    ['shop', 3],
    ['shop-2', 0],
  ])
  first.unregister()
  first.unregister()
  expect(() => instrumentPapyra(one, { meterProvider })).not.toThrow()
  await one.close()
  await two.close()
})

test('a store that does not answer leaves what its owner knows by itself', async () => {
  const papyra = await busy()
  const silent = new Proxy(papyra, {
    get(target, name) {
      if (name === 'describe') return () => new Promise(() => {})
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const reader = new ManualReader()
  instrumentPapyra(silent, { meterProvider: provider(reader), patienceMs: 1 })
  const values = await reader.values()
  expect(values['papyra.fact.offered']).toBe(6)
  expect(values).not.toHaveProperty(['papyra.record.written'])
  await papyra.close()
})

test('consumer groups are told where they are given; what nobody can tell is absent', async () => {
  const papyra = await open()
  const group = { kind: 'event', group: 'billing', pending: 3, poison: 0, abandoned: true }
  const lag = { records: null, atLeast: false, seconds: null }
  const groups = { list: () => Promise.resolve([{ ...group, lag }]) }
  const reader = new ManualReader()
  instrumentPapyra(papyra, { meterProvider: provider(reader), groups })
  const metrics = await reader.metrics()
  for (const [name, value] of [
    ['pending', 3],
    ['poison', 0],
    ['abandoned', 1],
  ] as const) {
    const [point] = metrics.get(`papyra.group.${name}`)?.dataPoints ?? []
    expect([point?.value, point?.attributes['papyra.group.name']]).toEqual([value, 'event/billing'])
  }
  expect(metrics.get('papyra.group.lag')?.dataPoints ?? []).toEqual([])
  await papyra.close()
})

test('after the end of the store, and of the instrumentation', async () => {
  const papyra = await busy('shop', manualClock())
  const clock = manualClock()
  const reader = new ManualReader()
  const options = { meterProvider: provider(reader), clock, cacheMs: 1 }
  const { unregister } = instrumentPapyra(papyra, options)
  await reader.values()
  const before = await reader.values()
  await papyra.close()
  clock.advance(10)
  expect(await reader.values()).toEqual(before)
  unregister()
  const calls = { describe: 0 }
  const counted = new Proxy(papyra, {
    get(target, name) {
      if (name === 'describe') calls.describe += 1
      return Reflect.get(target, name, target) as unknown
    },
  })
  const again = instrumentPapyra(counted, options)
  again.unregister()
  await reader.collect()
  expect(calls.describe).toBe(0)
})

test('bad options are refused', async () => {
  const papyra = await open()
  for (const options of [{ cacheMs: 0 }, { patienceMs: Number.NaN }]) {
    const meterProvider = provider(new ManualReader())
    expect(() => instrumentPapyra(papyra, { ...options, meterProvider })).toThrow('positive')
    // What is refused has no name.
    expect(() => instrumentPapyra(papyra, { meterProvider })).not.toThrow()
  }
  await papyra.close()
})

test('a collection tells when the numbers were read before, and is noted itself', async () => {
  const clock = manualClock(50_000)
  const papyra = await open('shop', clock)
  const reader = new ManualReader()
  instrumentPapyra(papyra, { meterProvider: provider(reader) })
  const name = 'papyra.metrics.read.timestamp'
  const first = await reader.values()
  expect(first).toMatchObject({ [`${name} scrape`]: 0, [`${name} export`]: 0 })
  clock.advance(1000)
  expect(await reader.values()).toMatchObject({ [`${name} scrape`]: 0, [`${name} export`]: 50 })
  expect(papyra.metricsReadAt).toEqual({ scrape: null, export: 51_000 })
  await papyra.close()
})
