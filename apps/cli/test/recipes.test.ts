// The scripts below deploy/, run by a shell as they stand there, and the units, as systemd reads them.
import { spawn, spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startOwner } from './fixtures/owner-process.js'
import { Service, write } from './fixtures/service.js'
import { FILE_BACKENDS, makeStore } from './fixtures/stores.js'
import { bundle } from './fixtures/process.js'
import { World } from './fixtures/world.js'

const folder = fileURLToPath(new URL('../../../deploy/', import.meta.url))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A script of the folder, with `papyra` on its PATH; the owner of a store lives on meanwhile. */
async function script(world: World, name: string, ...args: string[]): Promise<Ran> {
  mkdirSync(world.path('bin'), { recursive: true })
  const command = `#!/bin/sh\nexec ${process.execPath} ${await bundle} "$@"\n`
  writeFileSync(world.path('bin/papyra'), command, { mode: 0o755 })
  const env = {
    PATH: `${world.path('bin')}:/usr/local/bin:/usr/bin:/bin`,
    PAPYRA_CONFIG: world.path('papyra.config.json'),
  }
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', [`${folder}${name}`, ...args], { cwd: world.dir, env })
    let [out, err] = ['', '']
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (err += data.toString()))
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

test('the README tells of each script', () => {
  const text = readFileSync(`${folder}README.md`, 'utf8')
  for (const part of ['backup', 'ci'])
    for (const name of readdirSync(folder + part)) expect(text).toContain(`](${part}/${name})`)
})

describe.each(FILE_BACKENDS)('backup and restore of %s', (use) => {
  test('a copy beside a busy owner has all that was acknowledged before, and comes back', async () => {
    const world = new World()
    world.write('papyra.config.json', { environment: 'test' })
    const store = world.path(use === 'json' ? 'shop.ndjson' : 'shop')
    const owner = await startOwner(use, store, { maxRecords: 20 })
    const before = await owner.tell('record 60')
    await owner.tell('write')
    const made = await script(world, 'backup/papyra-backup.sh', store, world.path('kept'))
    await owner.tell('stop')
    await owner.tell('close')
    expect(made.code, made.err).toBe(0)
    const backup = made.out.trim()
    expect(readdirSync(world.path('kept'))).toHaveLength(1)
    const back = world.path(use === 'json' ? 'back.ndjson' : 'back')
    const restored = await script(world, 'backup/papyra-restore.sh', backup, back)
    expect(restored.code, restored.err).toBe(0)
    const scan = await world.run('persistence', 'scan', '--path', back, '--json')
    expect(scan.code, scan.stderr).toBe(0)
    const report = scan.json().report as { lastSeq: number; records: number }
    expect(report.lastSeq).toBeGreaterThanOrEqual(before)
    expect(report.records).toBe(report.lastSeq)
    const again = await script(world, 'backup/papyra-restore.sh', backup, back)
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('is there already')])
  })

  test('a backup that was edited is refused, and a damaged store makes none', async () => {
    const world = new World()
    world.write('papyra.config.json', { environment: 'test' })
    const store = (await makeStore(world, use, 30)).replace(/\/$/, '')
    const made = await script(world, 'backup/papyra-backup.sh', store, world.path('kept'))
    expect(made.code, made.err).toBe(0)
    const backup = made.out.trim()
    const log = (root: string): string => {
      const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
      return `${root}/${names.filter((name) => name.endsWith('.ndjson')).sort()[0]}`
    }
    appendFileSync(log(backup), ' ')
    const refused = await script(world, 'backup/papyra-restore.sh', backup, world.path('x.ndjson'))
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('not what was made')])
    const file = use === 'json' ? store : log(store)
    const bytes = readFileSync(file)
    const middle = bytes.length >> 1
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    writeFileSync(file, bytes)
    const none = await script(world, 'backup/papyra-backup.sh', store, world.path('other'))
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('no sound copy')])
    expect(readdirSync(world.path('other'))).toEqual([])
  })
})

test('the gate of a release: go, and no go for a store that is not as it should be', async () => {
  const service = await new Service(null, 'gate').start()
  const { world } = service
  const go = await script(world, 'ci/release-gate.sh', 'release')
  expect(go.code, go.out + go.err).toBe(0)
  expect(readFileSync(world.path('release/checklist.md'), 'utf8')).toContain(
    '| release.gate | pass |',
  )
  expect(JSON.parse(readFileSync(world.path('release/gate.json'), 'utf8'))).toMatchObject({
    schema: 'papyra.gate/1',
    report: { verdict: 'pass' },
  })
  await service.own((papyra) => write(papyra, 60))
  const no = await script(world, 'ci/release-gate.sh', 'release')
  expect([no.code, no.err]).toEqual([1, expect.stringContaining('no go')])
})

const analyzes = spawnSync('systemd-analyze', ['--version']).status === 0
test.runIf(analyzes)('the units pass systemd-analyze verify', () => {
  const world = new World()
  const names = readdirSync(`${folder}systemd`)
  for (const name of names) {
    const text = readFileSync(`${folder}systemd/${name}`, 'utf8')
    // The programs and the user that the units name are not on this machine.
    const here = text.replace(/^(Exec\w+=)\S+/gm, '$1/bin/true').replace(/=shop$/gm, '=root')
    world.write(`units/${name}`, here)
  }
  const paths = names.map((name) => world.path('units', name))
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], {
    encoding: 'utf8',
  })
  const ours = stderr.split('\n').filter((line) => names.some((name) => line.includes(name)))
  expect({ status, ours }).toEqual({ status: 0, ours: [] })
})
