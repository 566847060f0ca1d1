import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra } from '@papyra/core'
import { instrumentPapyra } from '@papyra/otel'
import { expect, test } from 'vitest'
import { expectDefinitions, pointsOf } from './support/expected.js'
import { provider } from './support/readers.js'
import { Receiver } from './support/receiver.js'

test('OTLP over HTTP in protobuf: names, units, kinds, and values over a reset and a restart', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-otlp-'))
  const backend = jsonBackend({ path: join(dir, 'shop.ndjson') })
  const receiver = new Receiver()
  const url = await receiver.listen()
  const starts: string[] = []
  /** One process of the service: so many events, then what the receiver got. */
  const run = async (events: number, reset: boolean): Promise<number> => {
    const papyra = await openPapyra({ systemId: 'shop', backend })
    const exporter = new OTLPMetricExporter({ url })
    const exportIntervalMillis = 3_600_000
    const meterProvider = provider(
      new PeriodicExportingMetricReader({ exporter, exportIntervalMillis }),
    )
    instrumentPapyra(papyra, { meterProvider, cacheMs: 1 })
    for (let n = 0; n < events; n++) papyra.intake.event({ type: 'tick', payload: n })
    await papyra.flush()
    await meterProvider.forceFlush()
    const written = pointsOf(receiver.received.get('papyra.record.written'))
    starts.push(String(written[0]?.startTimeUnixNano))
    await meterProvider.shutdown()
    await papyra.close()
    if (reset) {
      const store = await backend.open({ access: 'write' })
      await store.resetMetrics()
      await store.close()
    }
    return Number(written[0]?.asInt)
  }
  expect(await run(3, true)).toBe(3)
  expectDefinitions(receiver)
  // Totals are the store's: neither a reset nor a restart takes anything away.
  expect(await run(2, false)).toBe(5)
  expect(await run(0, false)).toBe(5)
  expect(new Set(starts).size).toBe(3)
  const offered = pointsOf(receiver.received.get('papyra.fact.offered'))
  expect(offered.map(({ asInt }) => asInt)).toEqual(['5'])
  expect(receiver.requests).toBeGreaterThanOrEqual(3)
  receiver.close()
  await rm(dir, { recursive: true })
})
