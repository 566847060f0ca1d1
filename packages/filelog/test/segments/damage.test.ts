import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { decodeManifest, encodeManifest } from '../../src/segments/manifest.js'
import { manifestPath, segmentPath } from '../../src/segments/names.js'
import { scanSegments } from '../../src/segments/scan-segments.js'
import type { SegmentsScan } from '../../src/segments/scan-types.js'
import {
  cutAt,
  deleteLine,
  duplicateLine,
  flipBit,
  swapLines,
  type MemVfs,
} from '../../src/testing/index.js'
import {
  buildSegment,
  buildStore,
  codesOf,
  DIR,
  lostNumbers,
  putStore,
  range,
  short,
  USUAL,
  type BuiltSegment,
  type BuiltStore,
} from './build-store.js'

type Change = (vfs: MemVfs, store: BuiltStore) => Promise<void> | void

async function scanAfter(change: Change, store: BuiltStore = buildStore()): Promise<SegmentsScan> {
  const vfs = await putStore(store)
  await change(vfs, store)
  return scanSegments(vfs, DIR)
}

function nth(store: BuiltStore, i: number): BuiltSegment {
  return store.segments[i] as BuiltSegment
}

/** What stays of the segments that were not touched is always sound. */
function others(scan: SegmentsScan, ...touched: number[]): string[] {
  return scan.segments.flatMap(({ state }, i) => (touched.includes(i) ? [] : [state]))
}

describe.each([0, 1, 2, 3])('segment %i of four', (i) => {
  const store = buildStore()
  const own = nth(store, i)
  const all = range(own.firstSeq, own.lastSeq)
  const seq = own.firstSeq + 2
  const lineOf = (n: number): number => own.lines.findIndex(([, end]) => end === own.ends.get(n))

  async function changed(bytes: Buffer): Promise<SegmentsScan> {
    const scan = await scanAfter((vfs) => vfs.put(own.path, bytes))
    expect(others(scan, i)).toEqual(['sound', 'sound', 'sound'])
    return scan
  }

  it('deleted', async () => {
    const scan = await scanAfter((vfs) => vfs.unlink(own.path))
    expect(codesOf(scan)).toEqual(['missing_segment'])
    expect(lostNumbers(scan)).toEqual({ named: all, unnamed: 0 })
    expect(scan.segments[i]).toMatchObject({ state: 'missing', path: own.path, records: 0 })
    expect(scan.anomalies).toMatchObject([
      {
        path: own.path,
        seq: { first: own.firstSeq, last: own.lastSeq },
        records: all.length,
        loss: true,
      },
    ])
  })

  it('emptied', async () => {
    const scan = await changed(Buffer.alloc(0))
    expect(codesOf(scan)).toContain('rolled_back')
    expect(lostNumbers(scan)).toEqual({ named: all, unnamed: 0 })
  })

  it('truncated at every record', async () => {
    for (const n of own.seqs.slice(0, -1)) {
      const scan = await changed(cutAt(own.bytes, own.ends.get(n) as number))
      expect(codesOf(scan)).toEqual(['rolled_back'])
      expect(lostNumbers(scan)).toEqual({ named: range(n + 1, own.lastSeq), unnamed: 0 })
    }
  })

  it('replaced by an older copy of it', async () => {
    const older = buildSegment({ firstSeq: own.firstSeq, lastSeq: own.lastSeq - 3, active: true })
    const scan = await changed(older.bytes)
    expect(codesOf(scan)).toEqual(['rolled_back'])
    expect(lostNumbers(scan)).toEqual({ named: range(own.lastSeq - 2, own.lastSeq), unnamed: 0 })
  })

  it('doubled under another name', async () => {
    for (const name of ['copy.ndjson', '00000000000000000005-00000001.ndjson']) {
      const scan = await scanAfter((vfs) => vfs.put(`${DIR}/${name}`, own.bytes))
      expect(short(scan)).toEqual([expect.stringMatching(/^orphan_segment/)])
      expect(scan.extras).toEqual([{ path: `${DIR}/${name}`, what: 'orphan' }])
      expect(others(scan)).toEqual(['sound', 'sound', 'sound', 'sound'])
    }
  })

  it('moved to another name', async () => {
    const scan = await scanAfter((vfs) => vfs.rename(own.path, `${DIR}/moved.ndjson`))
    expect(codesOf(scan)).toEqual(['misplaced_segment'])
    expect(scan.losses).toEqual([])
    expect(scan.segments[i]).toMatchObject({ state: 'misplaced', path: `${DIR}/moved.ndjson` })
    expect(scan.extras).toEqual([])
  })

  it('replaced by a segment of another log', async () => {
    const other = buildSegment({ ...own, active: i === 3, logId: 'log-b' })
    const scan = await changed(other.bytes)
    expect(codesOf(scan)).toEqual(['foreign_log'])
    expect(lostNumbers(scan)).toEqual({ named: all, unnamed: 0 })
    expect(scan.foreign).toBe(true)
    expect(scan.extras).toEqual([{ path: own.path, what: 'foreign' }])
  })

  it('a link, a folder or a pipe in its place', async () => {
    for (const type of ['symlink', 'other'] as const) {
      const scan = await scanAfter(async (vfs) => {
        await vfs.rename(own.path, '/data/away')
        vfs.special(own.path, type, '/data/away')
      })
      expect(codesOf(scan)).toEqual(['missing_segment'])
      expect(scan.anomalies[0]?.detail).toContain('no regular file')
      expect(lostNumbers(scan)).toEqual({ named: all, unnamed: 0 })
    }
    const folder = await scanAfter(async (vfs) => {
      await vfs.unlink(own.path)
      await vfs.mkdir(own.path)
    })
    expect(codesOf(folder)).toEqual(['missing_segment'])
  })

  it('a line deleted', async () => {
    const scan = await changed(deleteLine(own.bytes, lineOf(seq)))
    expect(lostNumbers(scan)).toEqual({ named: [seq], unnamed: 0 })
  })

  it('a line doubled', async () => {
    const scan = await changed(duplicateLine(own.bytes, lineOf(seq)))
    expect(codesOf(scan)).toContain('duplicate_record')
    expect(scan.losses).toEqual([])
  })

  it('two lines swapped', async () => {
    const scan = await changed(swapLines(own.bytes, lineOf(seq), lineOf(seq + 1)))
    expect(codesOf(scan)).toContain('out_of_order')
    expect(scan.losses).toEqual([])
  })

  it('the head deleted', async () => {
    const scan = await changed(deleteLine(own.bytes, 0))
    expect(codesOf(scan)).toEqual(['head_damaged'])
    expect(scan.losses).toEqual([])
  })

  it('a bit flipped, anywhere', async () => {
    const step = i === 1 ? 43 : 97
    for (let bit = i; bit < own.bytes.length * 8; bit += step) {
      const scan = await changed(flipBit(own.bytes, bit))
      expect(codesOf(scan).length, `bit ${bit}`).toBeGreaterThan(0)
      const at = own.lines.findIndex(([from, to]) => bit >>> 3 >= from && bit >>> 3 < to)
      const [, end] = own.lines[at] as [number, number]
      const hit = own.seqs.filter((n) => own.ends.get(n) === end)
      // The flipped 0x0A of a line may take the next one along.
      const lost = lostNumbers(scan)
      expect(lost.unnamed, `bit ${bit}`).toBe(0)
      for (const n of lost.named) expect(hit, `bit ${bit}: ${short(scan).join('; ')}`).toContain(n)
    }
  })
})

describe('several segments', () => {
  it('two swapped', async () => {
    const store = buildStore()
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 3],
    ] as const) {
      const scan = await scanAfter((vfs) => {
        vfs.put(nth(store, a).path, nth(store, b).bytes)
        vfs.put(nth(store, b).path, nth(store, a).bytes)
      })
      expect(scan.anomalyCounts).toEqual({ misplaced_segment: 2 })
      expect(scan.losses).toEqual([])
      expect(scan.segments[a]).toMatchObject({ state: 'misplaced', path: nth(store, b).path })
      expect(scan.segments[b]).toMatchObject({ state: 'misplaced', path: nth(store, a).path })
      expect(scan.extras).toEqual([])
    }
  })

  it('one replaced by a copy of another', async () => {
    const store = buildStore()
    for (const [a, b] of [
      [0, 1],
      [2, 0],
      [3, 1],
      [1, 3],
    ] as const) {
      const scan = await scanAfter((vfs) => vfs.put(nth(store, a).path, nth(store, b).bytes))
      expect(scan.anomalyCounts).toEqual({ missing_segment: 1, orphan_segment: 1 })
      const { firstSeq, lastSeq } = nth(store, a)
      expect(lostNumbers(scan)).toEqual({ named: range(firstSeq, lastSeq), unnamed: 0 })
      expect(scan.extras).toEqual([{ path: nth(store, a).path, what: 'orphan' }])
    }
  })

  it('two swapped and one of them damaged', async () => {
    const store = buildStore()
    const [a, b] = [nth(store, 0), nth(store, 1)]
    const bad = flipBit(b.bytes, ((b.ends.get(15) as number) - 40) * 8)
    const scan = await scanAfter((vfs) => {
      vfs.put(a.path, bad)
      vfs.put(b.path, a.bytes)
    })
    expect(scan.anomalyCounts).toEqual({ misplaced_segment: 2, corrupt_record: 1 })
    expect(lostNumbers(scan)).toEqual({ named: [15], unnamed: 0 })
  })

  it('a record of a later segment copied into an earlier one', async () => {
    const store = buildStore()
    const copied = Buffer.from(`${store.json.get(24)}\n`)
    const scan = await scanAfter((vfs) => {
      const { path, bytes } = nth(store, 1)
      vfs.put(path, Buffer.concat([bytes, copied]))
    })
    expect(codesOf(scan)).toEqual(['duplicate_record'])
    expect(scan.losses).toEqual([])
    expect(scan.segments[1]?.scan?.keep.at(-1)?.lastSeq).toBe(20)
  })

  it('a rewritten segment replaced by the one before its compaction', async () => {
    const plans = [
      { firstSeq: 1, lastSeq: 10, generation: 2, keeps: (n: number) => n > 6 },
      ...USUAL.segments.slice(1),
    ]
    const store = buildStore({ segments: plans })
    const before = buildSegment({ firstSeq: 1, lastSeq: 10 })
    const scan = await scanAfter(
      (vfs, { segments }) => vfs.put(segments[0]?.path ?? '', before.bytes),
      store,
    )
    expect(codesOf(scan)).toEqual(['rolled_back'])
    expect(scan.losses).toEqual([])
  })

  it('a record missing from a rewritten segment', async () => {
    const plans = [
      { firstSeq: 1, lastSeq: 10, generation: 2, keeps: (n: number) => n % 2 === 0 },
      ...USUAL.segments.slice(1),
    ]
    const store = buildStore({ segments: plans })
    const own = nth(store, 0)
    for (const n of own.seqs) {
      const line = own.lines.findIndex(([, end]) => end === own.ends.get(n))
      const scan = await scanAfter((vfs) => vfs.put(own.path, deleteLine(own.bytes, line)), store)
      expect(lostNumbers(scan)).toEqual({ named: [n], unnamed: 0 })
    }
  })
})

describe('what an interrupted compaction has left', () => {
  it('is no mere trace while the segment that it stands for is damaged or gone', async () => {
    const rewritten = buildSegment({ firstSeq: 1, lastSeq: 10, generation: 2, keeps: (n) => n > 7 })
    const damaged = await scanAfter((vfs, store) => {
      vfs.put(rewritten.path, rewritten.bytes)
      vfs.put(nth(store, 0).path, flipBit(nth(store, 0).bytes, 9000))
    })
    expect(damaged.extras).toEqual([{ path: rewritten.path, what: 'orphan' }])
    expect(codesOf(damaged)).toContain('orphan_segment')
    const gone = await scanAfter(async (vfs, store) => {
      vfs.put(rewritten.path, rewritten.bytes)
      await vfs.unlink(nth(store, 0).path)
    })
    expect(gone).toMatchObject({ rebuilt: true, records: 28, losses: [] })
  })
})

describe('the manifest', () => {
  it('gone, emptied, cut, or not a file: rebuilt from the segments', async () => {
    const changes: Change[] = [
      (vfs) => vfs.unlink(manifestPath(DIR)),
      (vfs) => vfs.put(manifestPath(DIR), ''),
      (vfs) => vfs.put(manifestPath(DIR), cutAt(vfs.bytes(manifestPath(DIR)), 100)),
      async (vfs) => {
        await vfs.unlink(manifestPath(DIR))
        vfs.special(manifestPath(DIR), 'symlink', '/nowhere')
      },
    ]
    for (const change of changes) {
      const store = buildStore()
      const scan = await scanAfter(change, store)
      expect(codesOf(scan)).toEqual(['manifest_damaged'])
      expect(scan).toMatchObject({ rebuilt: true, records: 35, losses: [], foreign: false })
      const { segments, active, logId, nextSeq, generation } = store.manifest
      const sealed = segments.map((entry) => ({ ...entry, sealed: expect.any(Number) as number }))
      expect(scan.store).toMatchObject({ logId, generation, nextSeq, clean: false })
      expect(scan.store?.segments).toEqual(sealed)
      expect(scan.store?.active).toEqual(active)
    }
  })

  it('every bit flipped', async () => {
    const segments = [
      { firstSeq: 1, lastSeq: 2 },
      { firstSeq: 3, lastSeq: 4 },
    ]
    const store = buildStore({ segments })
    const bytes = Buffer.from(encodeManifest(store.manifest))
    const vfs = await putStore(store)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = flipBit(bytes, bit)
      expect(decodeManifest(flipped, 1), `bit ${bit}`).toEqual({ state: 'damaged' })
      if (bit % 37 !== 0) continue
      vfs.put(manifestPath(DIR), flipped)
      const scan = await scanSegments(vfs, DIR)
      expect(codesOf(scan), `bit ${bit}`).toEqual(['manifest_damaged'])
      expect(scan).toMatchObject({ records: 4, losses: [] })
    }
  })

  it('older than the segments: rebuilt, its history kept', async () => {
    const store = buildStore()
    const older = buildStore({ segments: USUAL.segments.slice(0, 2) })
    const history = [
      {
        what: 'created' as const,
        at: 1,
        generation: 1,
        recordsRemoved: 0,
        bytesRemoved: 0,
        detail: '',
      },
    ]
    const manifest = { ...older.manifest, history }
    const scan = await scanAfter(
      (vfs) => vfs.put(manifestPath(DIR), encodeManifest(manifest)),
      store,
    )
    expect(codesOf(scan)).toEqual(['manifest_damaged'])
    expect(scan).toMatchObject({ rebuilt: true, records: 35, losses: [] })
    expect(scan.store?.history).toEqual(history)
    expect(scan.store?.segments.map(({ firstSeq }) => firstSeq)).toEqual([1, 11, 21])
    expect(scan.store?.nextSeq).toBe(36)
  })

  it('of another log', async () => {
    const other = buildStore({ ...USUAL, logId: 'log-b' })
    const scan = await scanAfter((vfs) =>
      vfs.put(manifestPath(DIR), encodeManifest(other.manifest)),
    )
    expect(scan).toMatchObject({ rebuilt: true, foreign: true, records: 35, losses: [] })
    expect(scan.store?.logId).toBe('log-a')
  })

  it('gone with a segment in the middle: the gap is named', async () => {
    const scan = await scanAfter(async (vfs, store) => {
      await vfs.unlink(manifestPath(DIR))
      await vfs.unlink(nth(store, 1).path)
    })
    expect(scan.anomalyCounts).toEqual({ manifest_damaged: 1, missing_segment: 1 })
    expect(lostNumbers(scan)).toEqual({ named: range(11, 20), unnamed: 0 })
  })

  it('gone with the first segment: no loss, but it is said', async () => {
    const scan = await scanAfter(async (vfs, store) => {
      await vfs.unlink(manifestPath(DIR))
      await vfs.unlink(nth(store, 0).path)
    })
    expect(codesOf(scan)).toEqual(['manifest_damaged'])
    expect(scan.anomalies[0]?.detail).toContain('Numbers below 11')
    expect(scan.losses).toEqual([])
  })

  it('gone with the active segment: its mark tells how far it went', async () => {
    const scan = await scanAfter(async (vfs, store) => {
      await vfs.unlink(manifestPath(DIR))
      await vfs.unlink(nth(store, 3).path)
    })
    expect(codesOf(scan)).toEqual(['manifest_damaged', 'mark_missing', 'missing_segment'])
    expect(lostNumbers(scan)).toEqual({ named: range(31, 35), unnamed: 0 })
    expect(scan.store?.nextSeq).toBe(36)
  })

  it('gone with a damaged head', async () => {
    const scan = await scanAfter((vfs, store) => {
      vfs.put(manifestPath(DIR), 'x')
      vfs.put(nth(store, 2).path, flipBit(nth(store, 2).bytes, 400))
    })
    expect(scan.anomalyCounts).toEqual({ manifest_damaged: 1, head_damaged: 1 })
    expect(scan).toMatchObject({ records: 35, losses: [] })
  })

  it('gone while a compaction was under way: of two the lower generation is taken if it is whole', async () => {
    const rewritten = buildSegment({ firstSeq: 1, lastSeq: 10, generation: 2, keeps: (n) => n > 7 })
    const both = await scanAfter((vfs) => {
      vfs.put(manifestPath(DIR), 'x')
      vfs.put(rewritten.path, rewritten.bytes)
    })
    expect(both).toMatchObject({ records: 35, losses: [] })
    expect(both.extras).toEqual([{ path: rewritten.path, what: 'orphan' }])
    const damaged = await scanAfter((vfs, store) => {
      vfs.put(manifestPath(DIR), 'x')
      vfs.put(rewritten.path, rewritten.bytes)
      vfs.put(nth(store, 0).path, flipBit(nth(store, 0).bytes, 9000))
    })
    expect(damaged).toMatchObject({ records: 28, losses: [] })
    expect(damaged.extras).toEqual([
      { path: segmentPath(DIR, { firstSeq: 1, generation: 1 }), what: 'orphan' },
    ])
  })

  it('gone with all segments: a mark tells that there were records', async () => {
    const scan = await scanAfter(async (vfs, store) => {
      await vfs.unlink(manifestPath(DIR))
      for (const { path } of store.segments) await vfs.unlink(path)
    })
    expect(codesOf(scan)).toEqual(['manifest_damaged', 'missing_segment'])
    expect(scan.store).toMatchObject({ logId: 'log-a', nextSeq: 36, segments: [] })
    const gone = { seq: { first: 1, last: 35 }, records: 35 }
    expect(scan.anomalies[1]).toMatchObject({ ...gone, loss: true })
    expect(scan.losses).toEqual([{ ...gone, code: 'missing_segment' }])
  })

  it('gone before the store was ever made: there is no store', async () => {
    const vfs = await putStore(buildStore({ segments: [{ firstSeq: 1, lastSeq: 0 }] }))
    await vfs.unlink(manifestPath(DIR))
    await expect(scanSegments(vfs, DIR)).rejects.toMatchObject({ code: 'store_not_found' })
  })

  it('gone with an empty active segment that is not the first', async () => {
    const segments = [...USUAL.segments.slice(0, 3), { firstSeq: 31, lastSeq: 30 }]
    const scan = await scanAfter((vfs) => vfs.unlink(manifestPath(DIR)), buildStore({ segments }))
    expect(codesOf(scan)).toEqual(['manifest_damaged'])
    expect(scan.store?.active.firstSeq).toBe(31)
    expect(scan.store?.nextSeq).toBe(31)
  })
})
