import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  generateSigningKey,
  keepReport,
  findReports,
  parseReport,
  signReport,
  verifyReport,
  type KeptReport,
} from '@papyra/doctor'
import { expect, onTestFinished, test } from 'vitest'

const REPORT = { location: '/a', logId: 'x', at: 5, verdict: 'pass', more: [{ lost: 0 }] } as const

test('a signed report verifies by its key, in whatever order its members stand', () => {
  const { privateKey, publicKey, fingerprint } = generateSigningKey()
  const kept = signReport('papyra.drill/1', REPORT, privateKey)
  expect(verifyReport(kept, publicKey)).toMatchObject({ state: 'signed', fingerprint })
  const { more, ...rest } = REPORT
  const turned = { signature: kept.signature, report: { more, ...rest }, schema: kept.schema }
  const again = parseReport(JSON.stringify(turned, null, 7))
  expect(again && verifyReport(again, publicKey).state).toBe('signed')
  expect(verifyReport(kept).state).toBe('signed')
})

test('every edit of a signed report is found', () => {
  const { privateKey, publicKey } = generateSigningKey()
  const text = JSON.stringify(signReport('papyra.drill/1', REPORT, privateKey))
  const edits: [string, string][] = [
    ['"verdict":"pass"', '"verdict":"fail"'],
    ['"lost":0', '"lost":1'],
    ['"at":5', '"at":6'],
    ['papyra.drill/1', 'papyra.gate/1'],
    ['"lost":0', '"lost":0,"kept":1'],
    ['"more":[{"lost":0}]', '"more":[]'],
  ]
  for (const [from, to] of edits) {
    const edited = parseReport(text.replace(from, to))
    expect(edited && verifyReport(edited, publicKey).state, to).toBe('forged')
  }
  const without = parseReport(text.replace(/"signature":\{.*\}\}$/, '"signature":null}'))
  expect(without && verifyReport(without, publicKey).state).toBe('unsigned')
})

test('who signs an edited report anew is found by the key', () => {
  const [ours, theirs] = [generateSigningKey(), generateSigningKey()]
  const forged = signReport('papyra.drill/1', { ...REPORT, verdict: 'pass' }, theirs.privateKey)
  expect(verifyReport(forged, ours.publicKey)).toMatchObject({
    state: 'forged',
    fingerprint: theirs.fingerprint,
  })
})

test('what is no key, and a key of another kind, are refused without showing them', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  for (const key of ['secret', pem]) {
    const sign = (): unknown => signReport('papyra.drill/1', REPORT, key)
    expect(sign).toThrow(/no Ed25519 key/)
    expect(sign).not.toThrow(key)
  }
})

test('the reports of a store are found, the newest first, whatever else is in the folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-ledger-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const keep = (report: Partial<KeptReport>, kind: 'drill' | 'gate' = 'drill'): Promise<string> =>
    keepReport(dir, kind, signReport(`papyra.${kind}/1`, { ...REPORT, ...report }, null))
  await keep({ at: 1000 })
  await keep({ at: 3000, verdict: 'fail' })
  await keep({ at: 2000 })
  await keep({ at: 9000, logId: 'another' })
  await keep({ at: 8000 }, 'gate')
  await writeFile(join(dir, 'drill-9999.json'), '{"half":')
  await writeFile(join(dir, 'drill-9998.json'), '{"schema":"papyra.drill/1","report":null}')
  const times = async (kind: 'drill' | 'gate', logId: string | null, folder = dir) =>
    (await findReports(folder, kind, logId)).map(({ report }) => report.at)
  expect(await times('drill', 'x')).toEqual([3000, 2000, 1000])
  expect(await times('gate', 'x')).toEqual([8000])
  expect(await times('gate', 'another')).toEqual([])
  expect(await times('drill', null)).toEqual([])
  expect(await times('drill', 'x', join(dir, 'none'))).toEqual([])
  expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
