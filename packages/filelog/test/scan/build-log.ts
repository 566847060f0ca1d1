import { Buffer } from 'node:buffer'
import { encodeSlot, type AckMark } from '../../src/format/ack-mark.js'
import { chainStart } from '../../src/format/block-mark.js'
import { seedOf } from '../../src/format/checksum.js'
import { encodeRecord } from '../../src/format/frame.js'
import { encodeHead, type Head } from '../../src/format/head.js'
import { markPath, sidecarPath } from '../../src/format/names.js'
import type { LogScan } from '../../src/scan-types.js'
import { scanLog } from '../../src/scan/scan-log.js'
import type { LogScanOptions } from '../../src/scan/scan-options.js'
import { encodeSidecar, newSidecar, type Sidecar } from '../../src/format/sidecar.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { BlockTracker } from '../../src/write/block-tracker.js'

export const LOG = '/shop.ndjson'

export interface BuiltLine {
  readonly what: 'head' | 'record' | 'mark'
  /** Of a mark: the last number that it answers for. */
  readonly seq: number
  readonly offset: number
  readonly end: number
}

/** A log that a test builds line by line, independently of the writer. */
export interface BuiltLog {
  readonly logId: string
  readonly seed: number
  readonly head: Head
  readonly bytes: Buffer
  readonly lines: readonly BuiltLine[]
  /** The numbers of its records. */
  readonly seqs: readonly number[]
  readonly lastSeq: number
}

export interface BuildOptions {
  readonly logId?: string
  readonly generation?: number
  readonly blockBytes?: number
  /** What the head says, if not the truth: with a wrong size no block is taken at once. */
  readonly saidBlockBytes?: number
  /** Numbers up to here were compacted: those that `keeps` says are left. */
  readonly compacted?: number
  readonly keeps?: (seq: number) => boolean
  /** The last number. */
  readonly last: number
  readonly payload?: (seq: number) => string
  readonly kind?: (seq: number) => string
  /** True if the last block, though not full, gets a mark all the same. */
  readonly endWithMark?: boolean
  /** True if marks say what their blocks hold of each kind; else they are as they used to be. */
  readonly figures?: boolean
}

const timeOf = (seq: number): number => 1_710_000_000_000 + seq * 1000

export function recordLine(
  seq: number,
  seed: number,
  payload: string = '',
  kind: string = 'event',
): string {
  const members =
    kind === 'event'
      ? `"system_id":"shop","actor_address":null,"event_type":"placed","payload":{"n":${seq},"text":${JSON.stringify(payload)}}`
      : `"system_id":"shop","target":null,"message_type":"m","payload":${JSON.stringify(payload)}`
  return encodeRecord({ seq, kind, timestamp: timeOf(seq), members }, seed)
}

export function buildLog(options: BuildOptions): BuiltLog {
  const { logId = 'log-a', generation = 1, blockBytes = 512, compacted = 0, last } = options
  const { keeps = () => true, payload = () => '', kind = () => 'event' } = options
  const seed = seedOf(logId)
  const inRegion = Array.from({ length: compacted }, (_, i) => i + 1).filter(keeps)
  const head: Head = {
    format: 1,
    logId,
    generation,
    firstSeq: 1,
    nextSeq: compacted + 1,
    compactedThrough: compacted,
    records: inRegion.length,
    created: 1_700_000_000_000,
    blockBytes: options.saidBlockBytes ?? blockBytes,
  }
  const parts: Buffer[] = [Buffer.from(encodeHead(head))]
  const lines: BuiltLine[] = [{ what: 'head', seq: 0, offset: 0, end: (parts[0] as Buffer).length }]
  let at = (parts[0] as Buffer).length
  const tracker = new BlockTracker({
    seed,
    generation,
    offset: at,
    after: 0,
    total: 0,
    prev: chainStart(generation, seed),
    blockBytes,
  })
  const add = (what: BuiltLine['what'], seq: number, text: string): void => {
    const bytes = Buffer.from(text)
    parts.push(bytes)
    lines.push({ what, seq, offset: at, end: at + bytes.length })
    at += bytes.length
    if (what !== 'record') return
    if (options.figures === true) tracker.record(seq, bytes.length, kind(seq), timeOf(seq))
    else tracker.record(seq, bytes.length)
    tracker.sum(bytes, 0, bytes.length)
    if (tracker.due()) add('mark', seq, tracker.closeBlock())
  }
  const tail = Array.from({ length: Math.max(0, last - compacted) }, (_, i) => compacted + i + 1)
  for (const seq of inRegion) add('record', seq, recordLine(seq, seed, payload(seq), kind(seq)))
  const open = tracker.openBlock()
  if (compacted > 0 && (open.records > 0 || open.after < compacted)) {
    add('mark', compacted, tracker.closeBlock(compacted))
  }
  for (const seq of tail) add('record', seq, recordLine(seq, seed, payload(seq), kind(seq)))
  if (options.endWithMark === true && tracker.openBlock().records > 0)
    add('mark', last, tracker.closeBlock())
  const seqs = [...inRegion, ...tail]
  return {
    logId,
    seed,
    head,
    bytes: Buffer.concat(parts),
    lines,
    seqs,
    lastSeq: Math.max(compacted, last),
  }
}

export function lineOf(log: BuiltLog, what: BuiltLine['what'], seq: number): BuiltLine {
  const line = log.lines.find((one) => one.what === what && one.seq === seq)
  if (line === undefined) throw new RangeError(`there is no ${what} ${seq}`)
  return line
}

export function textOf(log: BuiltLog, line: BuiltLine): string {
  return log.bytes.toString('utf8', line.offset, line.end)
}

export interface StoreOptions {
  readonly closed?: boolean
  readonly bootId?: string
  readonly sidecar?: Partial<Sidecar>
  readonly mark?: Partial<AckMark>
}

export function ackMarkOf(log: BuiltLog, change: Partial<AckMark> = {}): AckMark {
  const { logId, head, bytes, lastSeq } = log
  return {
    logId,
    generation: head.generation,
    turn: 4,
    acked: lastSeq,
    synced: lastSeq,
    offset: bytes.length,
    ...change,
  }
}

/** Puts a log and what stands beside it on a fresh machine, as its owner left it. */
export async function putStore(log: BuiltLog, options: StoreOptions = {}): Promise<MemVfs> {
  const vfs = memVfs()
  vfs.put(LOG, log.bytes)
  const mark = ackMarkOf(log, options.mark)
  vfs.put(
    markPath(LOG),
    Buffer.concat([encodeSlot(mark), encodeSlot({ ...mark, turn: mark.turn + 1 })]),
  )
  vfs.put(sidecarPath(LOG), encodeSidecar(await sidecarOf(vfs, log, options)))
  return vfs
}

/** When a log that `sidecarOf` describes was closed, and verified. */
export const CLOSED_AT = 1_710_000_900_000

export async function sidecarOf(
  vfs: MemVfs,
  log: BuiltLog,
  options: StoreOptions = {},
): Promise<Sidecar> {
  const { head, logId, bytes, lastSeq, seqs } = log
  const stat = await vfs.stat(LOG)
  const closed = {
    at: CLOSED_AT,
    lastSeq,
    records: seqs.length,
    bytes: bytes.length,
    fingerprint: {
      inode: String(stat?.inode),
      size: stat?.size ?? 0,
      mtimeNs: String(stat?.mtimeNs),
      ctimeNs: String(stat?.ctimeNs),
    },
  }
  const isClosed = options.closed !== false
  return {
    ...newSidecar({ logId, generation: head.generation, created: head.created, format: 1 }),
    clean: isClosed,
    closed: isClosed ? closed : null,
    opened: {
      at: 1_710_000_000_000,
      bootId: options.bootId ?? vfs.host.bootId,
      pid: 1,
      hostname: 'machine',
    },
    nextSeq: head.nextSeq,
    compactedThrough: head.compactedThrough,
    region: { records: head.records, bytes: 0, lastSeq: head.compactedThrough },
    verifiedAt: isClosed ? CLOSED_AT : null,
    ...options.sidecar,
  }
}

/** Scans a log whose bytes were changed after its owner had closed it. */
export async function scanDamaged(
  log: BuiltLog,
  bytes: Buffer,
  store: StoreOptions = {},
  options: LogScanOptions = {},
): Promise<LogScan> {
  const vfs = await putStore(log, store)
  vfs.put(LOG, bytes)
  return scanLog(vfs, LOG, options)
}

/** What a repair would put into the new log: the text of each record that is kept, by number. */
export function keptRecords(bytes: Buffer, scan: LogScan): Map<number, string> {
  const out = new Map<number, string>()
  let last = 0
  for (const extent of scan.keep) {
    const text = bytes.toString('utf8', extent.offset, extent.end)
    let records = 0
    for (const raw of text.split('\n')) {
      const line = raw.replace(/^[\uFEFF\r\t ]+|[\r\t ]+$/g, '')
      if (line === '') continue
      const seq = Number(/^\{"seq":(\d+),/.exec(line)?.[1])
      if (!(seq > last)) throw new Error(`kept ${seq} behind ${last}`)
      if (seq < extent.firstSeq || seq > extent.lastSeq)
        throw new Error(`${seq} is not in its extent`)
      last = seq
      records++
      out.set(seq, line)
    }
    if (records !== extent.records)
      throw new Error(`${extent.records} records said, ${records} there`)
  }
  return out
}

/** The numbers that a scan says are lost, and how many it cannot name. */
export function lostNumbers(scan: LogScan): { named: number[]; unnamed: number } {
  const named: number[] = []
  let unnamed = 0
  for (const { seq, records } of scan.losses) {
    if (seq !== null && seq.last - seq.first + 1 === records) {
      for (let n = seq.first; n <= seq.last; n++) named.push(n)
    } else unnamed += records
  }
  return { named: named.sort((a, b) => a - b), unnamed }
}

export function short(scan: LogScan): string[] {
  return scan.anomalies.map(({ code, offset, length, seq, records, loss }) => {
    const range =
      seq === null ? '-' : seq.first === seq.last ? `${seq.first}` : `${seq.first}..${seq.last}`
    return `${code} @${offset}+${length} seq ${range} n${records}${loss ? ' lost' : ''}`
  })
}
