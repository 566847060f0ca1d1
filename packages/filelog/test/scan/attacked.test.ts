import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { encodeSlot } from '../../src/format/ack-mark.js'
import { encodeHead } from '../../src/format/head.js'
import { markPath } from '../../src/format/names.js'
import type { LogScan } from '../../src/scan-types.js'
import { forgive, namedLosses } from '../../src/scan/losses.js'
import type { Gap } from '../../src/scan/scan-items.js'
import { scanLog } from '../../src/scan/scan-log.js'
import {
  ackMarkOf,
  buildLog,
  keptRecords,
  lineOf,
  LOG,
  lostNumbers,
  putStore,
  recordLine,
  scanDamaged,
  short,
  textOf,
  type BuiltLog,
} from './build-log.js'
import { countReads } from './counting-file.js'

// What an attacker's fuzzer found, one by one.

const log = buildLog({ last: 20, blockBytes: 700 })
const at = (seq: number): number => lineOf(log, 'record', seq).offset
const end = (seq: number): number => lineOf(log, 'record', seq).end
const numbers = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** The bytes with some put between. */
function put(bytes: Buffer, place: number, more: string): Buffer {
  return Buffer.concat([bytes.subarray(0, place), Buffer.from(more), bytes.subarray(place)])
}

function without(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
}

function kept(bytes: Buffer, scan: LogScan): number[] {
  return [...keptRecords(bytes, scan).keys()]
}

function markAt(built: BuiltLog, last: number): BuiltLog['lines'][number] {
  return lineOf(built, 'mark', last)
}

const marks = log.lines.filter(({ what }) => what === 'mark').map(({ seq }) => seq)

function expectApart(scan: LogScan): void {
  let before = 0
  for (const { offset, end: to } of scan.setAside) {
    expect(offset).toBeGreaterThanOrEqual(before)
    before = to
  }
}

describe('sound records stay, wherever they stand', () => {
  it('behind bytes that were put in before them, with a fault beyond the mark', async () => {
    const bytes = put(
      put(log.bytes, at(18), '{"torn\n'),
      at(5),
      textOf(log, lineOf(log, 'record', 2)),
    )
    const scan = await scanDamaged(log, bytes, { closed: false })
    expect(kept(bytes, scan)).toEqual(numbers(1, 20))
    expect(scan.losses).toEqual([])
    expect(scan.anomalyCounts['torn_tail']).toBeUndefined()
  })

  it('behind torn bytes that were never acknowledged: no loss, but not proven', async () => {
    const line = recordLine(21, log.seed)
    const torn = Buffer.from(`${line.slice(0, 40)}\0\0${line.slice(42)}`)
    const bytes = Buffer.concat([log.bytes, torn, Buffer.from(recordLine(22, log.seed))])
    const scan = await scanDamaged(log, bytes, { closed: false, bootId: 'before' })
    const size = log.bytes.length
    expect(short(scan)).toEqual([`corrupt_record @${size}+${torn.length} seq 21 n0`])
    expect(kept(bytes, scan)).toEqual([...numbers(1, 20), 22])
    expect(scan).toMatchObject({
      losses: [],
      unproven: { after: 20 },
      cutMends: false,
      lastSeq: 22,
    })
    expect(scan.skipped).toEqual([{ first: 21, last: 21 }])
  })

  it('behind a number that was left out beyond what was acknowledged', async () => {
    const bytes = Buffer.concat([log.bytes, Buffer.from(recordLine(23, log.seed))])
    const scan = await scanDamaged(log, bytes, { closed: false })
    expect(short(scan)).toEqual([`sequence_gap @${log.bytes.length}+null seq 21..22 n0`])
    expect(scan).toMatchObject({ losses: [], unproven: { after: 20 }, bytesSound: false })
  })

  it('a number that an owner left out when it went on is no loss later', async () => {
    const bytes = Buffer.concat([log.bytes, Buffer.from(recordLine(22, log.seed))])
    const later = { acked: 22, synced: 22, offset: bytes.length }
    const skipped = [{ first: 21, last: 21 }]
    const scan = await scanDamaged(log, bytes, { closed: false, mark: later, sidecar: { skipped } })
    expect(scan).toMatchObject({ losses: [], skipped, bytesSound: false })
    const without = await scanDamaged(log, bytes, { closed: false, mark: later })
    expect(lostNumbers(without).named).toEqual([21])
  })

  it('what was acknowledged is lost as ever', async () => {
    const bytes = without(log.bytes, at(20), end(20))
    const more = Buffer.concat([bytes, Buffer.from(recordLine(23, log.seed))])
    const scan = await scanDamaged(log, more, { closed: false })
    expect(lostNumbers(scan).named).toEqual([20])
    expect(scan.skipped).toEqual([{ first: 21, last: 22 }])
  })
})

describe('a mark of which one slot is damaged', () => {
  const older = ackMarkOf(log, { acked: 12, synced: 12, offset: end(12) })
  const slots = Buffer.concat([encodeSlot(older), Buffer.alloc(512, 'x')])
  const scanWith = async (bytes: Buffer, bootId?: string): Promise<LogScan> => {
    const vfs = await putStore(log, { closed: false, ...(bootId && { bootId }) })
    vfs.put(LOG, bytes)
    vfs.put(markPath(LOG), slots)
    return scanLog(vfs, LOG)
  }

  it('is a lower bound only, and a find where no machine was lost', async () => {
    const bytes = Buffer.from(log.bytes)
    bytes[at(15) + 60] = 0x01
    const scan = await scanWith(bytes)
    expect(Object.keys(scan.anomalyCounts).sort()).toEqual(['corrupt_record', 'mark_damaged'])
    expect(kept(bytes, scan)).toEqual(numbers(1, 20).filter((seq) => seq !== 15))
    expect(scan).toMatchObject({ losses: [], unproven: { after: 14 } })
  })

  it('is none where a power cut may have torn it', async () => {
    const scan = await scanWith(log.bytes, 'before')
    expect(scan.anomalyCounts).toEqual({})
    expect(scan.unproven).toEqual({ after: 20 })
  })
})

describe('records that stand too early', () => {
  it('are kept although nothing else names their numbers', async () => {
    const lines = numbers(1, 20).map((seq) => recordLine(seq, log.seed))
    const bytes = Buffer.from(encodeHead(log.head) + lines.reverse().join(''))
    const vfs = await putStore(log, { closed: false, mark: { acked: 0, synced: 0, offset: 0 } })
    vfs.put(LOG, bytes)
    const scan = await scanLog(vfs, LOG)
    expect(kept(bytes, scan)).toEqual(numbers(1, 20))
    expect(scan.lastSeq).toBe(20)
    expect(scan.anomalyCounts['duplicate_record']).toBeUndefined()
  })

  it('the last two swapped, no mark: both are kept', async () => {
    const open = buildLog({ last: 6, blockBytes: 1 << 20 })
    const [five, six] = [5, 6].map((seq) => lineOf(open, 'record', seq))
    if (five === undefined || six === undefined) throw new RangeError('no such lines')
    const bytes = Buffer.concat([
      open.bytes.subarray(0, five.offset),
      open.bytes.subarray(six.offset, six.end),
      open.bytes.subarray(five.offset, five.end),
    ])
    const vfs = await putStore(open, { closed: false })
    vfs.put(LOG, bytes)
    await vfs.unlink(markPath(LOG))
    const scan = await scanLog(vfs, LOG)
    expect(kept(bytes, scan)).toEqual(numbers(1, 6))
    expect(scan.lastSeq).toBe(6)
  })
})

describe('block marks', () => {
  const compact = { last: 40, compacted: 30, blockBytes: 700, keeps: (seq: number) => seq % 3 > 0 }

  it('of another generation say nothing', async () => {
    const now = buildLog({ ...compact, generation: 2 })
    const before = buildLog({ last: 30, blockBytes: 700 })
    const first = markAt(before, before.lines.find(({ what }) => what === 'mark')?.seq ?? 0)
    const place = lineOf(now, 'record', 32).offset
    const bytes = put(now.bytes, place, textOf(before, first))
    const scan = await scanDamaged(now, bytes)
    expect(short(scan)).toEqual([
      `block_mark_damaged @${place}+${first.end - first.offset} seq - n0`,
    ])
    expect(scan.losses).toEqual([])
    expect(kept(bytes, scan)).toEqual(now.seqs)
  })

  it('of an older generation do not hide what is missing', async () => {
    const now = buildLog({ ...compact, generation: 2 })
    const before = buildLog({ last: 30, blockBytes: 700 })
    const first = markAt(before, before.lines.find(({ what }) => what === 'mark')?.seq ?? 0)
    const gone = lineOf(now, 'record', 2)
    const bytes = put(without(now.bytes, gone.offset, gone.end), gone.offset, textOf(before, first))
    const scan = await scanDamaged(now, bytes)
    expect(lostNumbers(scan)).toEqual({ named: [2], unnamed: 0 })
  })

  it('an older head before a newer log is what is wrong, not the log', async () => {
    const now = buildLog({ ...compact, generation: 3 })
    const head = encodeHead({
      ...now.head,
      generation: 2,
      nextSeq: 1,
      compactedThrough: 0,
      records: 0,
    })
    const bytes = Buffer.concat([Buffer.from(head), now.bytes.subarray(lineOf(now, 'head', 0).end)])
    const scan = await scanDamaged(now, bytes)
    expect(scan.anomalyCounts).toEqual({ head_damaged: 1 })
    expect(scan.losses).toEqual([])
    expect(scan.identity?.generation).toBe(3)
    expect(kept(bytes, scan)).toEqual(now.seqs)
  })

  it('all gone from a compacted part: said, and what the head counts is missed', async () => {
    const now = buildLog({ ...compact, last: 30, generation: 2 })
    const strip = (drop: (line: BuiltLog['lines'][number]) => boolean): Buffer =>
      Buffer.concat(
        now.lines
          .filter((line) => !drop(line))
          .map(({ offset, end: to }) => now.bytes.subarray(offset, to)),
      )
    const bare = strip(({ what }) => what === 'mark')
    const mark = { offset: bare.length }
    const scan = await scanDamaged(now, bare, { closed: false, mark })
    expect(scan.anomalyCounts).toEqual({ block_mark_damaged: 1 })
    expect(scan).toMatchObject({ losses: [], bytesSound: false })
    const less = strip(({ what, seq }) => what === 'mark' || seq === 5)
    const found = await scanDamaged(now, less, { closed: false, mark: { offset: less.length } })
    expect(found.losses.reduce((n, { records }) => n + records, 0)).toBe(1)
    expect(found.bytesSound).toBe(false)
  })

  it('the last one deleted where more records follow', async () => {
    const last = markAt(log, marks.at(-1) ?? 0)
    const bytes = without(log.bytes, last.offset, last.end)
    const more = Buffer.concat([
      bytes,
      ...numbers(21, 23).map((n) => Buffer.from(recordLine(n, log.seed))),
    ])
    const short = { acked: last.seq, synced: last.seq, offset: last.offset }
    const scan = await scanDamaged(log, more, { closed: false, mark: short })
    expect(scan.anomalyCounts).toEqual({ block_mark_damaged: 1 })
    expect(scan.losses).toEqual([])
  })

  it('a foreign line right before the one that is due is not taken for it', async () => {
    const first = markAt(log, marks[0] ?? 0)
    const other = buildLog({ last: 3, logId: 'log-b' })
    const bytes = put(log.bytes, first.offset, textOf(other, lineOf(other, 'record', 2)))
    const scan = await scanDamaged(log, bytes)
    expect(scan.anomalyCounts).toEqual({ foreign_record: 1 })
  })
})

describe('totals', () => {
  it('a record that was recorded as lost and is back does not fill the place of another', async () => {
    const keeps = (seq: number): boolean => seq !== 6 && seq !== 7
    const now = buildLog({ last: 10, compacted: 10, blockBytes: 1 << 20, generation: 2, keeps })
    const mark = markAt(now, 10)
    const eight = lineOf(now, 'record', 8)
    const bytes = Buffer.concat([
      now.bytes.subarray(0, eight.offset),
      Buffer.from(recordLine(6, now.seed)),
      now.bytes.subarray(eight.end, mark.offset),
    ])
    const losses = [
      { seq: { first: 6, last: 6 }, records: 1, code: 'corrupt_record', at: 0 },
    ] as const
    const scan = await scanDamaged(now, bytes, { sidecar: { losses } })
    expect(scan.losses.reduce((n, { records }) => n + records, 0)).toBe(1)
  })

  it('a mark whose total is taken at the end of the region does not count for it', async () => {
    // The compacted part was cut off at a line; then a store went on behind it.
    const now = buildLog({ last: 12, compacted: 12, blockBytes: 300, generation: 2 })
    const cut = lineOf(now, 'record', 8).end
    const tail = buildLog({
      last: 14,
      compacted: 12,
      blockBytes: 300,
      generation: 2,
      keeps: () => false,
    })
    const more = tail.lines.filter(({ seq, what }) => seq > 12 && what !== 'head')
    const bytes = Buffer.concat([
      now.bytes.subarray(0, cut),
      ...more.map(({ offset, end: to }) => tail.bytes.subarray(offset, to)),
    ])
    const scan = await scanDamaged(now, bytes, { closed: false, mark: { offset: bytes.length } })
    expect(lostNumbers(scan)).toEqual({ named: numbers(9, 12), unnamed: 0 })
  })

  it('an older copy: no more is claimed than the later generation had left', async () => {
    const before = buildLog({ last: 20, blockBytes: 700 })
    const bytes = before.bytes.subarray(0, lineOf(before, 'record', 10).end)
    const vfs = await putStore(before, {
      sidecar: {
        generation: 2,
        nextSeq: 21,
        compactedThrough: 20,
        region: { records: 3, bytes: 0, lastSeq: 20 },
        closed: null,
        clean: false,
      },
      mark: { generation: 2 },
    })
    vfs.put(LOG, bytes)
    const scan = await scanLog(vfs, LOG)
    expect(scan.losses).toEqual([{ seq: { first: 11, last: 20 }, records: 3, code: 'rolled_back' }])
  })
})

describe('what is set aside', () => {
  it('is nowhere set aside twice', async () => {
    const crlf = Buffer.from(
      put(log.bytes, at(15), textOf(log, lineOf(log, 'record', 4)))
        .toString()
        .replaceAll('\n', '\r\n'),
    )
    expectApart(await scanDamaged(log, crlf))
    expectApart(await scanDamaged(log, put(log.bytes, 0, textOf(log, lineOf(log, 'record', 4)))))
  })
})

describe('heads', () => {
  it('and a record on one line are glued', async () => {
    const head = lineOf(log, 'head', 0).end
    for (const joint of ['', ' ']) {
      const bytes = put(without(log.bytes, head - 1, head), head - 1, joint)
      const scan = await scanDamaged(log, bytes)
      expect(scan.anomalyCounts).toEqual({ glued_line: 1 })
      expect(kept(bytes, scan)).toEqual(numbers(1, 20))
    }
  })

  it('of another log before lines, sidecar and mark that agree: the log is kept', async () => {
    const other = buildLog({ last: 1, logId: 'log-b' })
    const bytes = Buffer.concat([
      other.bytes.subarray(0, lineOf(other, 'head', 0).end),
      log.bytes.subarray(lineOf(log, 'head', 0).end),
    ])
    const scan = await scanDamaged(log, bytes)
    expect(scan.anomalyCounts).toEqual({ foreign_log: 1 })
    expect(scan).toMatchObject({ foreign: true, losses: [], identity: { logId: 'log-a' } })
    expect(kept(bytes, scan)).toEqual(numbers(1, 20))
  })

  it('gone, and nothing behind it', async () => {
    const empty = buildLog({ last: 0 })
    const scan = await scanDamaged(empty, Buffer.alloc(0))
    expect(scan.anomalyCounts).toEqual({ head_damaged: 1 })
  })
})

describe('a mark file', () => {
  it('of an older generation beside a log that was closed', async () => {
    const now = buildLog({ last: 10, generation: 3 })
    const scan = await scanDamaged(now, now.bytes, { mark: { generation: 2 } })
    expect(scan.anomalyCounts).toEqual({ mark_damaged: 1 })
  })
})

describe('the work of a scan', () => {
  /** Bytes that a scan reads of a log of `n` records that a change was made to. */
  async function readFor(n: number, change: (lines: string[]) => string[]): Promise<number> {
    const head = encodeHead({ ...log.head, blockBytes: 1 << 20 })
    const lines = numbers(1, n).map((seq) => recordLine(seq, log.seed))
    const bytes = Buffer.from(head + change(lines).join(''))
    const vfs = await putStore(log, { closed: false, mark: { acked: n, offset: bytes.length } })
    vfs.put(LOG, bytes)
    const open = vfs.open.bind(vfs)
    let read = (): number => 0
    vfs.open = async (path, flag, mode) => {
      const file = await open(path, flag, mode)
      if (path !== LOG) return file
      const counted = countReads(file)
      read = counted.bytes
      return counted.file
    }
    const scan = await scanLog(vfs, LOG, { maxAnomalies: 1 })
    expect(scan.records).toBeGreaterThan(0)
    return read()
  }

  it.each<[string, (lines: string[]) => string[]]>([
    ['every second line damaged', (lines) => lines.map((line, i) => (i % 2 ? line : `#${line}`))],
    ['every line twice', (lines) => lines.flatMap((line) => [line, line])],
    ['neighbours swapped', (lines) => lines.map((_, i) => lines[i ^ 1] ?? lines[i] ?? '')],
    ['turned round', (lines) => [...lines].reverse()],
    ['every second gone', (lines) => lines.filter((_, i) => i % 2 === 0)],
  ])('grows with the log, no faster: %s', async (_what, change) => {
    const once = await readFor(1000, change)
    const twice = await readFor(2000, change)
    expect(twice).toBeLessThan(2.5 * once)
  })

  it('counted in looks at gaps: n losses on record and n gaps are not n times n', () => {
    const looks = (n: number): number => {
      let count = 0
      const gaps = numbers(1, n).map((i): Gap => {
        const range = { first: 3 * i, last: 3 * i }
        const base = { place: 0, ordinal: 0, cause: null, mark: null, dead: false, open: [range] }
        const gap = { ...range, ...base, missing: [], vague: null, filled: false, unproven: [] }
        return new Proxy(gap, {
          get(target, name) {
            count++
            return Reflect.get(target, name) as unknown
          },
        })
      })
      const losses = numbers(1, n).map((i) => ({
        seq: { first: 3 * i, last: 3 * i },
        records: 1,
        code: 'corrupt_record' as const,
        at: 0,
      }))
      forgive(gaps, namedLosses(losses))
      expect(gaps.every(({ open }) => open.length === 0)).toBe(true)
      return count
    }
    expect(looks(400)).toBeLessThan(2.1 * looks(200))
  })
})
