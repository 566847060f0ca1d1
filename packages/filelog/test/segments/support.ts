import { crc32 } from 'node:zlib'
import {
  manualClock,
  type AppendFact,
  type ManualClock,
  type ReadQuery,
  type StoredRecord,
} from '@papyra/contracts'
import { expect } from 'vitest'
import {
  createSegmentStore,
  openSegmentStore,
  type Manifest,
  type SegmentStore,
  type SegmentStoreOptions,
  type Vfs,
} from '../../src/index.js'
import { decodeHead } from '../../src/format/head.js'
import { hex8, seedOf } from '../../src/format/checksum.js'
import { parseHeader, verifies } from '../../src/format/frame.js'
import { decodeManifest } from '../../src/segments/manifest.js'
import { manifestPath, parseSegmentName, segmentPath } from '../../src/segments/names.js'
import { lineRanges, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { bySeq, fact, facts, type Expected } from '../rewrite/support.js'

export { bySeq, fact, facts, SAMPLING, type Expected } from '../rewrite/support.js'

/** The folder of the store. */
export const DIR = '/data/shop'

/** Small segments: a handful of records each. */
export const SMALL = { maxBytes: 1200 } as const

/** Opens for writing unless told otherwise, with small segments. */
export function open(vfs: Vfs, options: Partial<SegmentStoreOptions> = {}): Promise<SegmentStore> {
  const clock: ManualClock = manualClock()
  return openSegmentStore(vfs, DIR, {
    backend: 'rotation',
    access: 'write',
    clock,
    waitLockMs: 0,
    seal: SMALL,
    ...options,
  })
}

/** A new store with small blocks, so that a segment has several of them. */
export async function create(vfs: Vfs, blockBytes: number = 600): Promise<void> {
  await createSegmentStore(vfs, DIR, { clock: manualClock(), blockBytes })
}

export async function readAll(store: SegmentStore, query: ReadQuery = {}): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const record of store.read(query)) records.push(record)
  return records
}

/** Creates and fills a store, closes it, and gives the records it holds. */
export async function filled(
  vfs: Vfs,
  count: number,
  options: { size?: number; close?: boolean; open?: Partial<SegmentStoreOptions> } = {},
): Promise<StoredRecord[]> {
  await create(vfs)
  const store = await open(vfs, options.open)
  await store.begin()
  for (let n = 1; n <= count; n += 3) {
    await store.append(facts(n, Math.min(3, count - n + 1), options.size ?? 0))
  }
  const records = await readAll(store)
  if (options.close !== false) await store.close()
  return records
}

/** The manifest as it stands on the disk; throws if it is not sound. */
export function manifestOf(vfs: MemVfs, dir: string = DIR): Manifest {
  const read = decodeManifest(vfs.bytes(manifestPath(dir)), 1)
  if (read.state !== 'ok') throw new Error(`the manifest is ${read.state}`)
  return read.manifest
}

/** Paths of the segments that the manifest names, the active one last. */
export function segmentPaths(vfs: MemVfs, dir: string = DIR): string[] {
  const { segments, active } = manifestOf(vfs, dir)
  return [...segments, active].map((id) => segmentPath(dir, id))
}

/** What the segments hold, looked at without any of the code that reads or scans stores. */
export interface Strict {
  readonly manifest: Manifest
  readonly records: ReadonlyMap<number, string>
  /** Names in the folder that look like a segment's and that the manifest does not name. */
  readonly unnamed: readonly string[]
}

/**
 * Reads a whole store line by line, and throws at the first thing that does not fit: a line that
 * does not verify, numbers that do not grow, a head, a whole-file checksum, a size or figures that
 * are not what the manifest says.
 */
export async function strictly(vfs: MemVfs, dir: string = DIR): Promise<Strict> {
  const manifest = manifestOf(vfs, dir)
  const seed = seedOf(manifest.logId)
  const records = new Map<number, string>()
  let last = 0
  for (const [i, entry] of [...manifest.segments, manifest.active].entries()) {
    const sealed = manifest.segments[i]
    const bytes = vfs.bytes(segmentPath(dir, entry))
    const kinds = new Map<string, { records: number; bytes: number; min: number; max: number }>()
    expect(entry.firstSeq, 'segments overlap').toBeGreaterThan(last)
    for (const [n, [start, end]] of lineRanges(bytes).entries()) {
      const sound = bytes[end - 1] === 0x0a && verifies(bytes, start, end - 1, seed)
      if (!sound) throw new Error(`line ${n} of ${segmentPath(dir, entry)} is not sound`)
      const header = parseHeader(bytes, start, end - 1)
      if (n === 0)
        expect(decodeHead(bytes, start, end - 1)).toMatchObject({
          state: 'ok',
          head: {
            firstSeq: entry.firstSeq,
            generation: entry.generation,
            logId: manifest.logId,
          },
        })
      if (header === null || header.kind.startsWith('_')) continue
      expect(header.seq, 'numbers grow').toBeGreaterThan(last)
      last = header.seq
      records.set(header.seq, bytes.toString('utf8', start, end - 1))
      const sum = kinds.get(header.kind) ?? { records: 0, bytes: 0, min: Infinity, max: -Infinity }
      sum.records++
      sum.bytes += end - start
      sum.min = Math.min(sum.min, header.timestamp)
      sum.max = Math.max(sum.max, header.timestamp)
      kinds.set(header.kind, sum)
    }
    if (sealed !== undefined) {
      expect(sealed.bytes).toBe(bytes.length)
      expect(sealed.checksum).toBe(hex8(crc32(bytes, seed)))
      expect(last).toBeLessThanOrEqual(sealed.lastSeq)
      last = sealed.lastSeq
      const said = sealed.kinds.map((k) => [
        k.kind,
        k.records,
        k.bytes,
        k.minTimestamp,
        k.maxTimestamp,
      ])
      expect(said).toEqual([...kinds].map(([k, s]) => [k, s.records, s.bytes, s.min, s.max]))
    }
  }
  const named = new Set([...manifest.segments, manifest.active].map((id) => segmentPath(dir, id)))
  const names = await vfs.readdir(dir)
  const unnamed = names.filter((n) => parseSegmentName(n) !== null && !named.has(`${dir}/${n}`))
  return { manifest, records, unnamed }
}

/**
 * What must hold of a store after any crash: nothing but an unfinished tail may be wrong with it,
 * recovery needs no consent and comes to rest, everything acknowledged is there byte for byte, and
 * an append works and stays.
 */
export async function holds(
  vfs: MemVfs,
  context: CrashContext<unknown>,
  expected: Expected,
  options: Partial<SegmentStoreOptions> = {},
): Promise<void> {
  const store = await open(vfs, options)
  try {
    const scan = await store.scan()
    const codes = Object.keys(scan.anomalyCounts).filter((c) => (scan.anomalyCounts[c] ?? 0) > 0)
    // A power cut may leave sound records that were never acknowledged behind torn ones, or right
    // behind what is left of one: they stay.
    const torn =
      context.kind === 'kill' ? ['torn_tail'] : ['torn_tail', 'corrupt_record', 'glued_line']
    expect(codes.filter((code) => !torn.includes(code))).toEqual([])
    expect(scan.consent).toEqual({ acceptLoss: false, force: false })
    if (context.kind === 'kill') expect(scan.unproven).toBeNull()
    const report = await store.recover({ mode: 'repair' })
    expect(report.after?.clean).toBe(true)
    expect(report.losses).toEqual([])
    expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
    await hasAll(store, expected)
    const last = Math.max(0, ...expected.acked.keys())
    const { nextSeq } = await store.begin()
    expect(nextSeq).toBeGreaterThan(last)
    expect(await store.append([fact(999)])).toEqual({ firstSeq: nextSeq, lastSeq: nextSeq })
  } finally {
    await store.close()
  }
  await staysSound(vfs, expected, options)
}

async function staysSound(
  vfs: MemVfs,
  expected: Expected,
  options: Partial<SegmentStoreOptions>,
): Promise<void> {
  const again = await open(vfs, options)
  try {
    const scan = await again.scan({ coverage: 'full' })
    expect(scan.anomalies).toEqual([])
    expect(scan.notices.filter(({ code }) => code === 'interrupted_work')).toEqual([])
    await hasAll(again, expected)
  } finally {
    await again.close()
  }
  const strict = await strictly(vfs)
  expect(strict.unnamed).toEqual([])
  const gone = [...expected.acked].filter(([seq, json]) => strict.records.get(seq) !== json)
  expect(
    gone.map(([seq]) => seq),
    'acknowledged records that are gone or changed',
  ).toEqual([])
}

async function hasAll(store: SegmentStore, { acked }: Expected): Promise<void> {
  const there = bySeq(await readAll(store))
  const missing = [...acked].filter(([seq, json]) => there.get(seq) !== json).map(([seq]) => seq)
  expect(missing, 'acknowledged records that are gone or changed').toEqual([])
}

/** The facts as they are stored, by number, for whoever keeps a list of what was acknowledged. */
export function storedAs(
  logId: string,
  given: readonly AppendFact[],
  firstSeq: number,
): [number, string][] {
  const seed = seedOf(logId)
  return given.map(({ kind, timestamp, members }, i) => {
    const open = `{"seq":${firstSeq + i},"kind":"${kind}","timestamp":${timestamp / 1000},${members}`
    return [firstSeq + i, `${open},"crc":"${hex8(crc32(open, seed))}"}`]
  })
}
