import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Service, end, freePort, kept, papyra } from './support/processes.js'
import { Prometheus } from './support/prometheus.js'
import { SmallDisk } from './support/small-disk.js'

// Each cause is made for real before a real Prometheus, and mended by the command that the page of the
// alert names. Alerts are waited for; nothing is measured.
const JOBS = ['disk', 'damage', 'killed', 'growing', 'redis'] as const
const ports: Record<string, number> = {}
const services: Service[] = []
let dir = ''
let prometheus: Prometheus
let smallDisk: SmallDisk

/** The folder of the store whose disk becomes full. */
const small = (): string => join(dir, 'small')
const logOf = (job: string): string => join(job === 'disk' ? small() : dir, `${job}.ndjson`)

function service(fixture: string, ...args: readonly (string | number | undefined)[]): Service {
  const made = new Service(fixture, args.map(String))
  services.push(made)
  return made
}

type Wait = (name: string) => Promise<void>
const fired =
  (job: string, since: number): Wait =>
  (name) =>
    prometheus.fired(name, job, since)
const cleared =
  (job: string): Wait =>
  (name) =>
    prometheus.cleared(name, job)

const each = (names: string, wait: Wait): Promise<unknown> =>
  Promise.all(names.split(' ').map((name) => wait(`Papyra${name}`)))

async function listens(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-alerts-'))
  smallDisk = await SmallDisk.at(small())
  for (const job of JOBS) ports[job] = await freePort()
  prometheus = new Prometheus(dir, ports)
  await prometheus.start()
})

afterAll(async () => {
  for (const one of services) await one.end('SIGKILL')
  await prometheus.stop()
  await smallDisk.remove()
  await rm(dir, { recursive: true, force: true })
})

test('nobody tells any numbers', async () => {
  await prometheus.fired('PapyraNoMetrics', '', 0)
})

describe.concurrent('causes', () => {
  test('stopped compaction, a full disk, one that hangs, and a writer that is latched', async () => {
    const shop = service('service', logOf('disk'), ports['disk'], 'disk')
    expect(await shop.start()).toBe('open')
    await shop.tell('facts', 200)
    await prometheus.cleared('PapyraNoMetrics', '')
    await prometheus.fired('PapyraCompactionOverdue', 'disk', 0)
    const compaction = await papyra('persistence', 'compact', '--path', logOf('disk'))
    expect(compaction.code, compaction.said).toBe(0)
    await prometheus.cleared('PapyraCompactionOverdue', 'disk')

    const full = Date.now()
    await smallDisk.fill(shop.pid, logOf('disk'))
    // More than what is left of the log's last page.
    await shop.tell('facts', 200)
    await each('WriteErrors FactsDropped', fired('disk', full))
    const summaries = (await prometheus.alerts()).map(({ annotations }) => annotations['summary'])
    expect(summaries).toContain('disk drops facts: store_failed.')
    await smallDisk.free(shop.pid)
    await shop.tell('facts', 5)
    await each('WriteErrors FactsDropped', cleared('disk'))

    const hanging = Date.now()
    await shop.tell('hang')
    await shop.tell('facts', 5)
    await each('FactsWaiting NotReady', fired('disk', hanging))
    await shop.tell('resume')
    await each('FactsWaiting NotReady', cleared('disk'))

    const breaking = Date.now()
    await shop.tell('breakSync')
    await shop.tell('facts', 1)
    await prometheus.fired('PapyraWriterLatched', 'disk', breaking)
    await shop.end('SIGKILL')
    expect(await shop.start()).toBe('open')
    await prometheus.cleared('PapyraWriterLatched', 'disk')
  })

  test('planted damage, a gate that refuses, and a recovery', async () => {
    const shop = service('service', logOf('damage'), ports['damage'], 'damage')
    const began = Date.now()
    expect(await shop.start()).toBe('open')
    await shop.tell('facts', 50)
    const found = 'papyra_anomaly_detected_total{job="damage"}'
    await prometheus.until('it is scraped', async () => (await prometheus.value(found)) === 0)
    const bytes = await readFile(logOf('damage'))
    const at = bytes.indexOf('"tick"', Math.floor(bytes.length / 2))
    bytes[at + 2] = 'o'.charCodeAt(0)
    await writeFile(logOf('damage'), bytes)
    expect(await shop.tell('scan')).toBe('done')
    expect(await shop.tell('compact')).toBe('anomalies_found')
    await each('AnomaliesFound MaintenanceErrors', fired('damage', began))
    await shop.end()
    await prometheus.fired('PapyraMetricsGone', 'damage', began)
    expect(await shop.start()).toBe('startup_refused')
    await prometheus.fired('PapyraGateRefused', 'damage', began)
    await shop.end()
    const recovery = ['persistence', 'recover', '--mode', 'repair', '--path', logOf('damage')]
    const refused = await papyra(...recovery)
    expect([refused.code, refused.said]).toEqual([2, expect.stringContaining('accept-loss')])
    const recovering = Date.now()
    const done = await papyra(...recovery, '--accept-loss', '--yes')
    expect(done.code, done.said).toBe(0)
    expect(await shop.start()).toBe('open')
    await each('Recovered RecordsLost', fired('damage', recovering))
    const names = 'AnomaliesFound MaintenanceErrors MetricsGone GateRefused Recovered RecordsLost'
    await each(names, cleared('damage'))
  })

  test('a kill', async () => {
    const shop = service('service', logOf('killed'), ports['killed'], 'killed')
    expect(await shop.start()).toBe('open')
    await shop.tell('facts', 3)
    const killed = 'papyra_owner_killed_total{job="killed"}'
    await prometheus.until('it is scraped', async () => (await prometheus.value(killed)) === 0)
    const killing = Date.now()
    await shop.end('SIGKILL')
    await prometheus.fired('PapyraMetricsGone', 'killed', killing)
    expect(await shop.start()).toBe('open')
    await prometheus.cleared('PapyraMetricsGone', 'killed')
    await prometheus.fired('PapyraOwnerKilled', 'killed', killing)
    await prometheus.cleared('PapyraOwnerKilled', 'killed')
  })

  test('compactions that give nothing back while the store grows', async () => {
    const shop = service('service', logOf('growing'), ports['growing'], 'growing')
    expect(await shop.start()).toBe('open')
    await shop.tell('facts', 5)
    const before = 'papyra_storage_usage_bytes{job="growing"} offset 10s'
    await prometheus.until(
      'it was seen while it was small',
      async () => (await prometheus.value(before)) !== null,
    )
    const growing = Date.now()
    await shop.tell('facts', 80)
    const compact = ['persistence', 'compact', '--path', logOf('growing')]
    const idle = await papyra(...compact)
    expect([idle.code, idle.said]).toEqual([0, expect.stringContaining('nothing to remove')])
    await prometheus.fired('PapyraCompactionReclaimsNothing', 'growing', growing)
    const narrower = await papyra(...compact, '--max-records', '10')
    expect(narrower.code, narrower.said).toBe(0)
    await prometheus.cleared('PapyraCompactionReclaimsNothing', 'growing')
    await shop.end()
  })

  test('a dead consumer', async () => {
    const port = await freePort()
    const url = `redis://127.0.0.1:${port}`
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir]
    const redis = kept(spawn('redis-server', flags, { stdio: 'ignore' }))
    try {
      await prometheus.until('Redis listens', () => listens(port))
      const shop = service('group-service', url, ports['redis'], 'redis')
      expect(await shop.start()).toBe('open')
      const dead = service('consumer', url, 'hold', 'redis')
      expect(await dead.start()).toBe('open')
      const holding = dead.answer()
      const began = Date.now()
      await shop.tell('facts', 5)
      expect(await holding).toBe('holds one')
      await dead.end('SIGKILL')
      await each('GroupPendingNotFalling GroupAbandoned', fired('redis', began))
      expect(await service('consumer', url, 'work', 'redis').start()).toBe('open')
      await each('GroupPendingNotFalling GroupAbandoned', cleared('redis'))
      await shop.end()
    } finally {
      await end(redis, 'SIGTERM')
    }
  })
})
