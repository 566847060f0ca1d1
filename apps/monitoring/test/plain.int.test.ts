import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { memoryBackend, openPapyra } from '@papyra/core'
import { instrumentPapyra } from '@papyra/otel'
import { expect, test } from 'vitest'
import { alertsOf } from '../src/rules.js'
import { namesIn, spell } from '../src/spelling.js'
import { freePort } from './support/processes.js'
import { Prometheus } from './support/prometheus.js'

test('pulled from the Prometheus exporter of OpenTelemetry: its spelling is that of the other rules, and they fire', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-plain-'))
  const port = await freePort()
  const prometheus = new Prometheus(dir, { shop: port }, 'plain')
  const exporter = new PrometheusExporter({ host: '127.0.0.1', port })
  const meterProvider = new MeterProvider({ readers: [exporter] })
  const papyra = await openPapyra({
    systemId: 'shop',
    backend: memoryBackend(),
    intake: { capacity: 3 },
  })
  const group = { kind: 'event', group: 'billing', pending: 1, poison: 0, abandoned: true }
  const lag = { records: 2, atLeast: false, seconds: null }
  const groups = { list: () => Promise.resolve([{ ...group, lag }]) }
  try {
    instrumentPapyra(papyra, { meterProvider, groups, cacheMs: 20 })
    await prometheus.start()
    const written = spell('{papyra.record.written}', 'plain')
    await prometheus.until('it is scraped', async () => (await prometheus.value(written)) === 0)
    // Every number that a rule needs is there under the name that the rule has for it.
    const names = alertsOf('plain').flatMap(({ expression }) => namesIn(expression((d) => d)))
    expect(names.length).toBeGreaterThan(15)
    for (const name of new Set(names)) {
      expect(await prometheus.value(spell(`{${name}}`, 'plain')), name).not.toBeNull()
    }
    for (let n = 0; n < 5; n++) papyra.intake.event({ type: 'tick', payload: n })
    await papyra.flush()
    await prometheus.fired('PapyraFactsDropped', 'shop', 0)
    await prometheus.fired('PapyraGroupAbandoned', 'shop', 0)
    const summaries = (await prometheus.alerts()).map(({ annotations }) => annotations['summary'])
    expect(summaries).toContain('Nobody consumes for the group event/billing of shop.')
    expect(await prometheus.value(written)).toBe(3)
  } finally {
    await meterProvider.shutdown()
    await papyra.close()
    await prometheus.stop()
    await rm(dir, { recursive: true, force: true })
  }
})
