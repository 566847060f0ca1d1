import { Buffer } from 'node:buffer'
import { manualClock } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'
import { markPath, sidecarPath } from '../../src/format/names.js'
import { scanLog } from '../../src/scan/scan-log.js'
import { encodeSidecar } from '../../src/format/sidecar.js'
import type { MemVfs } from '../../src/testing/index.js'
import {
  buildLog,
  CLOSED_AT,
  lineOf,
  LOG,
  putStore,
  short,
  sidecarOf,
  type BuiltLog,
} from './build-log.js'
import { countReads } from './counting-file.js'

/** An hour after the log was closed. */
const AUTO = { coverage: 'auto', clock: manualClock(CLOSED_AT + 3_600_000) } as const

function counting(vfs: MemVfs): () => number {
  const counts: (() => number)[] = []
  const open = vfs.open.bind(vfs)
  vfs.open = async (path, flag, mode) => {
    const { file, bytes } = countReads(await open(path, flag, mode))
    counts.push(bytes)
    return file
  }
  return () => counts.reduce((sum, bytes) => sum + bytes(), 0)
}

async function quick(
  log: BuiltLog,
): Promise<{ scan: Awaited<ReturnType<typeof scanLog>>; read: number }> {
  const vfs = await putStore(log)
  const read = counting(vfs)
  const scan = await scanLog(vfs, LOG, AUTO)
  return { scan, read: read() }
}

describe('a log that was closed and not touched since', () => {
  it('is verified from its end, and says the same as a full scan', async () => {
    for (const log of [
      buildLog({ last: 21, blockBytes: 512 }),
      buildLog({ last: 20, blockBytes: 512 }),
      buildLog({ last: 3 }),
      buildLog({ last: 0 }),
      buildLog({ compacted: 30, keeps: (seq) => seq % 3 === 0, last: 33, blockBytes: 512 }),
      buildLog({ compacted: 9, keeps: () => false, last: 9 }),
    ]) {
      const { scan } = await quick(log)
      const full = await scanLog(await putStore(log), LOG)
      expect(scan.coverage).toBe('quick')
      expect(full.coverage).toBe('full')
      expect(short(scan)).toEqual([])
      const figures = ({
        records,
        firstSeq,
        lastSeq,
        knownEnd,
        soundEnd,
        openBlock,
        unproven,
        bytesSound,
      }: typeof scan) => ({
        records,
        lastSeq,
        knownEnd,
        soundEnd,
        openBlock,
        unproven,
        bytesSound,
        firstSeq: firstSeq === null && records !== 0 ? full.firstSeq : firstSeq,
      })
      expect(figures(scan)).toEqual(figures(full))
    }
  })

  it('costs the same however long it is', async () => {
    const small = await quick(buildLog({ last: 500, blockBytes: 4096 }))
    const large = await quick(buildLog({ last: 50_000, blockBytes: 4096 }))
    expect(large.scan.coverage).toBe('quick')
    expect(large.read).toBeLessThan(256 * 1024)
    expect(Math.abs(large.read - small.read)).toBeLessThan(100_000)
  })
})

describe('what it did not read, and for how long that is good', () => {
  const log = buildLog({ last: 210, blockBytes: 512 })

  it('is told: bytes before the open block, and when they were last verified', async () => {
    const { scan } = await quick(log)
    const head = lineOf(log, 'record', 1).offset
    expect(scan.unread).toEqual({
      files: 1,
      bytes: (scan.openBlock?.offset ?? 0) - head,
      verifiedAt: CLOSED_AT,
    })
    expect(scan.unread?.bytes).toBeGreaterThan(log.bytes.length / 2)
    expect((await quick(buildLog({ last: 3 }))).scan.unread).toMatchObject({ files: 0, bytes: 0 })
    expect((await scanLog(await putStore(log), LOG)).unread).toBeNull()
  })

  it.each([
    ['a ms short of a day', 86_399_999, undefined, 'quick'],
    ['a day', 86_400_000, undefined, 'full'],
    ['a ms short of what is allowed', 4999, 5000, 'quick'],
    ['as long as is allowed', 5000, 5000, 'full'],
    ['longer than a day, which is allowed', 90_000_000, 100_000_000, 'quick'],
    ['in the future, after the clock was set back', -1, undefined, 'full'],
    ['now', 0, undefined, 'quick'],
    ['now, but no age is allowed', 0, 0, 'full'],
  ])('verified %s ago', async (_what, ago, maxVerifiedAgeMs, coverage) => {
    const clock = manualClock(CLOSED_AT + ago)
    const options = { coverage: 'auto', clock, maxVerifiedAgeMs } as const
    expect((await scanLog(await putStore(log), LOG, options)).coverage).toBe(coverage)
  })

  it.each([null, undefined])('is nothing where it was never verified (%s)', async (verifiedAt) => {
    const vfs = await putStore(log)
    const { verifiedAt: _at, ...bare } = await sidecarOf(vfs, log)
    const sidecar = verifiedAt === undefined ? bare : { ...bare, verifiedAt }
    vfs.put(sidecarPath(LOG), encodeSidecar(sidecar))
    expect((await scanLog(vfs, LOG, AUTO)).coverage).toBe('full')
  })
})

describe('anything else is scanned in full', () => {
  const log = buildLog({ last: 21, blockBytes: 512 })
  const cases: Record<string, (vfs: MemVfs) => unknown> = {
    'a byte changed, and so its time': async (vfs) => {
      const file = await vfs.open(LOG, 'read-write')
      await file.write(Buffer.from('~'), 0, 1, lineOf(log, 'record', 3).offset + 60)
      await file.close()
    },
    'never closed': async (vfs) =>
      vfs.put(sidecarPath(LOG), encodeSidecar(await sidecarOf(vfs, log, { closed: false }))),
    'a damaged slot of the mark': (vfs) =>
      vfs.put(
        markPath(LOG),
        Buffer.concat([vfs.bytes(markPath(LOG)).subarray(0, 512), Buffer.alloc(512)]),
      ),
    'no mark': (vfs) => vfs.unlink(markPath(LOG)),
    'no sidecar': (vfs) => vfs.unlink(sidecarPath(LOG)),
    'a rewrite announced': async (vfs) =>
      vfs.put(sidecarPath(LOG), encodeSidecar(await sidecarOf(vfs, log, { sidecar: { next: 2 } }))),
    'figures that do not fit': async (vfs) => {
      const sidecar = await sidecarOf(vfs, log)
      const closed = sidecar.closed === null ? null : { ...sidecar.closed, records: 22 }
      vfs.put(sidecarPath(LOG), encodeSidecar({ ...sidecar, closed }))
    },
  }
  it.each(Object.entries(cases))('%s', async (_name, change) => {
    const vfs = await putStore(log)
    await change(vfs)
    expect((await scanLog(vfs, LOG, AUTO)).coverage).toBe('full')
  })

  it('damage in the open block behind the fingerprint of the file', async () => {
    const bytes = Buffer.from(log.bytes)
    bytes[lineOf(log, 'record', 21).offset + 60] = 0x7e
    const vfs = await putStore({ ...log, bytes })
    const scan = await scanLog(vfs, LOG, AUTO)
    expect(scan.coverage).toBe('full')
    expect(scan.anomalyCounts).toEqual({ corrupt_record: 1 })
  })
})
