import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { ANOMALY_CODES, ERROR_CODES, NOTICE_CODES, STARTUP_MODES } from '@papyra/contracts'
import { openPapyra } from '@papyra/core'
import { EXPLAINED_CODES, explainCode, explainPlace } from '@papyra/doctor'
import { expect, onTestFinished, test } from 'vitest'

test('every code of every catalogue has its story', () => {
  const codes = [ANOMALY_CODES, ERROR_CODES, NOTICE_CODES].flatMap((all) => Object.keys(all))
  expect(new Set(EXPLAINED_CODES)).toEqual(new Set(codes))
  for (const code of codes) {
    const story = explainCode(code.toUpperCase().replaceAll('_', '-'))
    expect(story?.code, code).toBe(code)
    const { meaning, loss, first, cause, kind, modes } = story ?? {}
    for (const text of [meaning, loss, first]) expect(text?.length, code).toBeGreaterThan(7)
    if (kind !== 'notice') expect(cause?.length, code).toBeGreaterThan(10)
    if (kind === 'error') expect(modes, code).toBeNull()
    else expect(Object.keys(modes ?? {}).sort(), code).toEqual([...STARTUP_MODES].sort())
  }
  expect(explainCode('no_such')).toBeNull()
})

test('damage that costs records says that it needs consent, other damage does not', () => {
  for (const [code, { data }] of Object.entries(ANOMALY_CODES)) {
    const asks = explainCode(code)?.modes?.recover.includes('Only with `--accept-loss`')
    expect(asks, code).toBe(data === 'lost')
  }
})

test('a place: what the scan found there, the real bytes, and the nearest damage of another place', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-explain-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const path = join(dir, 'shop.ndjson')
  const backend = jsonBackend({ path })
  const papyra = await openPapyra({ systemId: 'shop', backend })
  for (let n = 0; n < 20; n++) await papyra.recordEvent({ type: 'tick', payload: { n } })
  await papyra.close()
  const bytes = await readFile(path)
  const at = bytes.indexOf('"n":7') + 4
  bytes[at] = 0x1b
  await writeFile(path, bytes)
  const found = await explainPlace(backend, { path, offset: at })
  expect(found.anomalies.map(({ code }) => code)).toEqual(['corrupt_record'])
  expect(found.stories.map(({ code }) => code)).toEqual(['corrupt_record'])
  const row = found.bytes?.rows.find(({ offset }) => at >= offset && at < offset + 16)
  expect(row?.hex.split(' ')[at - (row?.offset ?? 0)]).toBe('1b')
  expect(row?.text[at - (row?.offset ?? 0)]).toBe('.')
  const shown = found.bytes?.rows.map(({ hex }) => hex.replaceAll(' ', '')).join('') ?? ''
  const from = found.bytes?.offset ?? -1
  expect(shown).toBe(bytes.subarray(from, from + shown.length / 2).toString('hex'))
  const sound = await explainPlace(backend, { path, offset: 5 })
  expect(sound).toMatchObject({ anomalies: [], nearest: { code: 'corrupt_record' } })
  const beyond = await explainPlace(backend, { path, offset: 10 ** 9 })
  expect(beyond.bytes?.rows.length).toBeGreaterThan(0)
  const nowhere = await explainPlace(backend, { path: join(dir, 'other'), offset: 0 })
  expect(nowhere).toMatchObject({ anomalies: [], nearest: null, bytes: null })
})
