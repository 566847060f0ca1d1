import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { append, makeLog } from './fixtures/logs.js'
import { bundle, papyra } from './fixtures/process.js'
import { World } from './fixtures/world.js'

test('cron: no environment but PAPYRA_CONFIG, working directory /', async () => {
  const world = new World()
  await makeLog(world, 30)
  const file = world.write('papyra.config.json', {
    system_id: 'shop',
    backend: { use: 'json', path: './shop.ndjson' },
    startup: { mode: 'FAIL_ON_ANOMALY' },
    retention: { max_records: 10 },
  })
  const cron = (...argv: string[]) => papyra(argv, { env: { PAPYRA_CONFIG: file } })
  for (const line of [
    'persistence scan',
    'persistence startup-check --mode fail_on_anomaly',
    'persistence compact',
    'persistence scan',
    'persistence startup-check --mode recover --recovery-mode repair',
    'metrics persistence',
    'inspect events',
  ]) {
    const { code, stderr } = await cron(...line.split(' '))
    expect(code, `${line}: ${stderr}`).toBe(0)
  }
  const { stdout } = await cron('persistence', 'inspect', '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    report: { metrics: { totals: { recordsStored: 10 } } },
  })
})

test('cron: no environment but XDG_CONFIG_HOME', async () => {
  const world = new World()
  await makeLog(world, 3)
  world.write('xdg/papyra/papyra.config.json', {
    backend: { use: 'json', path: '../../shop.ndjson' },
  })
  const { code } = await papyra(['persistence', 'scan'], {
    env: { XDG_CONFIG_HOME: world.path('xdg') },
  })
  expect(code).toBe(0)
})

test('an empty volume: create, check, list', async () => {
  const world = new World()
  const env = { PAPYRA_PATH: world.path('volume.ndjson'), NODE_ENV: 'development' }
  expect((await papyra(['persistence', 'startup-check'], { env })).code).toBe(66)
  expect((await papyra(['persistence', 'create', '--if-absent'], { env })).code).toBe(0)
  expect((await papyra(['persistence', 'create', '--if-absent'], { env })).code).toBe(0)
  expect((await papyra(['persistence', 'startup-check'], { env })).code).toBe(0)
  expect((await papyra(['inspect', 'summary'], { env })).code).toBe(0)
})

test('a reader that goes away leaves no stack trace; a scan keeps its exit code', async () => {
  const world = new World()
  const path = await makeLog(world, 3000)
  const file = await bundle
  const shell = (line: string) =>
    spawnSync('bash', ['--norc', '-c', `set -o pipefail; ${line}`], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    })
  const listing = shell(
    `"${process.execPath}" "${file}" inspect events --path "${path}" --json | head -n 1 | wc -l`,
  )
  expect(listing.stderr).toBe('')
  expect(listing.stdout.trim()).toBe('1')
  append(path, 'x')
  const scan = shell(
    `("${process.execPath}" "${file}" persistence scan --path "${path}"; echo "code $?" >&2) | true`,
  )
  expect(scan.stderr).toBe('code 2\n')
})

test('output that cannot be written is an I/O error', async () => {
  const world = new World()
  const path = await makeLog(world, 3)
  const file = await bundle
  const line = `"${process.execPath}" "${file}" inspect events --path "${path}" > /dev/full`
  const { status, stderr } = spawnSync('bash', ['--norc', '-c', line], {
    encoding: 'utf8',
    env: {},
  })
  expect(status).toBe(74)
  expect(stderr).toContain('Standard output cannot be written')
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a listing that follows with %i', async (signal, expected) => {
  const world = new World()
  const path = await makeLog(world, 3)
  const { code, stdout, stderr } = await papyra(
    ['inspect', 'events', '--path', path, '--follow', '--json'],
    {
      started: (child) => {
        let seen = ''
        child.stdout?.on('data', (data: Buffer) => {
          seen += data.toString()
          if (seen.includes('"seq":3,')) child.kill(signal)
        })
      },
    },
  )
  expect(code).toBe(expected)
  expect(stdout.split('\n').filter((line) => line.includes('papyra.record/1'))).toHaveLength(3)
  expect(stderr).toBe('')
})

/** True if the process has the file open. */
function holdsOpen(pid: number | undefined, path: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`) === path)
  } catch {
    // It has not started yet, has ended, or closed one of them meanwhile.
    return false
  }
}

test('a signal while it waits for the lock ends it at once', async () => {
  const world = new World()
  const path = await makeLog(world, 3)
  const before = readFileSync(path)
  const { openPapyra } = await import('@papyra/core')
  const { jsonBackend } = await import('@papyra/backend-json')
  const owner = await openPapyra({
    systemId: 'test',
    backend: jsonBackend({ path }),
    environment: 'test',
  })
  try {
    const { code } = await papyra(
      ['persistence', 'recover', '--path', path, '--wait-lock', '600s'],
      {
        started: (child) => {
          const timer = setInterval(() => {
            if (holdsOpen(child.pid, `${path}.lock`)) child.kill('SIGTERM')
          }, 20)
          child.on('exit', () => clearInterval(timer))
        },
      },
    )
    expect(code).toBe(143)
  } finally {
    await owner.close()
  }
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('what nobody catches ends with 70, never with Node’s 1', async () => {
  const world = new World()
  const path = await makeLog(world, 3)
  world.write('late.js', LATE)
  const { code, stderr } = await papyra(['persistence', 'scan', '--config', world.path('late.js')])
  expect(code).toBe(70)
  expect(stderr).toMatch(/papyra: internal: Error: late\\u001b\[31m/)
  expect((await papyra(['persistence', 'scan', '--path', path])).code).toBe(0)
})

/** A configuration whose code fails when nobody waits for it any more. */
const LATE = `
setTimeout(() => { throw new Error('late\\u001b[31m') }, 0)
const open = () => new Promise((resolve) => setTimeout(resolve, 60_000))
export default { backend: { name: 'x', location: 'x', capabilities: {}, open } }
`
