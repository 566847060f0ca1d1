import { SpanStatusCode } from '@opentelemetry/api'
import { DataPointType } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { memoryBackend, openPapyra, type Papyra } from '@papyra/core'
import { instrumentPapyra } from '@papyra/otel'
import { expect, test } from 'vitest'
import { ManualReader, provider } from './support/readers.js'

function tracing(): { exporter: InMemorySpanExporter; tracerProvider: BasicTracerProvider } {
  const exporter = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  return { exporter, tracerProvider: new BasicTracerProvider({ spanProcessors }) }
}

function open(): Promise<Papyra> {
  return openPapyra({ systemId: 'shop', backend: memoryBackend(), retention: { maxRecords: 2 } })
}

test('the start, scans and compactions are spans; appends and lists are none', async () => {
  const { exporter, tracerProvider } = tracing()
  const opened = await open()
  const { papyra } = instrumentPapyra(opened, {
    meterProvider: provider(new ManualReader()),
    tracerProvider,
  })
  for (let n = 0; n < 5; n++) await papyra.recordEvent({ type: 'tick', payload: n })
  for await (const { seq } of papyra.listEvents()) expect(seq).toBeGreaterThan(3)
  await papyra.scan()
  await papyra.compact()
  await papyra.flush()
  expect(papyra.state).toBe('open')
  const spans = exporter.getFinishedSpans()
  expect(spans.map(({ name }) => name)).toEqual([
    'papyra.scan',
    'papyra.startup',
    'papyra.scan',
    'papyra.compaction',
  ])
  const [first, start, scan, compaction] = spans
  expect(first?.parentSpanContext?.spanId).toBe(start?.spanContext().spanId)
  expect(scan?.attributes).toMatchObject({
    'papyra.store.name': 'shop',
    'papyra.scan.clean': true,
    'papyra.scan.anomalies': 0,
  })
  expect(compaction?.attributes).toMatchObject({ 'papyra.compaction.removed': 3 })
  await papyra.close()
  expect(opened.state).toBe('closed')
})

test('what fails ends its span with the code, and no message', async () => {
  const { exporter, tracerProvider } = tracing()
  const { papyra, unregister } = instrumentPapyra(await open(), {
    meterProvider: provider(new ManualReader()),
    tracerProvider,
  })
  exporter.reset()
  const policy = { maxRecords: -1 }
  await expect(papyra.compact({ policy })).rejects.toHaveProperty('code', 'invalid_policy')
  const [span] = exporter.getFinishedSpans()
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'invalid_policy' })
  expect(span?.events).toEqual([])
  unregister()
  exporter.reset()
  await papyra.scan()
  expect(exporter.getFinishedSpans()).toEqual([])
  await papyra.close()
})

test('a histogram of durations only where it is asked for', async () => {
  const reader = new ManualReader()
  const { papyra } = instrumentPapyra(await open(), {
    meterProvider: provider(reader),
    histograms: true,
  })
  await papyra.scan()
  await papyra.compact({ policy: { maxRecords: -1 } }).catch(() => undefined)
  const metric = (await reader.metrics()).get('papyra.operation.duration')
  expect(metric?.dataPointType).toBe(DataPointType.HISTOGRAM)
  const points = metric?.dataPoints.map(({ attributes }) => [
    attributes['papyra.operation.name'],
    attributes['error.type'],
  ])
  expect(points).toEqual([
    ['scan', undefined],
    ['startup', undefined],
    ['compaction', 'invalid_policy'],
  ])
  await papyra.close()
})
