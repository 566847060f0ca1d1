import { rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra, type Papyra } from '@papyra/core'
import { instrumentPapyra } from '@papyra/otel'
import { sideBySide, type Row } from './table.js'

/** Records so many events, `waiting` of them at a time, while `watch` looks at the store. */
async function record(
  path: string,
  events: number,
  watch: (papyra: Papyra) => () => Promise<void>,
): Promise<void> {
  for (const ending of ['', '.mark', '.meta.json', '.lock', '.accounts']) {
    rmSync(path + ending, { force: true })
  }
  const backend = jsonBackend({ path, ack: 'flushed' })
  const papyra = await openPapyra({ systemId: 'bench', backend })
  const stop = watch(papyra)
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < events) {
      next += 1
      await papyra.recordEvent({ type: 'order.placed', payload: { id: `A${next}`, total: next } })
    }
  }
  await Promise.all(Array.from({ length: 256 }, caller))
  await stop()
  await papyra.close()
}

/** A reader that collects every second, sixty times as often as the SDK does unless told otherwise. */
function observed(papyra: Papyra): () => Promise<void> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const { unregister } = instrumentPapyra(papyra, { meterProvider })
  return async () => {
    await meterProvider.shutdown()
    unregister()
  }
}

/** What appends cost while OpenTelemetry observes the store. */
export async function observing(dir: string, rounds: number, events: number): Promise<Row> {
  const nobody = () => (): Promise<void> => Promise.resolve()
  const times = await sideBySide(
    rounds,
    () => record(join(dir, 'observed.ndjson'), events, observed),
    () => record(join(dir, 'alone.ndjson'), events, nobody),
  )
  const [rate, peerRate] = [events / times.ours, events / times.peer]
  return {
    question: 'recording, 256 waiting, @papyra/otel registered',
    peer: 'the same without it',
    ratio: rate / peerRate,
    better: 'higher',
    floor: 0.95,
    figures: `${rate.toFixed(1)} against ${peerRate.toFixed(1)} k records/s`,
  }
}
