import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import type { BackendDefinition } from '@papyra/contracts'
import { openPapyra } from '@papyra/core'
import { createHealth } from '@papyra/http'
import { nodeHealthHandler } from '@papyra/http/node'
import { expect, test } from 'vitest'
import { inFolder } from './support/folder.js'
import { listen } from './support/server.js'
import { wrapped } from './support/wrapped.js'

const PATHS = ['/livez', '/readyz', '/startupz?format=json', '/metrics']

/** Some 24 MB: progress is told every 4 MiB, and a throttle acts between reads. */
async function fill(backend: BackendDefinition): Promise<void> {
  const papyra = await openPapyra({ systemId: 'shop', backend })
  const payload = { text: 'x'.repeat(8000) }
  for (let n = 0; n < 3000; n++) {
    papyra.intake.event({ actor: null, type: 'filler', payload })
    if (n % 500 === 0) await papyra.flush()
  }
  expect(papyra.intake.stats().accepted).toBe(3000)
  await papyra.close()
}

test('while a slow gate verifies a store, every probe is answered, and neither it nor work starves', async () => {
  await inFolder(async (dir) => {
    const backend = jsonBackend({ path: join(dir, 'shop.ndjson'), ack: 'flushed' })
    await fill(backend)
    const slow = wrapped(backend, (real) => ({
      scan: (how) => real.scan({ ...how, bytesPerSecond: 16_000_000 }),
    }))
    const health = createHealth()
    const served = await listen(nodeHealthHandler({ health }))
    let opened = false
    const opening = health.opening(
      openPapyra({ systemId: 'shop', backend: slow, startup: health.startup }),
    )
    const done = opening.then(() => {
      opened = true
    })
    let handled = 0
    const working = (async () => {
      for (; !opened; handled++) await new Promise((resolve) => setImmediate(resolve))
    })()
    let rounds = 0
    const percents = new Set<number>()
    for (; !opened; rounds++) {
      const [livez, readyz, startupz, metrics] = await Promise.all(
        PATHS.map((path) => served.get(path)),
      )
      const startup = JSON.parse(startupz?.body ?? '') as { code: string | null; percent: number }
      expect([livez?.status, metrics?.status]).toEqual([200, 200])
      // The gate may pass between two of them.
      if (startup.code === null) continue
      expect(startupz?.status).toBe(503)
      expect([200, 503]).toContain(readyz?.status)
      percents.add(startup.percent)
    }
    await Promise.all([done, working])
    expect(rounds).toBeGreaterThanOrEqual(5)
    expect(percents.size).toBeGreaterThanOrEqual(3)
    expect(handled).toBeGreaterThan(rounds)
    expect((await served.get('/readyz')).status).toBe(200)
    const papyra = await opening
    await papyra.close()
    await served.close()
  })
})

test('a gate under way stops when the service is told to stop', async () => {
  await inFolder(async (dir) => {
    const backend = jsonBackend({ path: join(dir, 'shop.ndjson'), ack: 'flushed' })
    await fill(backend)
    let scanning = false
    // At this pace it would take more than an hour.
    const slow = wrapped(backend, (real) => ({
      scan: (how) => {
        scanning = true
        return real.scan({ ...how, bytesPerSecond: 250 })
      },
    }))
    const health = createHealth()
    const opening = health.opening(
      openPapyra({ systemId: 'shop', backend: slow, startup: health.startup }),
    )
    const refused = expect(opening).rejects.toMatchObject({ code: 'aborted' })
    await expect.poll(() => scanning, { timeout: 10_000 }).toBe(true)
    health.stopping()
    await refused
    expect(await health.readiness()).toEqual({ ready: false, code: 'stopping' })
  })
})
