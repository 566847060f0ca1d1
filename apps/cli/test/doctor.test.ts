import { appendFile } from 'node:fs/promises'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra } from '@papyra/core'
import { expect, test } from 'vitest'
import { World } from './fixtures/world.js'

/** A store with a few events, configured by a file. */
async function shop(more: object = {}): Promise<{ world: World; path: string }> {
  const world = new World()
  const path = world.path('shop.ndjson')
  const papyra = await openPapyra({ systemId: 'shop', backend: jsonBackend({ path }) })
  for (let n = 0; n < 5; n++) await papyra.recordEvent({ type: 'tick', payload: { n } })
  await papyra.close()
  world.write('papyra.config.json', {
    systemId: 'shop',
    backend: { use: 'json', path: './shop.ndjson' },
    ...more,
  })
  return { world, path }
}

test('doctor run: one line a check, exit 0; a damaged store is 1, mended 0, and what mends it is named', async () => {
  const { world, path } = await shop()
  const sound = await world.run('doctor', 'run')
  expect(sound.code).toBe(0)
  expect(sound.stdout).toMatch(/^\[pass\] store\.scan +5 records, \d+ bytes, coverage full$/m)
  expect(sound.stdout).toMatch(/^3 passed, 0 to look at, 0 failed, 0 unknown$/m)
  await appendFile(path, '{"seq":6')
  const torn = await world.run('doctor', 'run', '--mode', 'fail_on_anomaly')
  expect(torn.code).toBe(1)
  expect(torn.stdout).toMatch(/^\[fail\] store\.scan +1 torn_tail/m)
  expect(torn.stdout).toContain('-> papyra persistence recover --dry-run')
  expect((await world.run('doctor', 'run', '--mode', 'SCAN_ONLY')).code).toBe(0)
  const mended = await world.run('doctor', 'run', '--mode', 'recover', '--recovery-mode', 'repair')
  expect(mended.code).toBe(0)
  expect(mended.stdout).toMatch(/^\[pass\] store\.rescan /m)
  expect((await world.run('doctor', 'run')).code).toBe(0)
})

test('doctor run: 2 without consent, 66 without a store, 75 beside an owner, 78 without a folder', async () => {
  const { world, path } = await shop()
  const recover = ['doctor', 'run', '--mode', 'recover'] as const
  const folderless = await world.run(...recover, '--recovery-mode', 'quarantine')
  expect(folderless.code).toBe(78)
  expect((await world.run('doctor', 'run', '--path', world.path('no.ndjson'))).code).toBe(66)
  const owner = await openPapyra({ systemId: 'shop', backend: jsonBackend({ path }) })
  expect((await world.run(...recover, '--wait-lock', '1ms')).code).toBe(75)
  expect((await world.run('doctor', 'run')).code).toBe(0)
  await owner.close()
  // The last record goes: it was acknowledged, so its loss has to be consented to.
  const { readFile, writeFile } = await import('node:fs/promises')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.slice(0, text.lastIndexOf('{"seq"')))
  const lossy = await world.run(...recover, '--json')
  expect(lossy.code).toBe(2)
  expect(lossy.json()).toMatchObject({ schema: 'papyra.doctor/1', report: { exit: 2 } })
  expect((await world.run(...recover, '--accept-loss')).code).toBe(0)
})

test('doctor checklist: by chapter, with what mends it, as text, JSON and Markdown', async () => {
  const { world } = await shop({ use: { strictOrdering: true } })
  const text = await world.run('doctor', 'checklist')
  expect(text.code).toBe(1)
  expect(text.stdout).toMatch(/^chapter 2$\n^\[fail\] retention\.explicit /m)
  expect(text.stdout).toMatch(/^ +-> State `retention` in the configuration/m)
  const json = await world.run('doctor', 'checklist', '--json', '--only', 'retention')
  expect(json.json()).toMatchObject({
    schema: 'papyra.checklist/1',
    report: { exit: 1, checks: [{ id: 'retention.explicit' }, { id: 'retention.agreed' }] },
  })
  const markdown = await world.run('doctor', 'checklist', '--markdown', '--skip', 'retention')
  expect(markdown.stdout).toMatch(/^\| 1 \| store\.clean \| pass \| 5 records .* \| {2}\|$/m)
  expect(markdown.stdout).not.toContain('retention.explicit')
  expect((await world.run('doctor', 'checklist', '--only', 'nothing')).code).toBe(64)
})

test('doctor checklist: waivers, and unknowns in production', async () => {
  const waiver = { id: 'retention.explicit', reason: 'soon', owner: 'ada', expires: '2999-01-01' }
  const one = { ...waiver, id: 'compaction.scheduled' }
  const { world } = await shop({ waivers: [waiver, one] })
  const waived = await world.run('doctor', 'checklist', '--no-strict')
  expect(waived.code).toBe(0)
  expect(waived.stdout).toContain('waived until 2999-01-01: soon')
  expect((await world.run('doctor', 'checklist', '--strict')).code).toBe(1)
  const gone = await shop({ waivers: [{ ...waiver, expires: '2020-01-01' }] })
  const dead = await gone.world.run('doctor', 'checklist', '--only', 'retention')
  expect(dead.code).toBe(1)
  expect(dead.stderr).toContain(
    'The waiver of retention.explicit does not hold (until 2020-01-01).',
  )
})

test.each([
  [{ use: { writesPerSecond: 'many' } }, 'use.writesPerSecond'],
  [{ waivers: [{ id: 'a', reason: 'b', owner: 'c' }] }, 'waivers[0]'],
  [
    { waivers: [{ id: 'a', reason: 'b', owner: 'c', expires: '2026-02-30' }] },
    'waivers[0].expires',
  ],
  [{ waivers: {} }, 'waivers'],
])('a configuration with %j is refused, and the place is named', async (more, place) => {
  const { world } = await shop(more)
  const { code, stderr } = await world.run('doctor', 'checklist')
  expect(code).toBe(78)
  expect(stderr).toContain(place)
})

test('doctor explain: a code, and a place as the scan prints it, with bytes that are safe to print', async () => {
  const { world, path } = await shop()
  const code = await world.run('doctor', 'explain', 'TORN-TAIL')
  expect(code.code).toBe(0)
  expect(code.stdout).toMatch(/^how it happens: .*killed/m)
  expect(code.stdout).toMatch(/^ {2}fail_on_anomaly +The service does not start \(exit 1\)/m)
  await appendFile(path, '{"seq":6\u001b[2J')
  const scan = await world.run('persistence', 'scan')
  const place = /(\S+:\d+\+\d+)/.exec(scan.stdout)?.[1] ?? ''
  const told = await world.run('doctor', 'explain', place)
  expect(told.code, told.stderr).toBe(0)
  expect(told.stdout).toMatch(/^torn_tail {2}/m)
  expect(told.stdout).toMatch(/^> +\d+ {2}(?:[0-9a-f]{2} ?)+ /m)
  expect(told.stdout).not.toContain('\u001b')
  const sound = await world.run('doctor', 'explain', `${path}:3`, '--json')
  expect(sound.json().report).toMatchObject({ anomalies: [], nearest: { code: 'torn_tail' } })
  expect((await world.run('doctor', 'explain', 'nothing')).code).toBe(64)
  expect((await world.run('doctor', 'explain', `${world.path('no.ndjson')}:3`)).code).toBe(0)
})
