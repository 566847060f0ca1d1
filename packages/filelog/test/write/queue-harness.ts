import { type AppendFact, manualClock, type ManualClock, type PapyraError } from '@papyra/contracts'
import { decodeBlockMark } from '../../src/format/block-mark.js'
import { chainStart } from '../../src/format/block-mark.js'
import { checksum, hex8, seedOf } from '../../src/format/checksum.js'
import { parseHeader, verifies } from '../../src/format/frame.js'
import { encodeHead, type Head } from '../../src/format/head.js'
import { lineRanges } from '../../src/testing/index.js'
import type { Vfs, VfsFile } from '../../src/vfs.js'
import type { AppendQueueOptions } from '../../src/write/append-options.js'
import { AppendQueue } from '../../src/write/append-queue.js'
import { trackFromHead } from '../../src/write/block-tracker.js'
import { openMarkWriter, readMarkFile } from '../../src/write/mark-file.js'

export const LOG = '/shop.ndjson'
export const LOG_ID = '0b9c7a50-4f0e-4a86-9f5f-2f3f3f3f3f3f'
export const SEED: number = seedOf(LOG_ID)

export const HEAD: Head = {
  format: 1,
  logId: LOG_ID,
  generation: 1,
  firstSeq: 1,
  nextSeq: 1,
  compactedThrough: 0,
  records: 0,
  created: 1_700_000_000_000,
  blockBytes: 1000,
}

export function fact(n: number | string, extra: string = ''): AppendFact {
  const members = `"system_id":"shop","event_type":"e","payload":{"n":"${n}${extra}"}`
  return { kind: 'event', timestamp: 1_700_000_000_123, members }
}

/** A timer that runs when told to. */
export interface HandTimer {
  readonly timer: (ms: number, run: () => void) => () => void
  /** Runs what is due; gives how many that were. */
  fire(): number
}

export function handTimer(): HandTimer {
  const due = new Set<() => void>()
  return {
    timer: (_ms, run) => {
      due.add(run)
      return () => due.delete(run)
    },
    fire() {
      const runs = [...due]
      due.clear()
      for (const run of runs) run()
      return runs.length
    },
  }
}

export interface Rig {
  readonly queue: AppendQueue
  readonly file: VfsFile
  readonly clock: ManualClock
  readonly timer: HandTimer
  readonly latched: PapyraError[]
}

/** Makes a durable, empty log. */
export async function createLog(vfs: Vfs, path: string = LOG): Promise<void> {
  const file = await vfs.open(path, 'create')
  const bytes = Buffer.from(encodeHead(HEAD))
  await file.write(bytes, 0, bytes.length, 0)
  await file.sync()
  await file.close()
  await vfs.syncDir('/')
  const start = { logId: LOG_ID, generation: 1, turn: 0, acked: 0, synced: 0 }
  await (await openMarkWriter(vfs, path, { ...start, offset: bytes.length })).close(false)
}

/** Opens an empty log for appending. */
export async function openQueue(
  vfs: Vfs,
  more: Partial<AppendQueueOptions> = {},
  path: string = LOG,
): Promise<Rig> {
  const headBytes = encodeHead(HEAD).length
  const start = { logId: LOG_ID, generation: 1, turn: 0, acked: 0, synced: 0, offset: headBytes }
  const clock = manualClock()
  const timer = handTimer()
  const latched: PapyraError[] = []
  const file = await vfs.open(path, 'read-write')
  const queue = new AppendQueue({
    vfs,
    path,
    file,
    mark: await openMarkWriter(vfs, path, start),
    tracker: trackFromHead(HEAD, headBytes, SEED),
    seed: SEED,
    nextSeq: 1,
    offset: headBytes,
    ack: 'flushed',
    clock,
    timer: timer.timer,
    onLatched: (error) => latched.push(error),
    ...more,
  })
  return { queue, file, clock, timer, latched }
}

export interface LogContent {
  /** The numbers of the sound records, in their order, and the `n` of each. */
  readonly seqs: number[]
  readonly names: string[]
  readonly marks: number
  /** Bytes behind the last sound line. */
  readonly rest: number
}

/** Reads a log strictly: every line up to the rest must verify, and every mark must be right. */
export function readLog(bytes: Buffer): LogContent {
  const content = { seqs: [] as number[], names: [] as string[], marks: 0, rest: 0 }
  let block = { from: 0, records: 0, after: 0, prev: chainStart(1, SEED) }
  for (const [i, [start, end]] of lineRanges(bytes).entries()) {
    if (bytes[end - 1] !== 0x0a || !verifies(bytes, start, end - 1, SEED)) {
      return { ...content, rest: bytes.length - start }
    }
    const header = parseHeader(bytes, start, end - 1)
    if (header === null) throw new Error(`line ${i} has no header`)
    if (header.kind === '_log') block.from = end
    else if (header.kind === '_block') {
      const decoded = decodeBlockMark(bytes, start, end - 1)
      const sum = hex8(checksum(bytes.subarray(block.from, start), SEED))
      const { after, prev, records } = block
      const expected = { offset: block.from, bytes: start - block.from, sum, after, prev, records }
      const lastSeq = content.seqs.at(-1) ?? 0
      const wanted = JSON.stringify({ ...expected, lastSeq, runs: null })
      const {
        offset,
        bytes: size,
        sum: s,
        after: a,
        prev: p,
        records: r,
        lastSeq: l,
        runs,
      } = decoded?.mark ?? { ...expected, lastSeq: -1, runs: null }
      const said = { offset, bytes: size, sum: s, after: a, prev: p, records: r, lastSeq: l, runs }
      if (JSON.stringify(said) !== wanted) throw new Error(`${JSON.stringify(said)} ≠ ${wanted}`)
      block = { from: end, records: 0, after: lastSeq, prev: decoded?.crc ?? '' }
      content.marks++
    } else {
      const record = JSON.parse(bytes.toString('utf8', start, end)) as { payload: { n: string } }
      content.seqs.push(header.seq)
      content.names.push(record.payload.n)
      block.records++
    }
  }
  return content
}

/** The numbers from 1 to `n`. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

/** What the mark file says was acknowledged. */
export async function markedAcked(vfs: Vfs): Promise<number> {
  const said = await readMarkFile(vfs, LOG)
  if (said.state !== 'ok') throw new Error(`the mark is ${said.state}`)
  return said.mark.acked
}

/** How a promise ended: `ok`, or the code of its error. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
}
