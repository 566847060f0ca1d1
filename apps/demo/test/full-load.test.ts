import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ActorSystem, type Behavior } from '@papyra/actors'
import { jsonBackend } from '@papyra/backend-json'
import { createHealth } from '@papyra/http'
import { nodeHealthHandler } from '@papyra/http/node'
import { openPapyra } from '@papyra/core'
import { expect, test } from 'vitest'

const PATHS = ['/livez', '/readyz', '/startupz', '/metrics']
const ACTORS = 20
const MESSAGES = 400_000
/** Each of so many messages makes its handler fail: two events and a dead letter. */
const FAILS = 400

interface Work {
  readonly type: 'work'
  readonly n: number
}

test('actors at full load: every probe is answered, every message handled or a dead letter, every fact stored', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-load-'))
  const health = createHealth({ cacheMs: 20 })
  const server = createServer(nodeHealthHandler({ health }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const backend = jsonBackend({ path: join(dir, 'load.ndjson') })
  const papyra = await health.opening(
    openPapyra({ systemId: 'load', backend, startup: health.startup }),
  )
  const system = await ActorSystem.start({ papyra, supervision: { onFailure: 'resume' } })
  let handled = 0
  let failed = 0
  let disordered = 0
  const worker = (): Behavior<Work> => {
    let last = -1
    return {
      receive({ n }) {
        if (n < last) disordered += 1
        last = n
        if (n % FAILS === 0) {
          failed += 1
          throw new Error('too much')
        }
        handled += 1
      },
    }
  }
  let working = true
  const statuses: number[] = []
  const during: number[] = []
  const probing = (async () => {
    do {
      for (const path of PATHS) {
        statuses.push((await fetch(`http://127.0.0.1:${port}${path}`)).status)
        during.push(handled)
      }
    } while (working)
  })()
  const refs = Array.from({ length: ACTORS }, (_, i) => system.spawn(worker, { name: `w${i}` }))
  for (let n = 0; n < MESSAGES; ) {
    // One actor's mailbox holds 10 000: the sender lets it have its turn.
    const ref = refs[Math.floor(n / 10_000) % ACTORS]
    for (const end = Math.min(MESSAGES, n + 5000); n < end; n++) ref?.tell({ type: 'work', n })
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (handled + failed < MESSAGES) await new Promise((resolve) => setImmediate(resolve))
  await Promise.all(refs.map((ref) => system.stop(ref)))
  await system.flush()
  working = false
  await probing
  expect({ failed, disordered }).toEqual({ failed: MESSAGES / FAILS, disordered: 0 })
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  // Probes were answered in the middle of the work, not only before and after it.
  expect(during.filter((count) => count > 0 && count < handled).length).toBeGreaterThan(0)
  const { deadLetters } = await system.close()
  expect(deadLetters).toBe(failed)
  const { accepted, written, waiting, dropped } = papyra.intake.stats()
  // The system, each actor, each failure: two events each, or an event and a dead letter.
  const facts = 2 + 2 * ACTORS + 2 * failed
  expect({ accepted, written, waiting }).toEqual({ accepted: facts, written: facts, waiting: 0 })
  expect(Object.values(dropped)).toEqual([0, 0, 0, 0, 0])
  await papyra.close()
  await new Promise((resolve) => server.close(resolve))
  await rm(dir, { recursive: true })
})
