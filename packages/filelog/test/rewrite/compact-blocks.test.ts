import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RecordMeta } from '@papyra/contracts'
import { manualClock } from '@papyra/contracts'
import { type CompactResult, type Keep, type LogStore, openLogStore } from '../../src/index.js'
import type { MemVfs } from '../../src/testing/index.js'
import { wrapped } from '../segments/compact-support.js'
import { type BuiltLog, buildLog, lineOf, LOG, putStore } from '../scan/build-log.js'

const open = (vfs: MemVfs): Promise<LogStore> =>
  openLogStore(vfs, LOG, { backend: 'json', access: 'write', clock: manualClock(), waitLockMs: 0 })

async function bytesOf(vfs: MemVfs): Promise<Buffer> {
  const file = await vfs.open(LOG, 'read')
  const { size } = await file.stat()
  const bytes = Buffer.alloc(size)
  await file.read(bytes, 0, size, 0)
  await file.close()
  return bytes
}

interface Outcome {
  readonly bytes: Buffer
  readonly measured: number
  readonly done: CompactResult | null
}

async function compacted(log: BuiltLog, keep: Keep): Promise<Outcome> {
  const vfs = await putStore(log)
  const store = await open(vfs)
  const measured = await store.measure(keep, { through: log.lastSeq })
  const done = await store.compact({ plan: () => Promise.resolve(keep) })
  await store.close()
  return { bytes: await bytesOf(vfs), measured, done }
}

const logs = fc
  .record({
    last: fc.integer({ min: 1, max: 80 }),
    blockBytes: fc.constantFrom(300, 1000, 4000),
    compacted: fc.constantFrom(0, 9, 50),
    keeps: fc.constantFrom(1, 2, 7),
    endWithMark: fc.boolean(),
    figures: fc.boolean(),
  })
  .map(({ keeps, last, ...rest }) =>
    buildLog({ ...rest, last: Math.max(last, rest.compacted), keeps: (n) => n % keeps === 0 }),
  )

function recordsOf(bytes: Buffer): string[] {
  return bytes
    .toString()
    .split('\n')
    .filter((line) => line.includes('"kind":"event"'))
}

describe('a compaction that is told of ranges', () => {
  it('keeps the same, and has the measured size, as one that asks for each record', async () => {
    const bounds = fc.tuple(fc.nat({ max: 90 }), fc.nat({ max: 90 }), fc.constantFrom(1, 2, 3))
    await fc.assert(
      fc.asyncProperty(logs, bounds, async (log, [a, b, every]) => {
        const [noneThrough, allAbove] = [Math.min(a, b), Math.max(a, b)]
        const stays = ({ seq }: RecordMeta): boolean =>
          seq > noneThrough && (seq > allAbove || seq % every === 0)
        const asking = await compacted(log, (meta) => stays(meta))
        const telling = Object.assign((meta: RecordMeta) => stays(meta), { noneThrough, allAbove })
        const told = await compacted(log, telling)
        // Blocks that stay as a whole keep their bounds, so that only marks may differ.
        expect(recordsOf(told.bytes)).toEqual(recordsOf(asking.bytes))
        for (const { done, measured, bytes } of [told, asking]) {
          expect(done?.verified).toBe(true)
          expect(measured).toBe(bytes.length)
        }
        const kept = log.seqs.filter((seq) => stays({ seq, kind: '', timestamp: 0, bytes: 1 }))
        expect(told.done?.after.records).toBe(kept.length)
        const seqs = [...told.bytes.toString().matchAll(/^\{"seq":(\d+),"kind":"event"/gm)]
        expect(seqs.map(([, seq]) => Number(seq))).toEqual(kept)
      }),
      { numRuns: 200 },
    )
  })

  it('asks only for the records between them, where marks prove the blocks', async () => {
    const log = buildLog({ last: 196, blockBytes: 1000 })
    expect(log.lines.at(-1)?.what).toBe('mark')
    const asked: number[] = []
    const keep = Object.assign(
      ({ seq }: RecordMeta) => {
        asked.push(seq)
        return seq > 100
      },
      { noneThrough: 100, allAbove: 100 },
    )
    const vfs = await putStore(log)
    const store = await open(vfs)
    const done = await store.compact({ plan: () => Promise.resolve(keep) })
    expect(done).toMatchObject({ before: { records: 196 }, after: { records: 96 } })
    // No more than the block that the border is in.
    const perBlock = log.lines.findIndex(({ what }) => what === 'mark')
    expect(asked.length).toBeLessThanOrEqual(perBlock)
    expect(asked.every((seq) => Math.abs(seq - 100) <= perBlock)).toBe(true)
    await store.close()
  })

  it('is read back: what the disk keeps otherwise than it was given is no success', async () => {
    const log = buildLog({ last: 200, blockBytes: 1000, endWithMark: true, figures: true })
    const mem = await putStore(log)
    const open_: MemVfs['open'] = async (path, flag, mode) => {
      const file = await mem.open(path, flag, mode)
      if (flag !== 'create' || !path.includes('.ndjson.')) return file
      return wrapped(file, {
        write: (bytes, offset, length, position) => {
          const kept = Buffer.from(bytes.subarray(offset, offset + length))
          if (length > 900) kept[450] = (kept[450] as number) ^ 1
          return file.write(kept, 0, length, position)
        },
      })
    }
    const store = await open(wrapped(mem, { open: open_ }))
    const keep = Object.assign(({ seq }: RecordMeta) => seq > 100, {
      noneThrough: 100,
      allAbove: 100,
    })
    const done = await store.compact({ plan: () => Promise.resolve(keep) })
    expect(done).toMatchObject({ after: { records: 100 }, verified: false })
    await expect(store.compact({ plan: () => Promise.resolve(keep) })).rejects.toMatchObject({
      code: 'anomalies_found',
    })
    await store.close()
  })

  it.each([
    ['is to go', 20],
    ['is to stay', 180],
  ])('refuses damage in a block that as a whole %s, and changes nothing', async (_, seq) => {
    const log = buildLog({ last: 200, blockBytes: 1000, endWithMark: true })
    const keep = Object.assign(({ seq: n }: RecordMeta) => n > 100, {
      noneThrough: 100,
      allAbove: 100,
    })
    const vfs = await putStore(log)
    const store = await open(vfs)
    const bad = Buffer.from(log.bytes)
    const at = lineOf(log, 'record', seq).offset + 80
    bad[at] = (bad[at] as number) ^ 1
    const plan = async (): Promise<Keep> => {
      // Behind the back of the scan that found it sound.
      const file = await vfs.open(LOG, 'read-write')
      await file.write(bad, 0, bad.length, 0)
      await file.close()
      return keep
    }
    await expect(store.compact({ plan })).rejects.toMatchObject({ code: 'anomalies_found' })
    expect((await bytesOf(vfs)).equals(bad)).toBe(true)
    await store.close()
  })
})
