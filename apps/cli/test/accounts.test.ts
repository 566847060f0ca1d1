import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { rotationBackend } from '@papyra/backend-rotation'
import { bundleForNode } from '@papyra/build-config/bundle'
import type { MetricsSnapshot } from '@papyra/contracts'
import { openPapyra, type Accounts } from '@papyra/core'
import { expect, test } from 'vitest'
import { damage } from './fixtures/logs.js'
import { makeStore } from './fixtures/stores.js'
import { World } from './fixtures/world.js'

const HOARDER = new URL('./fixtures/hoarder.ts', import.meta.url)

/** Runs an owner, and gives what was true when it ended. */
async function own(args: readonly string[]): Promise<Accounts> {
  const child = spawn(process.execPath, [await bundleForNode(HOARDER), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = await once(child, 'close')
  expect(ended).toEqual(args[3] === 'kill' ? [null, 'SIGKILL'] : [0, null])
  return JSON.parse(said) as Accounts
}

const sum = (dropped: object): number =>
  Object.values(dropped as Record<string, number>).reduce((all, count) => all + count, 0)

test.each(['json', 'rotation'] as const)(
  'over %s nothing that was handed in is forgotten: exact over clean restarts, bounded over kills',
  async (kind) => {
    const dir = await mkdtemp(join(tmpdir(), 'papyra-accounts-'))
    const path = join(dir, 'store')
    const backend = kind === 'json' ? jsonBackend({ path }) : rotationBackend({ dir: path })
    let kills = 0
    let bound = 0
    // What an owner was handed and nobody can know any more, all owners together.
    let forgotten = 0
    for (const [round, count] of [900, 4000, 1, 2500, 7000, 0, 1700, 3100].entries()) {
      const how = round % 4 === 3 ? 'close' : 'kill'
      const truth = await own([kind, path, String(count), how])
      expect(truth.offered).toBe(truth.written + truth.waiting + sum(truth.dropped))
      if (how === 'kill') kills += 1
      const told = await new World().run('metrics', 'persistence', '--path', path, '--json')
      const papyra = await openPapyra({
        systemId: 'hoard',
        backend,
        startup: { mode: 'recover' },
      })
      const { accounts, accountsKept } = papyra
      let stored = 0
      for await (const { seq } of papyra.list()) stored += Math.min(1, seq)
      expect(accountsKept).toBe('kept')
      expect(told.json().report).toMatchObject({ source: 'store', accounts })
      expect(accounts.written).toBe(stored)
      expect(accounts.offered).toBe(accounts.written + sum(accounts.dropped))
      expect(accounts.unaccounted.runs).toBe(kills)
      const grown = Number(accounts.unaccounted.atMost) - bound
      bound = Number(accounts.unaccounted.atMost)
      const missing = truth.offered - accounts.offered
      if (how === 'close') expect([missing, grown]).toEqual([0, 0])
      else {
        expect(missing).toBeGreaterThanOrEqual(0)
        expect(missing).toBeLessThanOrEqual(grown)
        // 40 that may have waited, the drop at hand, and 1024 written down in advance.
        expect(grown).toBeLessThanOrEqual(40 + 1 + 1024)
        expect(grown).toBeGreaterThan(0)
      }
      forgotten += missing
      await papyra.close()
    }
    expect(forgotten).toBeGreaterThan(0)
    expect(forgotten).toBeLessThanOrEqual(bound)
    await rm(dir, { recursive: true })
  },
)

test('metrics persistence shows what became of facts, while their owner lives and after it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-accounts-'))
  const path = join(dir, 'shop.ndjson')
  const backend = jsonBackend({ path })
  const world = new World()
  const papyra = await openPapyra({ systemId: 'shop', backend, intake: { capacity: 2 } })
  for (let n = 0; n < 5; n++) papyra.intake.event({ type: 'tick' })
  await papyra.flush()
  const during = await world.run('metrics', 'persistence', '--path', path)
  expect(during.stdout).toMatch(/^offered +\d+$/m)
  await papyra.close()
  const { stdout } = await world.run('metrics', 'persistence', '--path', path)
  const { json } = await world.run('metrics', 'persistence', '--path', path, '--json')
  const [, lines = ''] = /^FACTS +TOTAL\n(.*)$/ms.exec(stdout) ?? []
  expect(lines.trimEnd().split(/ {2,}|\n/)).toEqual([
    ...['offered', '5', 'written', '2', 'waiting', '0'],
    ...['dropped: full', '3', 'dropped: invalid', '0', 'dropped: too_large', '0'],
    ...['dropped: store_failed', '0', 'dropped: closed', '0'],
  ])
  expect(json().report).toHaveProperty('accounts.unaccounted', { runs: 0, atMost: 0 })
  await rm(dir, { recursive: true })
})

test('metrics persistence shows when the numbers were last read, after the owner went', async () => {
  const world = new World()
  const path = world.path('shop.ndjson')
  const backend = jsonBackend({ path })
  const papyra = await openPapyra({ systemId: 'shop', backend, create: 'if-missing' })
  papyra.noteMetricsRead('scrape')
  const { metricsReadAt } = papyra
  await papyra.close()
  const { stdout } = await world.run('metrics', 'persistence', '--path', path)
  expect(stdout).toMatch(/^numbers last scraped: 20\d\d-\S+.*, last exported: never$/m)
  const { json } = await world.run('metrics', 'persistence', '--path', path, '--json')
  expect(json().report).toMatchObject({ accounts: { metricsReadAt } })
})

test.each(['json', 'rotation'] as const)(
  'over %s anomalies and errors are kept by code, add up, and outlive their owners',
  async (kind) => {
    const world = new World()
    const path = await makeStore(world, kind, 20)
    const file =
      kind === 'json'
        ? path
        : join(path, readdirSync(path).find((name) => name.endsWith('.ndjson')) ?? '')
    damage(file, 5)
    const recover = ['persistence', 'recover', '--path', path]
    expect((await world.run(...recover)).code).toBe(2)
    expect((await world.run(...recover, '--yes', '--accept-loss')).code).toBe(0)
    const { json } = await world.run('metrics', 'persistence', '--path', path, '--json')
    const { totals, byCode } = json().report as Pick<MetricsSnapshot, 'totals' | 'byCode'>
    expect(byCode?.anomalies).toEqual({ corrupt_record: totals.anomaliesDetected })
    expect(totals.anomaliesDetected).toBeGreaterThan(0)
    const backend =
      kind === 'json'
        ? jsonBackend({ path, maxRecordBytes: 300 })
        : rotationBackend({ dir: path, maxRecordBytes: 300 })
    const papyra = await openPapyra({ systemId: 'shop', backend })
    const large = { type: 'tick', payload: 'x'.repeat(400) }
    await expect(papyra.recordEvent(large)).rejects.toThrow()
    await expect(papyra.recordEvent(large)).rejects.toThrow()
    await expect(papyra.compact({ plan: 'none' })).rejects.toThrow()
    const before = await papyra.metrics()
    await papyra.close()
    const { stdout } = await world.run('metrics', 'persistence', '--path', path)
    expect(stdout).toMatch(/^anomalies by code: \d+ corrupt_record$/m)
    expect(stdout).toMatch(/^errors by code: .*2 record_too_large/m)
    const after = (await world.run('metrics', 'persistence', '--path', path, '--json')).json()
    expect(after.report).toMatchObject({ byCode: before.byCode })
    const { writeErrors, scanErrors, recoveryErrors, compactionErrors } = before.totals
    expect(sum(before.byCode?.errors ?? {})).toBe(
      writeErrors + scanErrors + recoveryErrors + compactionErrors,
    )
  },
)
