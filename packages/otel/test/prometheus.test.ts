import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { memoryBackend, openPapyra } from '@papyra/core'
import { instrumentPapyra } from '@papyra/otel'
import { expect, test } from 'vitest'
import { ALL } from './support/expected.js'
import { ManualReader, provider } from './support/readers.js'

test('the Prometheus exporter of the SDK spells names without units, as the table of metrics says', async () => {
  const papyra = await openPapyra({ systemId: 'shop', backend: memoryBackend() })
  const reader = new ManualReader()
  instrumentPapyra(papyra, { meterProvider: provider(reader) })
  const { resourceMetrics } = await reader.collect()
  const text = new PrometheusSerializer().serialize(resourceMetrics)
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])
  const expected = ALL.map(({ name, type }) => [
    name.replaceAll('.', '_') + (type === 'counter' ? '_total' : ''),
    type,
  ])
  expect(types.filter(([name]) => name !== 'target_info').sort()).toEqual(expected.sort())
  await papyra.close()
})
