import type { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import type { ScanReport, StoredRecord } from '@papyra/contracts'
import { cutAt, flipBit, memVfs, type MemVfs } from '../../src/testing/index.js'
import { create, fact, facts, LOG, open, readAll } from './support.js'

/** Every so-many-th case is run; 1 runs them all. */
const STRIDE = Number(process.env['PAPYRA_STRIDE'] ?? 97)
const COUNT = 26

interface Reference {
  readonly vfs: MemVfs
  readonly records: readonly StoredRecord[]
}

/** A log of several blocks, cleanly closed, opened again and closed, so that all files are at work. */
async function reference(): Promise<Reference> {
  const vfs = memVfs()
  await create(vfs, 900)
  for (let n = 1; n <= COUNT; n += COUNT / 2) {
    const store = await open(vfs)
    await store.begin({ retention: { maxRecords: 100 } })
    for (const one of facts(n, COUNT / 2)) await store.append([one])
    await store.close()
  }
  const reader = await open(vfs, { access: 'read' })
  const records = await readAll(reader)
  await reader.close()
  return { vfs, records }
}

interface Case {
  readonly path: string
  /** The first byte that is not as it was. */
  readonly place: number
  readonly bytes: Buffer
  readonly said: string
}

function* cases(path: string, bytes: Buffer): Generator<Case> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    yield { path, place: bit >>> 3, bytes: flipBit(bytes, bit), said: `bit ${bit} of ${path}` }
  }
  for (let size = 0; size < bytes.length; size++) {
    yield { path, place: size, bytes: cutAt(bytes, size), said: `${path} cut at ${size}` }
  }
}

/** The records whose bytes the case did not touch. */
function intact({ path, bytes }: Case, records: readonly StoredRecord[]): readonly StoredRecord[] {
  return path === LOG ? records.filter(({ json }) => bytes.includes(json)) : records
}

function pointsAt(scan: ScanReport, { path, place }: Case): boolean {
  return scan.anomalies.some((anomaly) => {
    if (anomaly.path !== path) return false
    const from = anomaly.offset ?? 0
    return from <= place && (anomaly.length === null || place <= from + anomaly.length)
  })
}

async function check(from: Reference, one: Case): Promise<void> {
  const vfs = from.vfs.clone()
  vfs.put(one.path, one.bytes)
  const store = await open(vfs)
  try {
    const scan = await store.scan()
    expect(scan.clean, 'must be seen').toBe(false)
    expect(
      pointsAt(scan, one),
      `must be seen there, not at ${JSON.stringify(scan.anomalies)}`,
    ).toBe(true)
    const { acceptLoss, force } = scan.consent
    const report = await store.recover({ mode: 'repair', acceptLoss, force })
    expect(report.after?.anomalies).toEqual([])
    expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
    expect(await readAll(store)).toEqual(intact(one, from.records))
    const { nextSeq } = await store.begin()
    expect(nextSeq).toBe(COUNT + 1)
    await store.append([fact(nextSeq)])
  } finally {
    await store.close()
  }
}

describe(`every ${STRIDE}th bit and truncation`, () => {
  test.each(['', '.mark', '.meta.json'])(
    'of the file shop.ndjson%s',
    { timeout: 7_200_000 },
    async (suffix) => {
      const from = await reference()
      const path = `${LOG}${suffix}`
      const bytes = from.vfs.bytes(path)
      let n = 0
      let run = 0
      for (const one of cases(path, bytes)) {
        if (n++ % STRIDE !== 0) continue
        run++
        try {
          await check(from, one)
        } catch (error) {
          throw new Error(one.said, { cause: error })
        }
      }
      expect(n).toBe(bytes.length * 9)
      expect(run).toBe(Math.ceil(n / STRIDE))
    },
  )

  test('there are sixty thousand of them', async () => {
    const { vfs } = await reference()
    const sizes = ['', '.mark', '.meta.json'].map((suffix) => vfs.bytes(`${LOG}${suffix}`).length)
    expect(sizes.reduce((sum, size) => sum + size * 9, 0)).toBeGreaterThan(60_000)
  })
})
