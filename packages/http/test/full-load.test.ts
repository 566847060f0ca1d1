import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra } from '@papyra/core'
import { createHealth } from '@papyra/http'
import { nodeHealthHandler } from '@papyra/http/node'
import { expect, test } from 'vitest'
import { inFolder } from './support/folder.js'
import { listen } from './support/server.js'

const PATHS = ['/livez', '/readyz', '/startupz', '/metrics']
const FACTS = 30_000

test('under full load every probe is answered and ready, and every fact is stored', async () => {
  await inFolder(async (dir) => {
    const backend = jsonBackend({ path: join(dir, 'shop.ndjson') })
    const health = createHealth({ cacheMs: 20 })
    const served = await listen(nodeHealthHandler({ health }))
    const papyra = await health.opening(openPapyra({ systemId: 'shop', backend }))
    let working = true
    const statuses: number[] = []
    const probing = (async () => {
      do {
        for (const path of PATHS) statuses.push((await served.get(path)).status)
      } while (working)
    })()
    let handled = 0
    while (handled < FACTS) {
      // What the intake has no room for waits for its turn, as a mailbox would.
      while (handled < FACTS && papyra.intake.stats().waiting < 2000) {
        papyra.intake.event({ actor: null, type: 'handled', payload: { handled } })
        handled += 1
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await papyra.flush()
    working = false
    await probing
    expect(statuses.length).toBeGreaterThan(PATHS.length)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    const { accepted, written, waiting } = papyra.intake.stats()
    expect({ accepted, written, waiting }).toEqual({ accepted: FACTS, written: FACTS, waiting: 0 })
    expect((await papyra.metrics()).totals.recordsWritten).toBe(FACTS)
    await papyra.close()
    await served.close()
  })
})
