import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { MeasuredGroup } from '@papyra/contracts'
import { memoryBackend, openPapyra } from '@papyra/core'
import { createHealth, healthHandler, type Health } from '@papyra/http'
import { expect, test } from 'vitest'
import { parsePrometheus } from './support/prometheus.js'

/** What `promtool check metrics` says of a text, and how it ends: 0 only if it finds nothing. */
async function promtool(text: string): Promise<readonly [number | null, string]> {
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  child.stdin.end(text)
  await once(child, 'close')
  return [child.exitCode, said]
}

const metricsOf = async (health: Health, names = {}): Promise<string> =>
  (await healthHandler({ health, ...names })(new Request('http://h/metrics'))).text()

const group: MeasuredGroup = {
  kind: 'event',
  group: 'billing',
  pending: 3,
  lag: { records: 7, atLeast: false, seconds: 1 },
  poison: 0,
  abandoned: true,
}

test('promtool accepts /metrics before the gate, after it, with groups, and of a refused store', async () => {
  const groups = [group, { ...group, group: 'unknown', lag: { ...group.lag, records: null } }]
  const health = createHealth({ groups: { list: () => Promise.resolve(groups) } })
  expect(await promtool(await metricsOf(health))).toEqual([0, ''])
  const backend = memoryBackend()
  const papyra = await health.opening(openPapyra({ systemId: 'shop', backend }))
  papyra.intake.event({ type: '' })
  papyra.intake.event({ type: 'tick' })
  await papyra.flush()
  const text = await metricsOf(health)
  expect(await promtool(text)).toEqual([0, ''])
  const { samples } = parsePrometheus(text)
  const of = (name: string) => `{papyra_store_name="shop",papyra_backend_name="memory",${name}}`
  const billing = of('papyra_group_name="event/billing"')
  expect(samples.get(`papyra_group_pending${billing}`)).toBe(3)
  expect(samples.get(`papyra_group_lag${billing}`)).toBe(7)
  expect(samples.get(`papyra_group_abandoned${billing}`)).toBe(1)
  // What nobody can tell is missing, not zero.
  expect(text).not.toContain(`papyra_group_lag${of('papyra_group_name="event/unknown"')}`)
  const refused = createHealth()
  refused.refused(new Error('no'))
  const last = await metricsOf(refused)
  expect(await promtool(last)).toEqual([0, ''])
  expect(last).toContain('\npapyra_startup_refused 1\n')
  // It would find something: a counter without its ending.
  expect((await promtool(text.replaceAll('papyra_scan_runs_total', 'papyra_scan_runs')))[0]).toBe(3)
  await papyra.close()
})

test('the numbers of the service are the same series before the gate and after it', async () => {
  for (const names of [{}, { storeName: 'shop', backendName: 'memory' }]) {
    const health = createHealth()
    const series = async (): Promise<string[]> =>
      [...parsePrometheus(await metricsOf(health, names)).samples.keys()].filter((key) =>
        /^papyra_(service|startup|store_answers)/.test(key),
      )
    const before = await series()
    expect(before).toHaveLength(7)
    const papyra = await health.opening(openPapyra({ systemId: 'shop', backend: memoryBackend() }))
    expect(await series()).toEqual(before)
    await papyra.close()
    expect(await series()).toEqual(before)
  }
})
