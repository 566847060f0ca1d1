import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { rotationBackend } from '@papyra/backend-rotation'
import type { Backend, BackendDefinition } from '@papyra/contracts'
import { memoryBackend, openPapyra } from '@papyra/core'
import {
  runDrills,
  type DrillName,
  type DrillOptions,
  type DrillReport,
  type PapyraProcess,
} from '@papyra/doctor'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { worseCopies } from './fixtures/broken.js'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-drill-'))
  await mkdir(join(dir, 'scratch'))
})
afterEach(() => rm(dir, { recursive: true }))

const KINDS: Readonly<Record<string, () => BackendDefinition>> = {
  json: () => jsonBackend({ path: join(dir, 'store', 'shop.ndjson'), ack: 'flushed' }),
  rotation: () =>
    rotationBackend({ dir: join(dir, 'store'), ack: 'flushed', segment: { maxBytes: 5000 } }),
}

async function fill(backend: BackendDefinition, records = 120): Promise<void> {
  await mkdir(join(dir, 'store'), { recursive: true })
  const papyra = await openPapyra({ systemId: 'shop', backend })
  for (let n = 0; n < records; n++) await papyra.recordEvent({ type: 'tick', payload: { n } })
  await papyra.close()
}

/** Every byte, mode and time of modification of the original. */
async function fingerprint(): Promise<readonly string[]> {
  const at = join(dir, 'store')
  return Promise.all(
    (await readdir(at)).sort().map(async (name) => {
      const { mode, mtimeMs, size } = await stat(join(at, name))
      return `${name} ${mode} ${mtimeMs} ${size} ${(await readFile(join(at, name))).toString('base64')}`
    }),
  )
}

function drill(
  backend: BackendDefinition,
  drills: readonly DrillName[],
  options: DrillOptions = {},
): Promise<DrillReport> {
  return runDrills(backend, { drills, dir: join(dir, 'scratch'), seed: 7, ...options })
}

const states = ({ drills }: DrillReport): Record<string, string> =>
  Object.fromEntries(drills.map(({ drill: name, state }) => [name, state]))

const DAMAGES = ['truncate', 'bit-flip', 'bad-utf8'] as const

describe.each(Object.keys(KINDS))('drills on a %s store', (kind) => {
  const backend = (): BackendDefinition => (KINDS[kind] as () => BackendDefinition)()

  test('pass, count what was lost, and leave the original and no copy behind', async () => {
    await fill(backend())
    const before = await fingerprint()
    const names = [...DAMAGES, 'disk-full', 'retention-pressure'] as const
    const report = await drill(backend(), names)
    const failed = report.drills.flatMap(({ drill: name, state, expectations, reason }) =>
      state === 'pass'
        ? []
        : [{ name, state, reason, not: expectations.filter(({ held }) => !held) }],
    )
    expect(failed).toEqual([])
    expect(report).toMatchObject({ verdict: 'pass', exit: 0, original: { unchanged: true } })
    expect(report.original.before).toEqual(report.original.after)
    expect(report.original.before.files).toMatch(/^[0-9a-f]{64}$/)
    expect(await fingerprint()).toEqual(before)
    expect(await readdir(join(dir, 'scratch'))).toEqual([])
    const [cut, flipped] = report.drills
    expect(cut?.lost).toBeGreaterThan(0)
    expect(cut?.did).toHaveLength(3)
    expect((cut?.kept ?? 0) + (cut?.lost ?? 0)).toBe(360)
    expect(cut?.met.map(({ code }) => code)).toContain('rolled_back')
    expect(flipped?.met.length).toBeGreaterThan(1)
  })

  test('beside a living owner: the copy is sound, and what the owner writes meanwhile is no change', async () => {
    await fill(backend())
    const papyra = await openPapyra({ systemId: 'shop', backend: backend() })
    let over = false
    const writing = (async () => {
      while (!over) {
        await papyra.recordEvent({ type: 'tick' })
        await new Promise((resolve) => setTimeout(resolve, 3))
      }
    })()
    const report = await drill(backend(), ['truncate', 'retention-pressure'], {
      rounds: 2,
    }).finally(async () => {
      over = true
      await writing
      await papyra.close()
    })
    expect(states(report)).toEqual({ truncate: 'pass', 'retention-pressure': 'pass' })
    expect(report.original).toMatchObject({ unchanged: true, before: { files: null } })
  })

  test('a sample of the newest records is drilled where the store is larger', async () => {
    await fill(backend(), 300)
    const report = await drill(backend(), ['truncate'], { sampleBytes: 10_000, rounds: 1 })
    const [cut] = report.drills
    expect(cut).toMatchObject({
      state: 'pass',
      made: expect.stringMatching(/^the newest \d+ records/),
    })
    expect(cut?.before).toBeGreaterThan(20)
    expect(cut?.before).toBeLessThan(100)
  })

  test('a store that is damaged itself, and one that is not there, are not drilled', async () => {
    await fill(backend())
    const [name = ''] = (await readdir(join(dir, 'store'))).filter((one) => one.endsWith('.ndjson'))
    const path = join(dir, 'store', name)
    const bytes = await readFile(path)
    bytes.writeUInt8(bytes.readUInt8(700) ^ 4, 700)
    await writeFile(path, bytes)
    await expect(drill(backend(), ['truncate'])).rejects.toHaveProperty('code', 'anomalies_found')
    expect(await readdir(join(dir, 'scratch'))).toEqual([])
    await rm(join(dir, 'store'), { recursive: true })
    await expect(drill(backend(), ['truncate'])).rejects.toHaveProperty('code', 'store_not_found')
  })

  test.each<[string, DrillName, (backend: Backend) => Partial<Backend>]>([
    [
      'recovery takes out a sound record more and does not tell',
      'truncate',
      (store) => ({
        async recover(options) {
          const report = await store.recover(options)
          const { records } = await store.scan()
          const policy = { maxRecords: (records ?? 2) - 1 }
          if (options.dryRun !== true && report.changed) await store.compact({ policy })
          return report
        },
      }),
    ],
    [
      'recovery records no losses',
      'truncate',
      (store) => ({
        recover: async (options) => ({ ...(await store.recover(options)), losses: [] }),
      }),
    ],
    [
      'recovery does nothing and says that it did',
      'bit-flip',
      (store) => ({
        async recover(options) {
          const before = await store.scan()
          const rest = {
            dryRun: false,
            changed: true,
            keptAside: [],
            losses: [],
            plan: null,
            durationMs: 0,
          }
          const kept = { recordsKept: 1, bytesSetAside: 0 }
          return { ...rest, ...kept, mode: options.mode, before, after: { ...before, clean: true } }
        },
      }),
    ],
    [
      'the scan sees nothing',
      'bad-utf8',
      (store) => ({
        scan: async (options) => ({
          ...(await store.scan(options)),
          clean: true,
          anomalyCounts: {},
        }),
      }),
    ],
    [
      'appends are acknowledged before they are stored',
      'disk-full',
      (store) => ({
        async append(facts) {
          const last = (await store.describe()).lastSeq ?? 0
          return store
            .append(facts)
            .catch(() => ({ firstSeq: last + 1, lastSeq: last + facts.length }))
        },
      }),
    ],
    [
      'compaction deletes a record too many',
      'retention-pressure',
      (store) => ({
        compact: (options) =>
          store.compact({
            ...options,
            policy: { maxRecords: (options.policy?.maxRecords ?? 2) - 1 },
          }),
      }),
    ],
    [
      'compaction deletes nothing and says that it did',
      'retention-pressure',
      (store) => ({ compact: (options) => store.compact({ ...options, dryRun: true }) }),
    ],
  ])('fail where %s', async (_what, name, change) => {
    await fill(backend())
    const report = await drill(worseCopies(backend(), change), [name], { rounds: 2 })
    expect(states(report)).toEqual({ [name]: 'fail' })
    expect(report).toMatchObject({ verdict: 'fail', exit: 1, original: { unchanged: true } })
  })
})

test('what no copy has is skipped, what cannot be done is unknown, and neither is a pass', async () => {
  await fill(KINDS['json']?.() as BackendDefinition)
  const backend = KINDS['json']?.() as BackendDefinition
  const report = await drill(backend, ['redis-restart', 'unacked', 'kill-during-compaction'])
  expect(states(report)).toEqual({
    'kill-during-compaction': 'unknown',
    'redis-restart': 'skip',
    unacked: 'skip',
  })
  expect(report).toMatchObject({ verdict: 'unknown', exit: 0 })
  await expect(drill(memoryBackend(), ['truncate'])).rejects.toHaveProperty('code', 'unsupported')
  const { at: _, ...bare } = backend
  await expect(drill(bare, ['truncate'])).rejects.toHaveProperty('code', 'unsupported')
})

test('a compaction that rewrites the log in place fails when it is killed', async () => {
  const backend = KINDS['json']?.() as BackendDefinition
  await fill(backend)
  const script = `
    const { appendFileSync, readFileSync, writeFileSync } = require('node:fs')
    const path = process.argv.at(-1)
    const lines = readFileSync(path, 'utf8').split('\\n')
    writeFileSync(path, lines.slice(60).join('\\n'))
    appendFileSync(path + '.trace', '')
    setInterval(() => undefined, 1000)`
  const command = ({ location }: BackendDefinition): PapyraProcess => ({
    ...{ file: process.execPath, first: ['-e', script, '--'], last: ['--path', location] },
  })
  const report = await drill(backend, ['kill-during-compaction'], { command, rounds: 1 })
  expect(states(report)).toEqual({ 'kill-during-compaction': 'fail' })
  expect(report.original.unchanged).toBe(true)
})

test('no mount is left behind', async () => {
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain('papyra-drill ')
})
