import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import {
  METRIC_DEFINITIONS,
  PapyraError,
  manualClock,
  type MetricsSnapshot,
} from '@papyra/contracts'
import { memoryBackend, openPapyra } from '@papyra/core'
import { createHealth, healthHandler } from '@papyra/http'
import { nodeHealthHandler } from '@papyra/http/node'
import { expect, test } from 'vitest'
import { inFolder } from './support/folder.js'
import { parsePrometheus } from './support/prometheus.js'
import { listen } from './support/server.js'
import { wrapped } from './support/wrapped.js'

const ALL = ['/livez', '/readyz', '/startupz', '/metrics']

test('over node:http and a JSON store: starting, ready, stopping', async () => {
  await inFolder(async (dir) => {
    const health = createHealth({ cacheMs: 1 })
    const served = await listen(nodeHealthHandler({ health }))
    const statuses = () => Promise.all(ALL.map(async (path) => (await served.get(path)).status))
    expect(await statuses()).toEqual([200, 503, 503, 200])
    expect((await served.get('/readyz')).body).toBe('starting\n')
    const backend = jsonBackend({ path: join(dir, 'shop.ndjson') })
    const papyra = await health.opening(
      openPapyra({ systemId: 'shop', backend, startup: health.startup }),
    )
    expect(await statuses()).toEqual([200, 200, 200, 200])
    await papyra.recordEvent({ actor: null, type: 'order.placed', payload: { secret: 'A1' } })
    const { body } = await served.get('/metrics')
    const { samples, problems } = parsePrometheus(body)
    expect(problems).toEqual([])
    const labels = '{papyra_store_name="shop",papyra_backend_name="json"}'
    expect(samples.get(`papyra_record_written_total${labels}`)).toBe(1)
    expect(samples.get('papyra_store_answers')).toBe(1)
    health.stopping()
    expect(await statuses()).toEqual([200, 503, 200, 200])
    expect((await served.get('/readyz')).body).toBe('stopping\n')
    await papyra.close()
    expect(await statuses()).toEqual([200, 503, 200, 200])
    await served.close()
  })
})

test('other methods are 405, other paths 404, HEAD has no body, and endpoints can be left out', async () => {
  const health = createHealth()
  const served = await listen(
    nodeHealthHandler({ health, basePath: '/internal/', endpoints: ['livez', 'metrics'] }),
  )
  expect((await served.get('/internal/livez?x=1')).body).toBe('ok\n')
  const refused = await served.get('/internal/livez', { method: 'POST' })
  expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, HEAD'])
  for (const path of ['/livez', '/internal/readyz', '/internal/livez/', '/'])
    expect((await served.get(path)).status).toBe(404)
  const head = await served.get('/internal/metrics', { method: 'HEAD' })
  expect([head.status, head.body]).toEqual([200, ''])
  await served.close()
  expect(() => healthHandler({ health, basePath: 'x' })).toThrow('basePath')
  expect(() => healthHandler({ health, endpoints: ['nothing' as 'livez'] })).toThrow('nothing')
  expect(() => createHealth({ cacheMs: 0 })).toThrow('cacheMs')
})

test('a refused store is told by its code, and nothing else of the error', async () => {
  await inFolder(async (dir) => {
    const path = join(dir, 'shop.ndjson')
    const backend = jsonBackend({ path })
    const first = await openPapyra({ systemId: 'shop', backend })
    await first.recordEvent({ actor: null, type: 'order.placed', payload: { id: 'hush-hush' } })
    await first.close()
    await writeFile(path, (await readFile(path, 'utf8')).replace('hush-hush', 'hush-hash'))
    const health = createHealth()
    const opening = openPapyra({ systemId: 'shop', backend, startup: health.startup })
    await expect(health.opening(opening)).rejects.toMatchObject({ code: 'startup_refused' })
    const handle = healthHandler({ health })
    let all = ''
    for (const endpoint of ALL)
      for (const query of ['', '?verbose', '?format=json']) {
        const response = await handle(new Request(`http://127.0.0.1${endpoint}${query}`))
        all += await response.text()
        if (/ready|startup/.test(endpoint)) expect(response.status).toBe(503)
      }
    expect(all).toContain('startup_refused')
    for (const secret of [dir, 'shop.ndjson', 'hush', 'anomal']) {
      const own = all.split('\n').filter((line) => !line.startsWith('# HELP'))
      expect(own.join('\n')).not.toContain(secret)
    }
  })
})

test('an error of no known code, or one that carries a path, is `internal`', async () => {
  const health = createHealth()
  health.refused(new Error('/etc/secret'))
  const handle = healthHandler({ health })
  expect(await (await handle(new Request('http://h/readyz'))).text()).toBe('internal\n')
  health.refused(new PapyraError('/etc/secret' as 'internal', '/etc/secret'))
  const startup = await handle(
    new Request('http://h/startupz', { headers: { accept: 'application/json' } }),
  )
  expect(startup.headers.get('content-type')).toContain('application/json')
  expect(await startup.json()).toMatchObject({
    status: 'unavailable',
    state: 'refused',
    code: 'internal',
  })
})

test('progress, percent and ETA', async () => {
  const clock = manualClock()
  const health = createHealth({ clock })
  const handle = healthHandler({ health })
  const startup = async () =>
    (await (await handle(new Request('http://h/startupz?format=json'))).json()) as object
  expect(await startup()).toMatchObject({ phase: null, percent: null, etaSeconds: null })
  health.startup.onProgress({ phase: 'scan', doneBytes: 0, totalBytes: 1000, records: 0 })
  clock.advance(2000)
  health.startup.onProgress({ phase: 'scan', doneBytes: 250, totalBytes: 1000, records: 5 })
  const first = { phase: 'scan', doneBytes: 250, totalBytes: 1000, records: 5, percent: 25 }
  expect(await startup()).toMatchObject({
    ...first,
    etaSeconds: 6,
    elapsedSeconds: 2,
    code: 'starting',
  })
  health.startup.onProgress({ phase: '/data/x', doneBytes: 0, totalBytes: 0, records: 0 })
  expect(await startup()).toMatchObject({ phase: 'other', percent: null, etaSeconds: null })
  health.stopping()
  expect(health.startup.signal.aborted).toBe(true)
  expect(await startup()).toMatchObject({ state: 'stopping', code: 'stopping' })
})

test('however many ask, the store is asked once a cache time, and /livez never asks it', async () => {
  const clock = manualClock()
  let asked = 0
  let touched = 0
  const backend = wrapped(memoryBackend(), (real) => ({
    flush: () => {
      asked += 1
      touched += 1
      return real.flush()
    },
    describe: () => {
      touched += 1
      return real.describe()
    },
  }))
  const health = createHealth({ clock, cacheMs: 1000 })
  const papyra = await health.opening(openPapyra({ systemId: 's', backend, clock }))
  const before = touched
  const handle = healthHandler({ health })
  const ask = (path: string) => handle(new Request(`http://h${path}`))
  for (let n = 0; n < 50; n++) expect((await ask('/livez')).status).toBe(200)
  expect(touched).toBe(before)
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask('/readyz')))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(200)
  expect(asked).toBe(1)
  clock.advance(999)
  await ask('/readyz')
  expect(asked).toBe(1)
  clock.advance(1)
  await ask('/readyz')
  expect(asked).toBe(2)
  await papyra.close()
  expect(await (await ask('/readyz')).text()).toBe('closed\n')
})

test('a store that refuses writes makes it unready, for a while or until one succeeds', async () => {
  const clock = manualClock()
  let code: 'write_failed' | 'writer_latched' | 'record_too_large' | null = null
  const backend = wrapped(memoryBackend(), (real) => ({
    append: (facts) =>
      code === null ? real.append(facts) : Promise.reject(new PapyraError(code, '/data/shop')),
  }))
  const health = createHealth({ clock, failingForMs: 5000 })
  const papyra = await health.opening(openPapyra({ systemId: 's', backend, clock }))
  const handle = healthHandler({ health })
  const ready = async () => (await (await handle(new Request('http://h/readyz'))).text()).trim()
  const write = () =>
    papyra.recordEvent({ actor: null, type: 't', payload: null }).catch(() => null)
  expect(await ready()).toBe('ok')
  code = 'record_too_large'
  await write()
  expect(await ready()).toBe('ok')
  code = 'write_failed'
  await write()
  expect(await ready()).toBe('write_failed')
  clock.advance(5000)
  expect(await ready()).toBe('ok')
  papyra.intake.event({ actor: null, type: 't', payload: null })
  await papyra.intake.flush()
  expect(await ready()).toBe('write_failed')
  code = null
  await write()
  expect(await ready()).toBe('ok')
  code = 'writer_latched'
  await write()
  clock.advance(3_600_000)
  expect(await ready()).toBe('writer_latched')
  await papyra.close()
})

test('a store that hangs is answered for at once, and counts as gone after the patience', async () => {
  const clock = manualClock()
  let letGo: () => void = () => undefined
  let hangs = false
  const backend = wrapped(memoryBackend(), (real) => ({
    async flush() {
      if (hangs)
        await new Promise<void>((resolve) => {
          letGo = resolve
        })
      return real.flush()
    },
  }))
  const health = createHealth({ clock, answerWithinMs: 5, patienceMs: 3000 })
  const papyra = await health.opening(openPapyra({ systemId: 's', backend, clock }))
  expect(await health.readiness()).toEqual({ ready: true, code: null })
  hangs = true
  clock.advance(1000)
  expect(await health.readiness()).toEqual({ ready: true, code: null })
  clock.advance(3000)
  expect(await health.readiness()).toEqual({ ready: false, code: 'not_answering' })
  hangs = false
  letGo()
  await expect.poll(() => health.readiness()).toEqual({ ready: true, code: null })
  await papyra.close()
})

test('numbers that the store does not tell are missing, not zero, and their absence is told', async () => {
  const backend = wrapped(memoryBackend(), (real) => {
    let calls = 0
    return {
      describe: () =>
        calls++ === 0 ? real.describe() : Promise.reject(new PapyraError('io_error', '/data/shop')),
    }
  })
  const health = createHealth()
  const papyra = await health.opening(openPapyra({ systemId: 's', backend }))
  const response = await healthHandler({ health })(new Request('http://h/metrics'))
  const text = await response.text()
  expect([response.status, parsePrometheus(text).problems]).toEqual([200, []])
  expect(text).toContain('papyra_store_answers 0\n')
  expect(text).not.toContain('papyra_record_written_total')
  expect(text).not.toContain('/data')
  await papyra.close()
})

test('every metric of the store is there, in both formats, with labels escaped and a stable order', async () => {
  const health = createHealth()
  const papyra = await health.opening(openPapyra({ systemId: 's', backend: memoryBackend() }))
  const handle = healthHandler({ health, storeName: 'a"b\\c\nd' })
  const ask = (accept: string) => handle(new Request('http://h/metrics', { headers: { accept } }))
  const plain = await ask('text/plain;version=0.0.4;q=0.5,*/*;q=0.1')
  expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await plain.text()
  const { problems, types, samples } = parsePrometheus(text)
  expect(problems).toEqual([])
  const snapshot: MetricsSnapshot = await papyra.metrics()
  expect(METRIC_DEFINITIONS.every(({ key }) => key in snapshot.totals)).toBe(true)
  const label = '{papyra_store_name="a\\"b\\\\c\\nd",papyra_backend_name="memory"}'
  expect(samples.get(`papyra_storage_written_bytes_total${label}`)).toBe(0)
  expect(samples.get(`papyra_storage_usage_bytes${label}`)).toBe(0)
  // Of the service 7, of its facts 5, of its owners 5, of times 4, by code 2.
  expect(types.size).toBe(METRIC_DEFINITIONS.length + 23)
  expect(
    samples.get(`papyra_fact_dropped_total${label.slice(0, -1)},papyra_drop_reason="full"}`),
  ).toBe(0)
  const names = (t: string) => t.split('\n').map((line) => line.replace(/ \S+$/, ''))
  expect(names(await (await ask('text/plain')).text())).toEqual(names(text))
  const open = await ask('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')
  expect(open.headers.get('content-type')).toContain('application/openmetrics-text; version=1.0.0')
  const lines = (await open.text()).split('\n')
  expect(lines.slice(-2)).toEqual(['# EOF', ''])
  expect(lines).toContain('# TYPE papyra_record_written counter')
  expect(lines).toContain('# UNIT papyra_storage_written_bytes bytes')
  expect(lines).toContain(`papyra_record_written_total${label} 0`)
  await papyra.close()
})

test('an answered scrape is noted, and tells of the one before; HEAD and probes are none', async () => {
  const clock = manualClock(50_000)
  const health = createHealth({ clock })
  const handle = healthHandler({ health })
  const papyra = await openPapyra({ systemId: 'shop', backend: memoryBackend(), clock })
  health.ready(papyra)
  const ask = async (path: string, method = 'GET'): Promise<string> =>
    (await handle(new Request(`http://localhost${path}`, { method }))).text()
  await ask('/metrics', 'HEAD')
  await ask('/readyz')
  expect(papyra.metricsReadAt).toEqual({ scrape: null, export: null })
  expect(await ask('/metrics')).toMatch(/read_timestamp_seconds\{.*reader="scrape"\} 0$/m)
  clock.advance(1000)
  expect(await ask('/metrics')).toMatch(/read_timestamp_seconds\{.*reader="scrape"\} 50$/m)
  expect(papyra.metricsReadAt).toEqual({ scrape: 51_000, export: null })
  await papyra.close()
})
