import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { rotationBackend } from '@papyra/backend-rotation'
import type { BackendDefinition } from '@papyra/contracts'
import { memoryBackend, openPapyra } from '@papyra/core'
import { runReleaseGate, type ReleaseGateOptions, type ReleaseGateReport } from '@papyra/doctor'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { worse, worseCopies } from './fixtures/broken.js'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-gate-'))
  await mkdir(join(dir, 'scratch'))
  await mkdir(join(dir, 'store'))
})
afterEach(() => rm(dir, { recursive: true }))

const POLICY = { maxRecords: 50 }
const SETTINGS = {
  environment: 'production',
  mode: 'fail_on_anomaly',
  retention: POLICY,
} as const

const KINDS: Readonly<Record<string, () => BackendDefinition>> = {
  json: () => jsonBackend({ path: join(dir, 'store', 'shop.ndjson') }),
  rotation: () => rotationBackend({ dir: join(dir, 'store'), segment: { maxRecords: 10 } }),
}

async function fill(backend: BackendDefinition): Promise<void> {
  const papyra = await openPapyra({ systemId: 'shop', backend, create: 'if-missing' })
  for (let n = 0; n < 80; n++) await papyra.recordEvent({ type: 'tick', payload: { n } })
  await papyra.close()
}

function run(
  backend: BackendDefinition,
  options: Partial<ReleaseGateOptions> = {},
): Promise<ReleaseGateReport> {
  return runReleaseGate(backend, { settings: SETTINGS, dir: join(dir, 'scratch'), ...options })
}

const states = ({ checks }: ReleaseGateReport): Record<string, string> =>
  Object.fromEntries(checks.map(({ id, state }) => [id, state]))

const ALL = ['scan', 'retention', 'compaction', 'metrics', 'recovery', 'startup'] as const
const good = (but: Partial<Record<(typeof ALL)[number], string>> = {}): Record<string, string> =>
  Object.fromEntries(ALL.map((name) => [`gate.${name}`, but[name] ?? 'pass']))

async function fingerprint(): Promise<readonly string[]> {
  const at = join(dir, 'store')
  return Promise.all(
    (await readdir(at)).sort().map(async (name) => {
      const { mtimeMs, size } = await stat(join(at, name))
      return `${name} ${mtimeMs} ${size} ${(await readFile(join(at, name))).toString('base64')}`
    }),
  )
}

describe.each(Object.keys(KINDS))('the gate of a %s store', (kind) => {
  const backend = (): BackendDefinition => (KINDS[kind] as () => BackendDefinition)()
  beforeEach(() => fill(backend()))

  test('lets a sound store pass, writes nothing to it, and leaves no copy', async () => {
    const before = await fingerprint()
    const report = await run(backend())
    expect(report.checks.filter(({ state }) => state !== 'pass')).toEqual([])
    expect(report).toMatchObject({ exit: 0, verdict: 'pass', applied: false, backend: kind })
    expect(states(report)).toEqual(good())
    const compaction = report.checks.find(({ id }) => id === 'gate.compaction')
    expect(compaction?.evidence).toContain('30 planned, 30 gone, 0 changed, clean')
    expect(await fingerprint()).toEqual(before)
    expect(await readdir(join(dir, 'scratch'))).toEqual([])
  })

  test('compacts for real where that is asked for', async () => {
    const alone = await run(backend(), { apply: true })
    expect(alone).toMatchObject({ exit: 0, applied: true })
    expect(alone.checks[2]?.evidence).toMatch(/^Applied: 30 records, \d+ bytes deleted\./)
    expect((await run(backend())).checks[2]?.evidence).toContain('0 planned, 0 gone')
  })

  test('damage', async () => {
    const [name = ''] = (await readdir(join(dir, 'store'))).filter((one) => one.endsWith('.ndjson'))
    const path = join(dir, 'store', name)
    const bytes = await readFile(path)
    bytes.writeUInt8(bytes.readUInt8(700) ^ 4, 700)
    await writeFile(path, bytes)
    const report = await run(backend())
    expect(report).toMatchObject({ exit: 1, verdict: 'fail' })
    expect(states(report)).toMatchObject({ 'gate.scan': 'fail', 'gate.startup': 'fail' })
  })

  test('no limit, and a mode that refuses nothing', async () => {
    const bare = { ...SETTINGS, environment: 'test', retention: null }
    expect(states(await run(backend(), { settings: bare }))).toEqual(
      good({ retention: 'fail', compaction: 'fail' }),
    )
    const open = { ...SETTINGS, mode: 'scan_only' } as const
    expect(states(await run(backend(), { settings: open }))).toEqual(good({ startup: 'fail' }))
  })

  test('numbers that are wrong', async () => {
    const wrong = worse(backend(), (store) => ({
      async describe() {
        const description = await store.describe()
        const { metrics } = description
        const totals = { ...metrics.totals, recordsStored: metrics.totals.recordsStored + 1 }
        return { ...description, metrics: { ...metrics, totals } }
      },
    }))
    const report = await run({ ...wrong, at: backend().at as NonNullable<typeof wrong.at> })
    expect(states(report)).toEqual(good({ metrics: 'fail' }))
  })

  test('a compaction that deletes too much, and a recovery that hides what is lost', async () => {
    const greedy = worseCopies(backend(), (store) => ({
      compact: (options) =>
        store.compact(
          options.dryRun === true ? options : { ...options, policy: { maxRecords: 49 } },
        ),
    }))
    expect(states(await run(greedy))).toEqual(good({ compaction: 'fail' }))
    const silent = worseCopies(backend(), (store) => ({
      recover: async (options) => ({ ...(await store.recover(options)), losses: [] }),
    }))
    expect(states(await run(silent))).toEqual(good({ recovery: 'fail' }))
  })
})

test('what cannot be copied is unknown, and that is no pass; a store that is not there has no answer', async () => {
  const backend = memoryBackend({ retention: POLICY })
  await fill(backend)
  const report = await run(backend)
  expect(states(report)).toMatchObject({ 'gate.recovery': 'unknown', 'gate.scan': 'pass' })
  expect(report.exit).toBe(1)
  const nowhere = jsonBackend({ path: join(dir, 'no.ndjson') })
  await expect(run(nowhere)).rejects.toHaveProperty('code', 'store_not_found')
})
