import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeBlockMark } from '../../src/format/block-mark.js'
import { figuresOf, type KindFigures } from '../../src/format/figures.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { sealLine } from '../../src/format/frame.js'
import { seedOf } from '../../src/format/checksum.js'
import type { RecordMeta } from '@papyra/contracts'
import type { SegmentStore } from '../../src/index.js'
import { declareLoaded } from '../mutants/mutant-loaded.js'
import { countingVfs, wrapped } from './compact-support.js'
import { create, facts, manifestOf, open, readAll, segmentPaths } from './support.js'

declareLoaded()

const RECORDS = 600

/** One sealed segment of many blocks, and an active one. */
async function manyBlocks(vfs: MemVfs): Promise<void> {
  await create(vfs, 8000)
  const store = await open(vfs, { seal: { maxBytes: 10_000_000, maxRecords: RECORDS } })
  await store.begin()
  for (let n = 1; n <= RECORDS; n += 3) await store.append(facts(n, 3, 200))
  await store.append(facts(RECORDS + 1, 2))
  await store.close()
}

const keepAbove = (last: number) =>
  Object.assign(({ seq }: RecordMeta) => seq > last, { noneThrough: last, allAbove: last })

async function cutAt(store: SegmentStore, vfs: MemVfs, last: number) {
  const [segment] = manifestOf(vfs).segments
  if (segment === undefined) throw new Error('there is no sealed segment')
  const verdicts = [{ segment, action: 'rewrite', keep: keepAbove(last) } as const]
  const plan = () => Promise.resolve({ verdicts, dropped: [] })
  return store.compact({ plan, trigger: 'request' })
}

/** The marks in a segment, and where their lines are. */
function marksIn(bytes: Buffer) {
  const marks = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at)
    const decoded = decodeBlockMark(bytes, at, end)
    if (decoded !== null) marks.push({ ...decoded, at, end })
    at = end + 1
  }
  return marks
}

/** Changes bytes of a file in a way that its size and times do not show. */
function secretly(vfs: MemVfs, path: string, change: (bytes: Buffer) => void) {
  const bytes = Buffer.from(vfs.bytes(path))
  change(bytes)
  let changed = false
  const open: typeof vfs.open = async (opened, flag, mode) => {
    const file = await vfs.open(opened, flag, mode)
    if (!changed || opened !== path || flag !== 'read') return file
    return wrapped(file, {
      read: (buffer, offset, length, position) => {
        const part = bytes.subarray(position, position + length)
        buffer.set(part, offset)
        return Promise.resolve(part.length)
      },
    })
  }
  const strike = () => {
    changed = true
  }
  return { vfs: wrapped(vfs, { open }), strike }
}

describe('the marks of a segment', () => {
  test('say what each block holds of each kind', async () => {
    const vfs = memVfs()
    await manyBlocks(vfs)
    const bytes = Buffer.from(vfs.bytes(segmentPaths(vfs)[0] ?? ''))
    const marks = marksIn(bytes)
    expect(marks.length).toBeGreaterThan(15)
    const store = await open(vfs, { access: 'read' })
    const metas = (await readAll(store)).map(({ seq, kind, timestamp, bytes: size }) => ({
      ...{ seq, kind, timestamp, bytes: size },
    }))
    await store.close()
    for (const { mark } of marks) {
      const within = metas.filter(({ seq }) => seq > mark.after && seq <= mark.lastSeq)
      const sized = figuresOf(within).map(({ kind, records, firstSeq, lastSeq }) => ({
        ...{ kind, records, firstSeq, lastSeq },
      }))
      expect(mark.kinds).toMatchObject(sized)
      expect(mark.kinds?.reduce((sum, { bytes: size }) => sum + size, 0)).toBe(mark.bytes)
    }
  })

  test.each([
    ['more records', { records: 1 }],
    ['more bytes', { bytes: 1 }],
    ['a number before its first', { firstSeq: -1 }],
    ['a number behind its last', { lastSeq: 1 }],
  ])('that claim %s than the block has are not believed', async (_, by) => {
    const vfs = memVfs()
    await manyBlocks(vfs)
    const bytes = Buffer.from(vfs.bytes(segmentPaths(vfs)[0] ?? ''))
    const [first] = marksIn(bytes)
    const seed = seedOf(manifestOf(vfs).logId)
    const open = bytes.toString('utf8', first?.at, (first?.end ?? 0) - 18)
    const changed = open.replace(
      /"kinds":\[\["event",(\d+),(\d+),(\d+),(\d+)/,
      (_all, ...found) => {
        const [records, size, from, to] = found.slice(0, 4).map(Number) as [
          number,
          number,
          number,
          number,
        ]
        const {
          records: r = 0,
          bytes: b = 0,
          firstSeq: f = 0,
          lastSeq: l = 0,
        } = by as Partial<Record<'records' | 'bytes' | 'firstSeq' | 'lastSeq', number>>
        return `"kinds":[["event",${records + r},${size + b},${from + f},${to + l}`
      },
    )
    expect(changed).not.toBe(open)
    const same = Buffer.from(sealLine(open, seed))
    expect(decodeBlockMark(same, 0, same.length - 1)?.mark).toEqual(first?.mark)
    const line = Buffer.from(sealLine(changed, seed))
    expect(decodeBlockMark(line, 0, line.length - 1)).toBeNull()
  })
})

describe('a segment of which the end stays', () => {
  test('is read no further than from the block that is cut; blocks that stay keep their bounds', async () => {
    const mem = memVfs()
    await manyBlocks(mem)
    const path = segmentPaths(mem)[0] ?? ''
    const before = marksIn(Buffer.from(mem.bytes(path)))
    const { vfs, read } = countingVfs(mem)
    const store = await open(vfs)
    await store.begin()
    read.clear()
    const at = before.length - 5
    const cut = (before[at]?.mark.firstSeq ?? 0) + 1
    await cutAt(store, mem, cut)
    const after = marksIn(Buffer.from(mem.bytes(segmentPaths(mem)[0] ?? '')))
    const stayed = before.slice(at + 1).map(({ mark }) => [mark.firstSeq, mark.sum, mark.kinds])
    expect(after.slice(1).map(({ mark }) => [mark.firstSeq, mark.sum, mark.kinds])).toEqual(stayed)
    // Five blocks, and to find the marks a kilobyte or less for each.
    const blocks = before.slice(at).reduce((sum, { mark }) => sum + mark.bytes, 0)
    const looks = (before.length + 6) * 1024
    expect(read.get(path)).toBeLessThanOrEqual(blocks + looks)
    expect((await readAll(store)).map(({ seq }) => seq)[0]).toBe(cut + 1)
    expect((await store.scan()).anomalies).toEqual([])
    await store.close()
  })

  test.each([
    ['a record of a block that stays whole', 80],
    ['a record of the block that is cut, which stays', 3],
    ['a record of the block that is cut, which goes', -1],
  ])('is refused where %s is damaged behind the back of its owner', async (_, behind) => {
    const mem = memVfs()
    await manyBlocks(mem)
    const path = segmentPaths(mem)[0] ?? ''
    const cut = (marksIn(Buffer.from(mem.bytes(path)))[9]?.mark.firstSeq ?? 0) + 5
    const seq = cut + behind
    const { vfs, strike } = secretly(mem, path, (bytes) => {
      const at = bytes.indexOf(`{"seq":${seq},`)
      bytes[at + 70] = (bytes[at + 70] as number) ^ 1
    })
    const store = await open(vfs)
    await store.begin()
    strike()
    const before = manifestOf(mem)
    await expect(cutAt(store, mem, cut)).rejects.toMatchObject({ code: 'anomalies_found' })
    expect(manifestOf(mem).segments).toEqual(before.segments)
    expect(segmentPaths(mem)[0]).toBe(path)
    await store.close()
  })

  test.each([
    ['a mark', (mark: { at: number; end: number }) => mark.end - 5],
    ['the chain of marks', (mark: { at: number; end: number }) => mark.at + 40],
  ])('is refused where %s is damaged, whatever it would say', async (_, placeOf) => {
    const mem = memVfs()
    await manyBlocks(mem)
    const path = segmentPaths(mem)[0] ?? ''
    const marks = marksIn(Buffer.from(mem.bytes(path)))
    for (const mark of [marks[2], marks.at(-3), marks.at(-1)]) {
      const { vfs, strike } = secretly(mem, path, (bytes) => {
        const at = placeOf(mark ?? { at: 0, end: 0 })
        bytes[at] = (bytes[at] as number) ^ 1
      })
      const store = await open(vfs)
      await store.begin()
      strike()
      await expect(cutAt(store, mem, 120)).rejects.toMatchObject({ code: 'anomalies_found' })
      await store.close()
    }
  })

  test('is refused where the mark of the block that is cut tells of other kinds than it holds', async () => {
    const mem = memVfs()
    await manyBlocks(mem)
    const path = segmentPaths(mem)[0] ?? ''
    const seed = seedOf(manifestOf(mem).logId)
    const last = marksIn(Buffer.from(mem.bytes(path))).at(-1)
    if (last === undefined) throw new Error('there is no block')
    // No mark follows on the last one, so that the chain is whole.
    const { vfs, strike } = secretly(mem, path, (bytes) => {
      const text = bytes.toString('utf8', last.at, last.end - 18)
      bytes.write(sealLine(text.replace(/("kinds":\[\["\w*)\w"/, '$1x"'), seed), last.at)
    })
    const store = await open(vfs)
    await store.begin()
    strike()
    const cut = last.mark.firstSeq
    await expect(cutAt(store, mem, cut)).rejects.toMatchObject({ code: 'anomalies_found' })
    await store.close()
  })

  test('is read back, and what reads otherwise than it was to be written is put on record', async () => {
    const mem = memVfs()
    await manyBlocks(mem)
    const [path] = segmentPaths(mem)
    // A disk that keeps other bytes of a new file than it was given.
    const open_: MemVfs['open'] = async (opened, flag, mode) => {
      const file = await mem.open(opened, flag, mode)
      if (flag !== 'create' || !opened.endsWith('.ndjson')) return file
      return wrapped(file, {
        write: (bytes, offset, length, position) => {
          const kept = Buffer.from(bytes.subarray(offset, offset + length))
          if (length > 5000) kept[3000] = (kept[3000] as number) ^ 1
          return file.write(kept, 0, length, position)
        },
      })
    }
    const store = await open(wrapped(mem, { open: open_ }))
    await store.begin()
    const done = await cutAt(store, mem, 300)
    expect(segmentPaths(mem)[0]).not.toBe(path)
    expect(done?.verified).toBe(false)
    const [entry] = manifestOf(mem).segments
    expect(manifestOf(mem).suspect).toEqual([basename(segmentPaths(mem)[0] ?? '')])
    expect(entry?.records).toBe(300)
    await expect(cutAt(store, mem, 400)).rejects.toMatchObject({ code: 'anomalies_found' })
    await store.close()
  })

  test('loses block by block without leaving small blocks between those that stay', async () => {
    const mem = memVfs()
    await manyBlocks(mem)
    const store = await open(mem)
    await store.begin()
    // One more record goes each time, from the middle of what stays; the first ones are kept on.
    for (let last = 150; last < 450; last += 7) {
      const [segment] = manifestOf(mem).segments
      if (segment === undefined) throw new Error('there is no sealed segment')
      const stays = ({ seq }: RecordMeta): boolean => seq % 3 === 0 || seq > last
      const thinned = (kinds: readonly KindFigures[]): boolean | null => {
        const first = Math.min(...kinds.map(({ firstSeq }) => firstSeq))
        const end = Math.max(...kinds.map(({ lastSeq }) => lastSeq))
        const records = kinds.reduce((sum, kind) => sum + kind.records, 0)
        return first % 3 === 0 && (end - first) / 3 + 1 === records ? true : null
      }
      const keep = Object.assign(stays, { allAbove: last, ofKinds: thinned })
      const verdicts = [{ segment, action: 'rewrite', keep } as const]
      await store.compact({
        plan: () => Promise.resolve({ verdicts, dropped: [] }),
        trigger: 'request',
      })
    }
    const marks = marksIn(Buffer.from(mem.bytes(segmentPaths(mem)[0] ?? '')))
    const small = marks.filter(({ mark }) => mark.bytes < 4000)
    expect(marks.length).toBeGreaterThan(8)
    // What is before the cut, and the last one.
    expect(small.length).toBeLessThanOrEqual(2)
    expect((await readAll(store)).map(({ seq }) => seq).filter((seq) => seq <= 444)).toEqual(
      Array.from({ length: 148 }, (_, i) => (i + 1) * 3),
    )
    expect((await store.scan()).anomalies).toEqual([])
    await store.close()
  })

  test('is refused where a block was replaced by an older one with a mark of its own', async () => {
    const mem = memVfs()
    await manyBlocks(mem)
    const path = segmentPaths(mem)[0] ?? ''
    const seed = seedOf(manifestOf(mem).logId)
    const marks = marksIn(Buffer.from(mem.bytes(path)))
    const target = marks.at(-4)
    if (target === undefined) throw new Error('there are too few blocks')
    // The line of the mark is right in itself, but it is not the one that the next mark follows on.
    const { vfs, strike } = secretly(mem, path, (bytes) => {
      const text = bytes.toString('utf8', target.at, target.end - 18)
      const other = sealLine(
        text.replace(/"prev":"(.)/, (_all, c: string) => `"prev":"${c === '0' ? '1' : '0'}`),
        seed,
      )
      bytes.write(other, target.at)
    })
    const store = await open(vfs)
    await store.begin()
    strike()
    await expect(cutAt(store, mem, 120)).rejects.toMatchObject({ code: 'anomalies_found' })
    await store.close()
  })
})
