import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { bundleForNode } from '@papyra/build-config/bundle'
import { expect, test } from 'vitest'
import { end, freePort, kept, papyra } from './support/processes.js'
import { Prometheus } from './support/prometheus.js'

const DEMO = new URL('../../demo/src/service.ts', import.meta.url)

test('a real Prometheus scrapes the demo service; the store keeps that it was read, and the service logs its acts', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-demo-'))
  const log = join(dir, 'shop.ndjson')
  const port = await freePort()
  const prometheus = new Prometheus(dir, { shop: port })
  await prometheus.start()
  const args = [await bundleForNode(DEMO), log, '--listen', String(port)]
  const demo = kept(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] }))
  let logged = ''
  demo.stderr?.on('data', (chunk: Buffer) => {
    logged += chunk.toString()
  })
  try {
    const labels = '{papyra_store_name="shop",papyra_backend_name="json"}'
    const value = (name: string): Promise<number | null> => prometheus.value(`${name}${labels}`)
    const written = 'papyra_record_written_total'
    await prometheus.until('orders are counted', async () => Number(await value(written)) > 20)
    expect(await value('papyra_service_ready')).toBe(1)
    expect(await value('papyra_fact_waiting')).not.toBeNull()
    const scraped = Number(await value(written))
    await end(demo, 'SIGTERM')
    await prometheus.fired('PapyraMetricsGone', 'shop', 0)
    const told = await papyra('metrics', 'persistence', '--path', log, '--json')
    const { report } = JSON.parse(told.stdout) as {
      report: {
        totals: { recordsWritten: number }
        accounts: { metricsReadAt: { scrape: number | null; export: number | null } }
      }
    }
    expect(report.totals.recordsWritten).toBeGreaterThanOrEqual(scraped)
    expect(report.accounts.metricsReadAt).toEqual({ scrape: expect.any(Number), export: null })
    const events = logged
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event)
      .filter((event) => event.startsWith('papyra.'))
    expect(events).toEqual(['papyra.scan.clean', 'papyra.gate.passed', 'papyra.store.closed'])
  } finally {
    await end(demo, 'SIGKILL')
    await prometheus.stop()
    await rm(dir, { recursive: true, force: true })
  }
})
