import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  cutAt,
  deleteRange,
  duplicateRange,
  flipBit,
  insertAt,
  memVfs,
  zeroRange,
  type MemVfs,
} from '../../src/testing/index.js'
import { fact } from '../rewrite/support.js'
import { DIR, filled, open, recordsIn, remove, rename, segmentAt } from './recover-support.js'

/** What is done to one segment; the place is a fraction of its length. */
type Change =
  | {
      readonly do: 'flip' | 'cut' | 'insert' | 'empty' | 'remove' | 'misplace'
      readonly at: number
    }
  | { readonly do: 'zero' | 'delete' | 'double'; readonly at: number; readonly length: number }

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    do: fc.constantFrom('flip', 'cut', 'insert', 'empty', 'remove', 'misplace'),
    at: place,
  }),
  fc.record({
    do: fc.constantFrom('zero', 'delete', 'double'),
    at: place,
    length: fc.integer({ min: 1, max: 400 }),
  }),
)

function edited(bytes: Buffer, made: Change): Buffer {
  const at = Math.floor(made.at * bytes.length)
  const end = 'length' in made ? Math.min(bytes.length, at + made.length) : at
  switch (made.do) {
    case 'flip':
      return flipBit(bytes, at * 8 + 2)
    case 'cut':
      return cutAt(bytes, at)
    case 'insert':
      return insertAt(bytes, at, 'x{"y')
    case 'empty':
      return Buffer.alloc(0)
    case 'zero':
      return zeroRange(bytes, at, end)
    case 'delete':
      return deleteRange(bytes, at, end)
    case 'double':
      return duplicateRange(bytes, at, end)
    default:
      return bytes
  }
}

/** Damages one segment and gives which of its records are still there, byte for byte. */
async function damage(
  vfs: MemVfs,
  firstSeq: number,
  made: Change,
  lines: ReadonlyMap<number, string>,
): Promise<number[]> {
  const path = await segmentAt(vfs, firstSeq)
  const own = [...lines].filter(([seq]) => seq >= firstSeq && seq < firstSeq + 3)
  if (made.do === 'remove') {
    await remove(vfs, path)
    return []
  }
  if (made.do === 'misplace') {
    await rename(vfs, path, `${DIR}/was-${firstSeq}.ndjson`)
    return own.map(([seq]) => seq)
  }
  const bytes = edited(vfs.bytes(path), made)
  vfs.put(path, bytes)
  return own.filter(([, line]) => bytes.includes(line)).map(([seq]) => seq)
}

const damages = fc.uniqueArray(fc.tuple(fc.nat(4), change), {
  minLength: 1,
  maxLength: 4,
  selector: ([segment]) => segment,
})

test('whatever is done to segments: what is intact anywhere survives, the rest is on record as lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 15 }), damages, async (count, chosen) => {
      const vfs = memVfs()
      const before = await filled(vfs, count)
      const starts = [...new Set([...before.keys()].map((seq) => seq - ((seq - 1) % 3)))]
      const gone = new Set<number>()
      const done = new Set<number>()
      for (const [n, made] of chosen) {
        const firstSeq = starts[n % starts.length] ?? 1
        if (done.has(firstSeq)) continue
        done.add(firstSeq)
        const left = new Set(await damage(vfs, firstSeq, made, before))
        for (let seq = firstSeq; seq < firstSeq + 3 && seq <= count; seq++) {
          if (!left.has(seq)) gone.add(seq)
        }
      }
      const store = await open(vfs)
      const report = await store.recover({ mode: 'repair', acceptLoss: true, force: true })
      expect(report.after?.anomalies).toEqual([])
      const survivors = [...before].filter(([seq]) => !gone.has(seq))
      expect([...recordsIn(vfs)]).toEqual(survivors)
      expect(report.recordsKept).toBe(survivors.length)
      const { losses } = report
      expect(losses.reduce((sum, { records }) => sum + records, 0)).toBe(gone.size)
      const told = (seq: number): boolean =>
        losses.some((l) => l.seq !== null && l.seq.first <= seq && seq <= l.seq.last)
      expect([...gone].filter((seq) => !told(seq))).toEqual([])
      expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
      expect((await store.begin()).nextSeq).toBe(count + 1)
      await store.append([fact(99)])
      await store.close()
      const last = await open(vfs)
      expect((await last.scan()).anomalies).toEqual([])
      await last.close()
    }),
    {
      numRuns: process.env['PAPYRA_LONG'] === undefined ? 150 : 5000,
      seed: Number(process.env['PAPYRA_SEED'] ?? 1),
    },
  )
}, 240_000)
