import { Buffer } from 'node:buffer'
import { encodeSlot, type AckMark } from '../../src/format/ack-mark.js'
import { chainStart } from '../../src/format/block-mark.js'
import { checksum, hex8, seedOf } from '../../src/format/checksum.js'
import { encodeRecord, parseHeader } from '../../src/format/frame.js'
import { encodeHead, type Head } from '../../src/format/head.js'
import { markPath } from '../../src/format/names.js'
import { FiguresMeter } from '../../src/format/figures.js'
import { encodeManifest, type Manifest, type SealedSegment } from '../../src/segments/manifest.js'
import { manifestPath, segmentName, segmentPath } from '../../src/segments/names.js'
import type { SegmentsScan } from '../../src/segments/scan-types.js'
import { stampOf } from '../../src/segments/stamp.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { BlockTracker } from '../../src/write/block-tracker.js'

export const DIR = '/data/store'
export const LOG_ID = 'log-a'
const CREATED = 1_700_000_000_000

/** A segment that a test builds line by line, independently of the writer. */
export interface BuiltSegment {
  readonly firstSeq: number
  readonly lastSeq: number
  readonly generation: number
  readonly compactedThrough: number
  readonly name: string
  readonly path: string
  readonly bytes: Buffer
  readonly seqs: readonly number[]
  /** Ends of the lines of its records, by number. */
  readonly ends: ReadonlyMap<number, number>
  readonly lines: readonly (readonly [number, number])[]
  readonly json: ReadonlyMap<number, string>
  readonly kinds: SealedSegment['kinds']
}

export interface SegmentPlan {
  readonly firstSeq: number
  readonly lastSeq: number
  readonly generation?: number
  /** A rewritten one holds only these. */
  readonly keeps?: (seq: number) => boolean
  readonly active?: boolean
  readonly logId?: string
  readonly blockBytes?: number
  readonly kind?: (seq: number) => string
  readonly timeOf?: (seq: number) => number
}

export function buildSegment(plan: SegmentPlan): BuiltSegment {
  const { firstSeq, lastSeq, generation = 1, keeps, logId = LOG_ID, blockBytes = 700 } = plan
  const { kind = () => 'event', timeOf = (seq: number) => 1_710_000_000_000 + seq * 1000 } = plan
  const seed = seedOf(logId)
  const all = Array.from({ length: Math.max(0, lastSeq - firstSeq + 1) }, (_, i) => firstSeq + i)
  const seqs = all.filter(keeps ?? (() => true))
  const compactedThrough = keeps === undefined ? 0 : lastSeq
  const head: Head = {
    format: 1,
    logId,
    generation,
    firstSeq,
    nextSeq: keeps === undefined ? firstSeq : lastSeq + 1,
    compactedThrough,
    records: keeps === undefined ? 0 : seqs.length,
    created: CREATED,
    blockBytes,
  }
  const parts = [Buffer.from(encodeHead(head))]
  let at = (parts[0] as Buffer).length
  const lines: [number, number][] = [[0, at]]
  const ends = new Map<number, number>()
  const json = new Map<number, string>()
  const meter = new FiguresMeter()
  const tracker = new BlockTracker({
    seed,
    generation,
    offset: at,
    after: firstSeq - 1,
    total: 0,
    prev: chainStart(generation, seed),
    blockBytes,
  })
  const add = (text: string): Buffer => {
    const bytes = Buffer.from(text)
    parts.push(bytes)
    lines.push([at, at + bytes.length])
    at += bytes.length
    return bytes
  }
  for (const seq of seqs) {
    const members = `"system_id":"shop","actor_address":null,"event_type":"placed","payload":{"n":${seq}}`
    const text = encodeRecord({ seq, kind: kind(seq), timestamp: timeOf(seq), members }, seed)
    const bytes = add(text)
    json.set(seq, text.slice(0, -1))
    ends.set(seq, at)
    const header = parseHeader(bytes, 0, bytes.length)
    if (header !== null) meter.add({ ...header, bytes: bytes.length })
    tracker.record(seq, bytes.length)
    tracker.sum(bytes, 0, bytes.length)
    if (tracker.due()) add(tracker.closeBlock())
  }
  const open = tracker.openBlock()
  const closes = plan.active !== true && (open.records > 0 || open.after < lastSeq)
  if (closes) add(tracker.closeBlock(lastSeq))
  const id = { firstSeq, generation }
  return {
    ...id,
    lastSeq,
    compactedThrough,
    name: segmentName(id),
    path: segmentPath(DIR, id),
    bytes: Buffer.concat(parts),
    seqs,
    ends,
    lines,
    json,
    kinds: meter.kinds(),
  }
}

export function sealOf(segment: BuiltSegment, logId: string = LOG_ID): SealedSegment {
  const { firstSeq, generation, lastSeq, compactedThrough, seqs, bytes, kinds } = segment
  return {
    firstSeq,
    generation,
    lastSeq,
    compactedThrough,
    records: seqs.length,
    bytes: bytes.length,
    checksum: hex8(checksum(bytes, seedOf(logId))),
    kinds,
    created: CREATED,
    sealed: CREATED + 1000,
  }
}

export interface BuiltStore {
  readonly segments: readonly BuiltSegment[]
  readonly manifest: Manifest
  readonly mark: AckMark
  /** All records by number. */
  readonly json: ReadonlyMap<number, string>
}

export interface StorePlan {
  /** The last one is active. */
  readonly segments: readonly SegmentPlan[]
  readonly closed?: boolean
  readonly bootId?: string
  readonly logId?: string
  readonly manifest?: Partial<Manifest>
}

/** Three sealed segments of ten records, and an active one with five. */
export const USUAL: StorePlan = {
  segments: [
    { firstSeq: 1, lastSeq: 10 },
    { firstSeq: 11, lastSeq: 20 },
    { firstSeq: 21, lastSeq: 30 },
    { firstSeq: 31, lastSeq: 35 },
  ],
}

export function buildStore(plan: StorePlan = USUAL): BuiltStore {
  const { closed = true, logId = LOG_ID } = plan
  const segments = plan.segments.map((one, i) =>
    buildSegment({ logId, ...one, active: i === plan.segments.length - 1 }),
  )
  const active = segments.at(-1) as BuiltSegment
  const { firstSeq, generation, bytes, lastSeq, seqs, kinds } = active
  const acked = Math.max(lastSeq, firstSeq - 1)
  const figures = {
    at: CREATED + 5000,
    lastSeq: acked,
    records: seqs.length,
    bytes: bytes.length,
    checksum: hex8(checksum(bytes, seedOf(logId))),
    kinds,
  }
  const manifest: Manifest = {
    format: 1,
    logId,
    generation: Math.max(...segments.map((one) => one.generation)),
    edit: 7,
    created: CREATED,
    blockBytes: 700,
    clean: closed,
    closed: closed ? figures : null,
    opened: { at: CREATED, bootId: plan.bootId ?? 'boot-1', pid: 1, hostname: 'machine' },
    nextSeq: closed ? acked + 1 : firstSeq,
    segments: segments.slice(0, -1).map((one) => sealOf(one, logId)),
    active: { firstSeq, generation, created: CREATED },
    obsolete: [],
    suspect: [],
    retention: null,
    history: [],
    losses: [],
    skipped: [],
    totals: { values: {}, countedSeq: 0, countedBytes: 0 },
    baseline: null,
    verifiedAt: null,
    ...plan.manifest,
  }
  const offset = bytes.length
  const mark = { logId, generation, turn: 4, acked, synced: acked, offset }
  const json = new Map(segments.flatMap((one) => [...one.json]))
  return { segments, manifest, mark, json }
}

/** Puts a store on a fresh machine, as its owner left it. */
export async function putStore(store: BuiltStore, vfs: MemVfs = memVfs()): Promise<MemVfs> {
  await vfs.mkdir(DIR)
  for (const { path, bytes } of store.segments) vfs.put(path, bytes)
  const { mark } = store
  const slots = Buffer.concat([encodeSlot(mark), encodeSlot({ ...mark, turn: mark.turn + 1 })])
  vfs.put(markPath((store.segments.at(-1) as BuiltSegment).path), slots)
  vfs.put(manifestPath(DIR), encodeManifest(await withStamps(vfs, store.manifest)))
  return vfs
}

/** As an owner would have left it: it knows what the files looked like when it verified them. */
async function withStamps(vfs: MemVfs, manifest: Manifest): Promise<Manifest> {
  const segments: SealedSegment[] = []
  for (const entry of manifest.segments) {
    const stat = await vfs.stat(segmentPath(DIR, entry))
    segments.push(stat === null ? entry : { ...entry, stamp: stampOf(stat) })
  }
  return { ...manifest, segments }
}

/** The numbers that a scan says are lost, and how many it cannot name. */
export function lostNumbers({ losses }: SegmentsScan): { named: number[]; unnamed: number } {
  const named: number[] = []
  let unnamed = 0
  for (const { seq, records } of losses) {
    if (seq !== null && seq.last - seq.first + 1 === records) {
      for (let n = seq.first; n <= seq.last; n++) named.push(n)
    } else unnamed += records
  }
  return { named: named.sort((a, b) => a - b), unnamed }
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

export function short(scan: SegmentsScan): string[] {
  return scan.anomalies.map(({ code, path, seq, records, loss }) => {
    const numbers =
      seq === null ? '-' : seq.first === seq.last ? `${seq.first}` : `${seq.first}..${seq.last}`
    const name = path.slice(DIR.length + 1).replace(/^0+/, '')
    return `${code} ${name} ${numbers} n${records}${loss ? ' lost' : ''}`
  })
}

export function codesOf(scan: SegmentsScan): string[] {
  return Object.keys(scan.anomalyCounts).sort()
}
