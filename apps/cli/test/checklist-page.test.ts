// The operator's page, chapter by chapter, with its own commands, as cron runs them: nothing in the
// environment but PATH, working directory /.
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { redisBackend } from '@papyra/backend-redis'
import { rotationBackend } from '@papyra/backend-rotation'
import type { BackendDefinition } from '@papyra/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installRedisBackend } from './fixtures/installed.js'
import { bundle } from './fixtures/process.js'
import { startRedis, type RedisServer } from './fixtures/redis.js'
import { seed, ticks, World } from './fixtures/world.js'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

interface Ended {
  readonly code: number | null
  readonly text: string
  readonly report: Record<string, unknown>
}

/** A store, its configuration, and a `papyra` on the PATH, as an operator has them. */
interface Page {
  /** Runs a line of the page as it stands there. */
  cron(line: string, more?: string): Ended
  /** Leaves behind what a crash leaves: half a line, or an entry that is none. */
  tear(): Promise<void>
}

const RETENTION = { maxRecords: 15 }

async function page(use: 'json' | 'rotation' | 'redis'): Promise<Page> {
  const world = new World()
  const options = {
    json: { path: world.path('shop.ndjson') },
    rotation: { dir: world.path('shop'), segment: { maxRecords: 10 } },
    redis: { url: server.url, system: `page-${use}` },
  }[use]
  const definition: BackendDefinition = {
    json: () => jsonBackend({ path: world.path('shop.ndjson') }),
    rotation: () => rotationBackend({ dir: world.path('shop'), segment: { maxRecords: 10 } }),
    redis: () => redisBackend({ url: server.url, system: 'page-redis' }),
  }[use]()
  await seed(definition, (papyra) => ticks(papyra, 40), { retention: RETENTION })
  if (use === 'redis') await installRedisBackend(world.dir)
  const config = world.write('papyra.config.json', {
    systemId: 'test',
    environment: 'production',
    backend: { use, ...options },
    retention: RETENTION,
    startup: { mode: 'FAIL_ON_ANOMALY', recovery: { mode: 'REPAIR' } },
  })
  mkdirSync(world.path('bin'))
  const command = `#!/bin/sh\nexec ${process.execPath} ${await bundle} "$@" --config ${config}\n`
  writeFileSync(world.path('bin/papyra'), command)
  chmodSync(world.path('bin/papyra'), 0o755)
  return {
    cron: (line, more = '') => cron(world.path('bin'), line, more),
    tear: () => tear(world, use),
  }
}

function cron(bin: string, line: string, more: string): Ended {
  const script = `cd / && exec env -i PATH=${bin}:/usr/bin:/bin /bin/sh -c '${line} ${more}'`
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
  const report = more === '--json' ? (JSON.parse(stdout) as { report: Ended['report'] }).report : {}
  return { code: status, text: `${line}: ${stdout}${stderr}`, report }
}

async function tear(world: World, use: string): Promise<void> {
  if (use === 'redis') {
    await server.client.xadd('{papyra:page-redis}:events', '41-0', 'odd', 'entry')
    return
  }
  const folder = world.path('shop')
  const newest = (): string =>
    join(
      folder,
      readdirSync(folder)
        .filter((name) => name.endsWith('.ndjson'))
        .sort()
        .at(-1) ?? '',
    )
  const file = use === 'json' ? world.path('shop.ndjson') : newest()
  expect(readFileSync(file).length).toBeGreaterThan(0)
  appendFileSync(file, '{"seq":41,"half')
}

describe.each(['json', 'rotation', 'redis'] as const)('the page, on %s', (use) => {
  test('each chapter works as it says', async () => {
    const { cron, tear } = await page(use)
    const expectCode = (code: number, line: string, more = ''): Ended => {
      const ended = cron(line, more)
      expect(ended.code, ended.text).toBe(code)
      return ended
    }
    // 1. Verify backend health before startup.
    expectCode(0, 'papyra persistence scan')
    expectCode(0, 'papyra persistence startup-check --mode fail_on_anomaly')
    // 2 and 3. Retention marks, compaction removes; afterwards the disk fell and a scan is clean.
    const before = expectCode(0, 'papyra persistence scan', '--json').report
    expect(before).toMatchObject({ records: 40, clean: true })
    const compacted = expectCode(0, 'papyra persistence compact', '--json').report
    expect(compacted).toMatchObject({ records: { before: 40, after: 15 }, verified: true })
    const bytes = compacted['bytes'] as { before: number; after: number }
    expect(bytes.after).toBeLessThan(bytes.before)
    expect(expectCode(0, 'papyra persistence scan', '--json').report).toMatchObject({ records: 15 })
    expect(cron('papyra metrics persistence', '--json').report).toMatchObject({
      totals: { recordsWritten: 40, recordsDropped: 25, compactions: 1 },
    })
    // 6. Consumer groups, where there are any, are told with the list.
    expect(expectCode(0, 'papyra inspect events').text).toMatch(/tick/)
    // 7. Nothing is wrong yet.
    expectCode(0, 'papyra doctor run --mode fail_on_anomaly')
    // Something is: everything that only looks refuses, and changes nothing.
    await tear()
    expectCode(2, 'papyra persistence scan')
    expectCode(1, 'papyra persistence startup-check --mode fail_on_anomaly')
    expectCode(1, 'papyra doctor run --mode fail_on_anomaly')
    expectCode(2, 'papyra persistence scan')
    // 4. The start is blocked until the recovery succeeded fully.
    expectCode(0, 'papyra persistence startup-check --mode recover --recovery-mode repair')
    expectCode(0, 'papyra persistence startup-check --mode fail_on_anomaly')
    expectCode(0, 'papyra doctor run --mode fail_on_anomaly')
    expect(expectCode(0, 'papyra persistence scan', '--json').report).toMatchObject({ records: 15 })
  })
})
