import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { type OwnerProcess, startOwner } from './fixtures/owner-process.js'
import { papyra } from './fixtures/process.js'
import { World } from './fixtures/world.js'

const STORES = [
  ['json', 'shop.ndjson'],
  ['rotation', 'shop/'],
] as const

const last = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

describe.each(STORES)('beside a living owner of a %s store', (use, name) => {
  interface Service {
    readonly world: World
    readonly path: string
    readonly owner: OwnerProcess
    /** `process 41 on db1 holds the store` */
    readonly holds: string
  }

  async function service(records: number, maxRecords?: number): Promise<Service> {
    const world = new World()
    const path = world.path(name)
    const options = maxRecords === undefined ? {} : { maxRecords }
    const owner = await startOwner(use, path, options)
    await owner.tell(`record ${records}`)
    const holds = `process ${owner.pid} on ${hostname()} holds the store`
    return { world, path, owner, holds }
  }

  async function seqs(world: World, path: string): Promise<number[]> {
    const { lines } = await world.run('inspect', 'events', '--path', path, '--all', '--json')
    return lines().map(({ seq }) => seq as number)
  }

  test('compact has the owner compact, says so, and gives the same document', async () => {
    const { world, path, owner, holds } = await service(120)
    const argv = ['persistence', 'compact', '--path', path, '--max-records', '20', '--json']
    const dry = await papyra([...argv, '--dry-run'])
    expect(dry.code, dry.stderr).toBe(0)
    expect(dry.stderr).toContain(`${holds} and makes the plan`)
    expect(JSON.parse(dry.stdout)).toMatchObject({
      schema: 'papyra.compact/1',
      report: { dryRun: true, records: { before: 120, after: 20 } },
    })
    const real = await papyra(argv)
    expect(real.code, real.stderr).toBe(0)
    expect(real.stderr).toContain(`${holds} and compacts`)
    const there = JSON.parse(real.stdout)
    expect(there).toMatchObject({
      ok: true,
      report: {
        backend: use,
        changed: true,
        verified: true,
        records: { before: 120, after: 20 },
        dropped: [{ kind: 'event', reason: 'count', records: 100, seq: { first: 1, last: 100 } }],
      },
    })
    expect(await owner.tell('record 1')).toBe(121)
    expect((await seqs(world, path)).at(0)).toBe(101)
    const inspected = await world.run('persistence', 'inspect', '--path', path, '--json')
    expect(inspected.json().report['history']).toContainEqual(
      expect.objectContaining({ what: 'compaction', trigger: 'control', recordsRemoved: 100 }),
    )
    // The same command on the store at rest gives the same members.
    await owner.tell('close')
    const here = await papyra([...argv.slice(0, 4), '--max-records', '5', '--json'])
    expect(here.stderr).not.toContain('holds the store')
    const shape = ({ report, ...rest }: Record<string, object>): unknown => [
      Object.keys(rest),
      Object.keys(report ?? {}).sort(),
    ]
    expect(shape(JSON.parse(here.stdout))).toEqual(shape(there))
  })

  test('compacting again and again while the owner writes loses nothing that is kept', async () => {
    const { world, path, owner } = await service(50)
    await owner.tell('write')
    for (let round = 0; round < 3; round++) {
      const ran = await papyra(['persistence', 'compact', '--path', path, '--quiet'])
      expect(ran, ran.stderr).toMatchObject({ code: 0, stderr: '' })
    }
    const end = await owner.tell('stop')
    const kept = await seqs(world, path)
    expect(kept).toEqual(kept.map((_, index) => end - kept.length + 1 + index))
    expect(kept.length).toBeGreaterThanOrEqual(10)
    expect(kept.at(-1)).toBe(end)
    const scan = await world.run('persistence', 'scan', '--path', path, '--json')
    expect(scan.code, scan.stdout).toBe(0)
  })

  test('a plan of the owner is carried out by the owner; a second time it is stale', async () => {
    const { path, owner, holds } = await service(60)
    const argv = ['persistence', 'compact', '--path', path, '--json']
    const dry = JSON.parse((await papyra([...argv, '--max-records', '15', '--dry-run'])).stdout)
    await owner.tell('record 5')
    const run = await papyra([...argv, '--plan', dry.report.plan.id])
    expect(run.code, run.stderr + run.stdout).toBe(0)
    expect(run.stderr).toContain(`${holds} and compacts`)
    expect(JSON.parse(run.stdout).report.records).toEqual({ before: 65, after: 20 })
    const again = await papyra([...argv, '--plan', dry.report.plan.id])
    expect(again.code).toBe(75)
    expect(JSON.parse(again.stdout).error.code).toBe('stale_plan')
  })

  test('what the owner refuses ends as it would here', async () => {
    const { path } = await service(3)
    const argv = ['persistence', 'compact', '--path', path, '--plan', 'nonsense', '--json']
    const { code, stdout } = await papyra(argv)
    expect(code).toBe(64)
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'papyra.error/1',
      error: { code: 'invalid_argument' },
    })
  })

  test('metrics and inspect --show-metrics are the owner’s, and say so', async () => {
    const { path, owner, holds } = await service(7)
    const metrics = await papyra(['metrics', 'persistence', '--path', path, '--json'])
    expect(metrics.stderr).toContain(`${holds} and tells its numbers`)
    expect(JSON.parse(metrics.stdout).report).toMatchObject({
      source: 'owner',
      totals: { recordsWritten: 7, recordsStored: 7 },
    })
    const inspect = ['persistence', 'inspect', '--path', path, '--json']
    const asked = await papyra([...inspect, '--show-metrics'])
    expect(asked.stderr).toContain(`${holds} and tells its numbers`)
    const { report } = JSON.parse(asked.stdout)
    expect(report).toMatchObject({ metricsSource: 'owner', owner: { pid: owner.pid } })
    const { source: _s, accounts: _a, ...numbers } = JSON.parse(metrics.stdout).report
    expect(report.metrics).toEqual(numbers)
    const plain = await papyra(inspect)
    expect(plain).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(plain.stdout).report.metricsSource).toBeUndefined()
  })

  test('recover and metrics reset refuse with 75, and name the owner', async () => {
    const { path, owner } = await service(3)
    for (const words of [
      ['persistence', 'recover'],
      ['persistence', 'recover', '--dry-run'],
      ['metrics', 'reset'],
    ]) {
      const { code, stdout } = await papyra([...words, '--path', path, '--json'])
      expect(code, words.join(' ')).toBe(75)
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'store_locked', details: { pid: owner.pid, host: hostname() } },
      })
    }
    expect(await owner.tell('record 1')).toBe(4)
  })

  test('a scan beside the owner never takes the line that is being written for damage', async () => {
    const { path, owner } = await service(1, 1000)
    await owner.tell('write')
    for (let round = 0; round < 4; round++) {
      const { code, stdout, stderr } = await papyra(['persistence', 'scan', '--path', path])
      expect(code, stdout).toBe(0)
      expect(stderr).not.toContain('holds the store')
    }
    await owner.tell('stop')
  })

  test('scan --via-owner is the owner’s, and counts as its own', async () => {
    const { path, holds } = await service(5)
    const scans = async (): Promise<number> =>
      JSON.parse((await papyra(['metrics', 'persistence', '--path', path, '--json'])).stdout).report
        .totals.scans
    const before = await scans()
    await papyra(['persistence', 'scan', '--path', path])
    expect(await scans()).toBe(before)
    const ran = await papyra(['persistence', 'scan', '--path', path, '--via-owner', '--json'])
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain(`${holds} and scans`)
    expect(JSON.parse(ran.stdout).report).toMatchObject({ clean: true, records: 5 })
    expect(await scans()).toBe(before + 1)
  })

  test('an owner that is stopped does not answer: 75 and its name; numbers come from the disk', async () => {
    const { path, owner } = await service(12)
    owner.child.kill('SIGSTOP')
    for (const words of [
      ['persistence', 'compact', '--max-records', '5'],
      ['persistence', 'compact', '--max-records', '5', '--dry-run'],
      ['persistence', 'scan', '--via-owner'],
    ]) {
      const { code, stdout } = await papyra([...words, '--path', path, '--json'])
      expect(code, words.join(' ')).toBe(75)
      expect(JSON.parse(stdout).error).toMatchObject({
        code: 'store_locked',
        details: { pid: owner.pid, reason: 'timeout' },
      })
    }
    const metrics = await papyra(['metrics', 'persistence', '--path', path, '--json'])
    expect(metrics.code).toBe(0)
    expect(metrics.stderr).toMatch(/warning: .*does not answer.*on the disk/)
    expect(JSON.parse(metrics.stdout).report).toMatchObject({
      source: 'store',
      totals: { recordsWritten: 12 },
    })
    expect((await papyra(['persistence', 'scan', '--path', path])).code).toBe(0)
    owner.child.kill('SIGCONT')
    const argv = ['persistence', 'compact', '--max-records', '5', '--path', path]
    expect((await papyra(argv)).code).toBe(0)
  })

  test('with --wait-lock a silent owner is waited for, and the command then compacts itself', async () => {
    const { path, owner } = await service(12)
    owner.child.kill('SIGSTOP')
    const argv = ['persistence', 'compact', '--max-records', '5', '--wait-lock', '600s']
    const { code, stdout, stderr } = await papyra([...argv, '--path', path], {
      started: (child) => {
        child.stderr?.on('data', (data: Buffer) => {
          if (data.toString().includes('Waiting for it to go')) owner.child.kill('SIGKILL')
        })
      },
    })
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/records 12 -> 5/)
  })

  test('Ctrl-C stops the owner’s compaction; the store is as before', async () => {
    const { world, path, owner } = await service(300)
    // It would take hours.
    const argv = ['persistence', 'compact', '--max-records', '299', '--throttle', '1', '--yes']
    const { code, stderr } = await papyra([...argv, '--path', path], {
      started: (child) => {
        child.stderr?.on('data', (data: Buffer) => {
          if (data.toString().includes('and compacts')) child.kill('SIGINT')
        })
      },
    })
    expect(code, stderr).toBe(130)
    expect(await owner.tell('record 1')).toBe(301)
    expect(await seqs(world, path)).toHaveLength(301)
    expect(
      (await papyra(['persistence', 'compact', '--max-records', '9', '--path', path])).code,
    ).toBe(0)
  })

  test('after kill -9 nobody is asked, and the next owner answers again', async () => {
    const { path, owner } = await service(6)
    owner.child.kill('SIGKILL')
    await owner.gone()
    const alone = await papyra(['metrics', 'persistence', '--path', path, '--json'])
    expect(alone.stderr).toBe('')
    expect(JSON.parse(alone.stdout).report.source).toBe('store')
    const next = await startOwner(use, path)
    const asked = await papyra(['metrics', 'persistence', '--path', path])
    expect(last(asked.stderr)).toContain(`process ${next.pid} on`)
  })

  test('a long path is no obstacle', async () => {
    const world = new World()
    mkdirSync(world.path('d'.repeat(120)))
    mkdirSync(world.path('tmp'))
    const path = world.path('d'.repeat(120), name)
    const owner = await startOwner(use, path, { env: { TMPDIR: world.path('tmp') } })
    await owner.tell('record 30')
    const ran = await papyra(['persistence', 'compact', '--path', path])
    expect(readdirSync(world.path('tmp'))).toHaveLength(1)
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stderr).toContain(`process ${owner.pid} on`)
  })

  test('where the owner could not open a socket, 75 says why', async () => {
    const world = new World()
    mkdirSync(world.path('d'.repeat(120)))
    const path = world.path('d'.repeat(120), name)
    const owner = await startOwner(use, path, {
      env: { TMPDIR: world.path('missing') },
    })
    await owner.tell('record 30')
    const { code, stderr } = await papyra(['persistence', 'compact', '--path', path])
    expect(code).toBe(75)
    expect(stderr).toMatch(/could not open its control socket \(ENOENT\)/)
  })
})

test('a foreign host in the lock file is told as such', async () => {
  const world = new World()
  const path = world.path('shop.ndjson')
  const owner = await startOwner('json', path)
  const lock = `${path}.lock`
  const facts = JSON.parse(readFileSync(lock, 'utf8'))
  // As a container that shares the volume, but not the folder for temporary files, would see it.
  writeFileSync(lock, JSON.stringify({ ...facts, host: 'web2', socket: '/nowhere/else/s' }))
  const { code, stderr } = await papyra([
    'persistence',
    'compact',
    '--path',
    path,
    '--max-records',
    '1',
  ])
  expect(code).toBe(75)
  expect(stderr).toContain(`process ${owner.pid} on web2`)
  expect(stderr).toContain('another host or in another container')
})
