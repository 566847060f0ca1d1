import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  unlinkSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { rotationBackend } from '@papyra/backend-rotation'
import type { AckLevel, BackendDefinition, StoreDescription } from '@papyra/contracts'
import { countingVfs } from './counting-vfs.js'
import { fact } from './facts.js'
import { sideBySide, type Row } from './table.js'

/** Appends so many records, `waiting` of them at a time, to a new store. */
async function appendTo(
  definition: BackendDefinition,
  records: number,
  waiting: number,
): Promise<void> {
  rmSync(definition.location, { recursive: true, force: true })
  for (const ending of ['.mark', '.meta.json', '.lock']) {
    rmSync(definition.location + ending, { force: true })
  }
  const store = await definition.open({ access: 'write', create: 'if-missing' })
  await store.begin({ retention: null })
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < records) await store.append([fact(next++)])
  }
  await Promise.all(Array.from({ length: waiting }, worker))
  await store.close()
}

/** Appending to segments, sealed every few MB, beside appending to one file. */
export async function appendSegments(dir: string, rounds: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const ack of ['flushed', 'durable'] satisfies AckLevel[]) {
    const records = 100_000
    const segment = { maxBytes: 4_000_000 }
    const ours = rotationBackend({ dir: join(dir, 'append-segments'), ack, segment })
    const peer = jsonBackend({ path: join(dir, 'append-one.ndjson'), ack })
    const times = await sideBySide(
      rounds,
      () => appendTo(ours, records, 256),
      () => appendTo(peer, records, 256),
    )
    const [rate, peerRate] = [records / times.ours, records / times.peer]
    rows.push({
      question: `segments of 4 MB: append ${ack}, 256 waiting`,
      peer: 'the same to one file',
      ratio: rate / peerRate,
      better: 'higher',
      floor: 0.8,
      figures: `${rate.toFixed(1)} against ${peerRate.toFixed(1)} k records/s`,
    })
  }
  return rows
}

/** Writes a store of segments of at least `bytes`, verifies it, and closes it. */
export async function makeSegments(
  dir: string,
  bytes: number,
  segmentBytes: number,
): Promise<StoreDescription> {
  const segment = { maxBytes: segmentBytes }
  const definition = rotationBackend({ dir, ack: 'flushed', segment })
  const store = await definition.open({ access: 'write', create: 'if-missing' })
  await store.begin({ retention: null })
  let n = 0
  while ((await store.describe()).bytes < bytes) {
    for (let i = 0; i < 10; i++) await store.append(Array.from({ length: 2000 }, () => fact(n++)))
  }
  await store.close()
  const again = await definition.open({ access: 'write' })
  await again.scan()
  await again.begin({ retention: null })
  const description = await again.describe()
  await again.close()
  return description
}

/** Syncs a file or a folder. */
export function syncDir(dir: string): void {
  const fd = openSync(dir, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

async function compactTo(dir: string, maxRecords: number): Promise<number> {
  const store = await rotationBackend({ dir }).open({ access: 'write' })
  await store.scan({ coverage: 'auto' })
  const start = performance.now()
  const report = await store.compact({ policy: { maxRecords } })
  const ms = performance.now() - start
  await store.close()
  if (report.verified !== true) throw new Error('the compaction was not verified')
  return ms
}

/** Dropping whole segments beside removing copies of the same files. */
export async function dropping(dir: string, bytes: number): Promise<Row> {
  const place = join(dir, 'drop')
  const segments = (await makeSegments(place, bytes * 1.05, bytes / 10)).segments ?? []
  const kept = segments.slice(-1)
  const dropped = segments.slice(0, -1)
  const copies = join(dir, 'drop-peer')
  mkdirSync(copies)
  for (const { path } of dropped) copyFileSync(path, join(copies, basename(path)))
  for (const { path } of dropped) syncDir(join(copies, basename(path)))
  const ours = await compactTo(place, kept[0]?.records ?? 0)
  const start = performance.now()
  for (const { path } of dropped) unlinkSync(join(copies, basename(path)))
  syncDir(copies)
  const peer = performance.now() - start
  const size = dropped.reduce((sum, segment) => sum + segment.bytes, 0)
  for (const one of [place, copies]) rmSync(one, { recursive: true, force: true })
  return {
    question: `dropping ${(size / 1e6).toFixed(0)} MB of whole segments`,
    peer: 'rm of copies of them, folder synced',
    ratio: ours / peer,
    better: 'lower',
    floor: 3,
    figures: `${ours.toFixed(1)} against ${peer.toFixed(1)} ms, ${dropped.length} segments`,
  }
}

interface Start {
  /** Bytes read of sealed segments and all else but the manifest and the active segment. */
  readonly rest: number
  readonly manifest: number
  readonly active: number
  readonly coverage: string
}

async function startBytes(dir: string): Promise<Start> {
  const { vfs, read } = countingVfs()
  const store = await rotationBackend({ dir, vfs }).open({ access: 'write' })
  const { coverage } = await store.scan({ coverage: 'auto' })
  const active = (await store.describe()).segments?.at(-1)?.path ?? ''
  const counted = { manifest: 0, active: 0, rest: 0 }
  for (const [path, bytes] of read) {
    if (path.endsWith('manifest.json')) counted.manifest += bytes
    else if (path.startsWith(active)) counted.active += bytes
    else counted.rest += bytes
  }
  await store.close()
  return { ...counted, coverage }
}

/** What a start-up since the clean close reads of a large store and of a small one. */
export async function sinceClean(dir: string, large: number, small: number): Promise<Row> {
  const [a, b] = [join(dir, 'start-large'), join(dir, 'start-small')]
  await makeSegments(a, large, 4_000_000)
  await makeSegments(b, small, 4_000_000)
  const [ours, peer] = [await startBytes(a), await startBytes(b)]
  for (const one of [a, b]) rmSync(one, { recursive: true, force: true })
  const said = ({ rest, manifest, active }: Start): string =>
    `${rest} (manifest ${manifest}, active ${active})`
  return {
    question: `start-up since the clean close of ${(large / 1e6).toFixed(0)} MB: bytes read`,
    peer: `of ${(small / 1e6).toFixed(0)} MB`,
    ratio: peer.rest === 0 && ours.rest === 0 ? 1 : ours.rest / peer.rest,
    better: 'lower',
    floor: 1,
    figures: `${said(ours)} against ${said(peer)}, coverage ${ours.coverage}`,
  }
}
