import { appendFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { rotationBackend } from '@papyra/backend-rotation'
import type { BackendDefinition } from '@papyra/contracts'
import { memoryBackend, openPapyra } from '@papyra/core'
import { runDoctor } from '@papyra/doctor'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-doctor-'))
})
afterEach(() => rm(dir, { recursive: true }))

const KINDS: Readonly<Record<string, () => BackendDefinition>> = {
  json: () => jsonBackend({ path: join(dir, 'shop.ndjson') }),
  rotation: () => rotationBackend({ dir: join(dir, 'shop'), segment: { maxBytes: 5000 } }),
}

async function fill(backend: BackendDefinition, records: number): Promise<void> {
  const papyra = await openPapyra({ systemId: 'shop', backend })
  for (let n = 0; n < records; n++) await papyra.recordEvent({ type: 'tick', payload: { n } })
  await papyra.close()
}

/** Every byte, mode and time of modification below the folder. */
async function fingerprint(): Promise<readonly string[]> {
  const names = (await readdir(dir, { recursive: true })).sort()
  return Promise.all(
    names.map(async (name) => {
      const path = join(dir, name)
      const { mode, mtimeMs, size } = await stat(path)
      const bytes = (await stat(path)).isFile() ? (await readFile(path)).toString('base64') : ''
      return `${name} ${mode} ${mtimeMs} ${size} ${bytes}`
    }),
  )
}

/** Changes a byte in the middle of the largest file of records. */
async function flip(): Promise<void> {
  const names = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.ndjson'))
  const sized = await Promise.all(
    names.map(async (name) => ({ name, size: (await stat(join(dir, name))).size })),
  )
  const [largest] = sized.sort((a, b) => b.size - a.size)
  const path = join(dir, largest?.name ?? '')
  const bytes = await readFile(path)
  const at = bytes.length >> 1
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  await writeFile(path, bytes)
}

const states = (report: Awaited<ReturnType<typeof runDoctor>>): Record<string, string> =>
  Object.fromEntries(report.checks.map(({ id, state }) => [id, state]))

describe.each(Object.keys(KINDS))('a %s store', (kind) => {
  const backend = (): BackendDefinition => (KINDS[kind] as () => BackendDefinition)()

  test('that is sound passes every check', async () => {
    await fill(backend(), 20)
    const report = await runDoctor(backend())
    expect(report).toMatchObject({ mode: 'fail_on_anomaly', exit: 0, backend: kind })
    expect(states(report)).toMatchObject({
      'store.scan': 'pass',
      'store.losses': 'pass',
      'startup.gate': 'pass',
    })
    expect(report.counts).toMatchObject({ fail: 0, warn: 0, unknown: 0 })
  })

  test('that is damaged is refused with 1, mended with 0, and what only looks writes no byte', async () => {
    await fill(backend(), 60)
    await flip()
    const before = await fingerprint()
    const refused = await runDoctor(backend(), { mode: 'fail_on_anomaly' })
    expect(refused.exit).toBe(1)
    expect(states(refused)).toMatchObject({ 'store.scan': 'fail', 'startup.gate': 'fail' })
    const [scan] = refused.checks
    expect(scan?.mend).toEqual({ papyra: ['persistence', 'recover', '--dry-run'] })
    const looked = await runDoctor(backend(), { mode: 'scan_only' })
    expect(looked.exit).toBe(0)
    expect(states(looked)).toMatchObject({ 'store.scan': 'fail', 'startup.gate': 'warn' })
    const ignored = await runDoctor(backend(), { mode: 'ignore' })
    expect(ignored.exit).toBe(0)
    expect(states(ignored)).toMatchObject({ 'store.scan': 'unknown', 'startup.gate': 'warn' })
    expect(await fingerprint()).toEqual(before)
    const lacking = await runDoctor(backend(), { mode: 'recover' })
    expect([lacking.exit, lacking.gate.code]).toEqual([2, 'accept_loss_required'])
    expect(states(lacking)).toMatchObject({ 'store.recovery': 'fail', 'startup.gate': 'fail' })
    const mended = await runDoctor(backend(), { mode: 'recover', acceptLoss: true })
    expect(mended.exit).toBe(0)
    expect(states(mended)).toEqual({
      'store.scan': 'warn',
      'store.recovery': 'pass',
      'store.rescan': 'pass',
      'store.losses': 'warn',
      'startup.gate': 'pass',
    })
    expect((await runDoctor(backend())).exit).toBe(0)
  })

  test('that a living owner holds is looked at, and recovered by nobody else', async () => {
    const papyra = await openPapyra({ systemId: 'shop', backend: backend() })
    await papyra.recordEvent({ type: 'tick' })
    expect((await runDoctor(backend())).exit).toBe(0)
    const recover = { mode: 'recover', waitLockMs: 0 } as const
    await expect(runDoctor(backend(), recover)).rejects.toHaveProperty('code', 'store_locked')
    await papyra.close()
  })

  test('that is not there, and quarantine without a folder, have no answer', async () => {
    await expect(runDoctor(backend())).rejects.toHaveProperty('code', 'store_not_found')
    const mode = { mode: 'recover', recovery: { mode: 'quarantine' } } as const
    await expect(runDoctor(backend(), mode)).rejects.toHaveProperty(
      'code',
      'quarantine_dir_required',
    )
  })
})

test('a torn tail is mended without consent', async () => {
  const backend = jsonBackend({ path: join(dir, 'shop.ndjson') })
  await fill(backend, 5)
  await appendFile(join(dir, 'shop.ndjson'), '{"seq":6,"kind":"ev')
  expect((await runDoctor(backend)).exit).toBe(1)
  const mended = await runDoctor(backend, { mode: 'recover' })
  expect(mended.exit).toBe(0)
  expect(states(mended)).toMatchObject({ 'store.losses': 'pass', 'store.rescan': 'pass' })
})

test('what a backend alone can know is a check of its own; one of somebody else needs nothing more', async () => {
  const inner = memoryBackend()
  const other: BackendDefinition = {
    ...inner,
    name: 'other',
    async open(options) {
      const store = await inner.open(options)
      return new Proxy(store, {
        get(target, name) {
          if (name === 'diagnose') {
            return async function* () {
              yield { id: 'other.disk', state: 'warn', evidence: '91 % full', mend: 'rm core' }
            }
          }
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    },
  }
  await fill(other, 1)
  const report = await runDoctor(other)
  expect(report.checks.find(({ id }) => id === 'other.disk')).toMatchObject({
    state: 'warn',
    evidence: '91 % full',
    mend: { other: 'rm core' },
  })
})
