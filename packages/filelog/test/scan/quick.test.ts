import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { markPath, sidecarPath } from '../../src/format/names.js'
import { scanLog } from '../../src/scan/scan-log.js'
import { encodeSidecar } from '../../src/format/sidecar.js'
import type { MemVfs } from '../../src/testing/index.js'
import { buildLog, lineOf, LOG, putStore, short, sidecarOf, type BuiltLog } from './build-log.js'
import { countReads } from './counting-file.js'

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
  const scan = await scanLog(vfs, LOG, { coverage: 'auto' })
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
    expect((await scanLog(vfs, LOG, { coverage: 'auto' })).coverage).toBe('full')
  })

  it('damage in the open block behind the fingerprint of the file', async () => {
    const bytes = Buffer.from(log.bytes)
    bytes[lineOf(log, 'record', 21).offset + 60] = 0x7e
    const vfs = await putStore({ ...log, bytes })
    const scan = await scanLog(vfs, LOG, { coverage: 'auto' })
    expect(scan.coverage).toBe('full')
    expect(scan.anomalyCounts).toEqual({ corrupt_record: 1 })
  })
})
