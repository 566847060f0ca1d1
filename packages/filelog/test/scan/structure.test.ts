import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sidecarPath } from '../../src/format/names.js'
import { forEachLine } from '../../src/scan/for-each-line.js'
import { scanLog } from '../../src/scan/scan-log.js'
import type { LogScan } from '../../src/scan-types.js'
import { memVfs } from '../../src/testing/index.js'
import {
  buildLog,
  keptRecords,
  lostNumbers,
  LOG,
  putStore,
  short,
  textOf,
  type BuiltLine,
  type BuiltLog,
} from './build-log.js'

const LOGS: Record<string, BuiltLog> = {
  'a log of many blocks': buildLog({ last: 24, blockBytes: 512 }),
  'a log that ends with a mark': buildLog({ last: 11, blockBytes: 512, endWithMark: true }),
  'a compacted log': buildLog({
    compacted: 40,
    keeps: (seq) => seq % 7 < 3 || (seq > 20 && seq < 26),
    last: 52,
    blockBytes: 512,
  }),
  'a log compacted to nothing': buildLog({
    compacted: 9,
    keeps: () => false,
    last: 14,
    blockBytes: 512,
  }),
  'a log whose last numbers were compacted': buildLog({
    compacted: 15,
    keeps: (seq) => seq < 8,
    last: 15,
    blockBytes: 512,
  }),
}

/** Ranges of lines that are put together anew. */
type Part = readonly [from: number, to: number]

function assemble(log: BuiltLog, parts: readonly Part[]): Buffer {
  return Buffer.concat(
    parts.map(([from, to]) => {
      const first = log.lines[from]
      const last = log.lines[to - 1]
      return first === undefined || last === undefined || to <= from
        ? Buffer.alloc(0)
        : log.bytes.subarray(first.offset, last.end)
    }),
  )
}

async function scanOf(log: BuiltLog, bytes: Buffer): Promise<LogScan> {
  const vfs = await putStore(log)
  vfs.put(LOG, bytes)
  return scanLog(vfs, LOG)
}

/** What must hold after any rearrangement: nothing that is there is dropped, nothing else is lost. */
function check(log: BuiltLog, bytes: Buffer, scan: LogScan): string[] {
  const out: string[] = []
  const text = bytes.toString('latin1')
  const there = new Map<number, string>()
  for (const line of log.lines) {
    if (line.what === 'record' && text.includes(textOf(log, line).trimEnd()))
      there.set(line.seq, textOf(log, line).trimEnd())
  }
  const kept = keptRecords(bytes, scan)
  for (const [seq, record] of there)
    if (kept.get(seq) !== record) out.push(`${seq} is there and not kept`)
  for (const seq of kept.keys()) if (!there.has(seq)) out.push(`${seq} is kept and not there`)
  const gone = log.seqs.filter((seq) => !there.has(seq))
  const lost = lostNumbers(scan)
  const all = lost.named.length + lost.unnamed
  if (all !== gone.length || lost.named.some((seq) => !gone.includes(seq))) {
    out.push(`lost ${lost.named} and ${lost.unnamed}, gone ${gone}`)
  }
  if (scan.records !== there.size) out.push(`${scan.records} records said, ${there.size} there`)
  return out
}

interface Case {
  readonly what: string
  readonly bytes: Buffer
  readonly codes: readonly string[]
  /** The anomaly is within these bytes. */
  readonly near: readonly [number, number]
}

async function run(log: BuiltLog, cases: readonly Case[]): Promise<string[]> {
  const wrong: string[] = []
  for (const { what, bytes, codes, near } of cases) {
    if (bytes.equals(log.bytes)) continue
    const scan = await scanOf(log, bytes)
    const found = check(log, bytes, scan)
    const first = scan.anomalies[0]
    if (scan.anomalies.length !== 1 || first === undefined)
      found.push(`${scan.anomalies.length} anomalies`)
    else {
      if (!codes.includes(first.code)) found.push(`not ${codes.join(' or ')}`)
      const offset = first.offset ?? -1
      if (offset < near[0] || offset > near[1]) found.push(`not in ${near.join(' to ')}`)
    }
    if (found.length > 0) wrong.push(`${what}: ${found.join('; ')} [${short(scan).join(' | ')}]`)
  }
  return wrong
}

const isLast = (log: BuiltLog, index: number): boolean => index === log.lines.length - 1

function deletions(log: BuiltLog): Case[] {
  const n = log.lines.length
  return log.lines.map((line, i) => {
    const lastRecord = !log.lines.slice(i + 1).some(({ what }) => what !== 'head')
    const end = line.what === 'record' && (lastRecord || isLast(log, i))
    const codes = {
      head: ['head_damaged'],
      mark: ['block_mark_damaged'],
      record: end ? ['rolled_back'] : ['sequence_gap', 'block_mismatch'],
    }
    const bytes = assemble(log, [
      [0, i],
      [i + 1, n],
    ])
    return {
      what: `line ${i} (${line.what} ${line.seq}) deleted`,
      bytes,
      codes: codes[line.what],
      near: [Math.max(0, line.offset - 2), line.offset],
    }
  })
}

function doublings(log: BuiltLog): Case[] {
  const n = log.lines.length
  const codes = {
    head: ['invalid_record'],
    mark: ['block_mark_damaged'],
    record: ['duplicate_record'],
  }
  return log.lines.map((line, i) => ({
    what: `line ${i} (${line.what} ${line.seq}) doubled`,
    bytes: assemble(log, [
      [0, i + 1],
      [i, n],
    ]),
    codes: codes[line.what],
    near: [line.end, line.end],
  }))
}

function swaps(log: BuiltLog): Case[] {
  const n = log.lines.length
  return log.lines.slice(0, -1).map((line, i) => {
    const next = log.lines[i + 1] as BuiltLine
    const kinds = [line.what, next.what]
    const codes = kinds.includes('head')
      ? ['head_damaged']
      : kinds.includes('mark')
        ? ['block_mark_damaged', 'out_of_order']
        : ['out_of_order']
    return {
      what: `lines ${i} and ${i + 1} (${line.what} ${line.seq}, ${next.what} ${next.seq}) swapped`,
      bytes: assemble(log, [
        [0, i],
        [i + 1, i + 2],
        [i, i + 1],
        [i + 2, n],
      ]),
      codes,
      near: [line.offset, next.end],
    }
  })
}

/** Blocks with their marks, as ranges of lines. */
function blocksOf(log: BuiltLog): Part[] {
  const out: Part[] = []
  let from = 1
  log.lines.forEach((line, i) => {
    if (line.what !== 'mark') return
    out.push([from, i + 1])
    from = i + 1
  })
  return out
}

function blockCases(log: BuiltLog): Case[] {
  const n = log.lines.length
  const blocks = blocksOf(log)
  return blocks.flatMap(([from, to], i): Case[] => {
    const offset = (log.lines[from] as BuiltLine).offset
    const end = (log.lines[to - 1] as BuiltLine).end
    const empty = to - from === 1
    const gone = empty
      ? ['block_mark_damaged']
      : to === n
        ? ['rolled_back']
        : ['sequence_gap', 'block_mismatch']
    const cases: Case[] = [
      {
        what: `block ${i} deleted`,
        bytes: assemble(log, [
          [0, from],
          [to, n],
        ]),
        codes: gone,
        near: [offset, offset],
      },
      {
        what: `block ${i} doubled`,
        bytes: assemble(log, [
          [0, to],
          [from, n],
        ]),
        codes: empty ? ['block_mark_damaged'] : ['duplicate_record'],
        near: [end, end],
      },
    ]
    const next = blocks[i + 1]
    if (next === undefined) return cases
    const bytes = assemble(log, [[0, from], next, [from, to], [next[1], n]])
    const nextEnd = (log.lines[next[1] - 1] as BuiltLine).end
    const mixed = empty || next[1] - next[0] === 1
    return [
      ...cases,
      {
        what: `blocks ${i} and ${i + 1} swapped`,
        bytes,
        codes: mixed ? ['out_of_order', 'block_mark_damaged'] : ['out_of_order'],
        near: [offset, nextEnd],
      },
    ]
  })
}

describe.each(Object.entries(LOGS))('%s', (_name, log) => {
  it('is clean as it stands', async () => {
    const scan = await scanOf(log, log.bytes)
    expect(short(scan)).toEqual([])
    expect(check(log, log.bytes, scan)).toEqual([])
  })
  it('with any line deleted: one anomaly, at its place, with its number', async () => {
    expect(await run(log, deletions(log))).toEqual([])
  })
  it('with any line doubled: one anomaly, at the copy, and nothing is lost', async () => {
    expect(await run(log, doublings(log))).toEqual([])
  })
  it('with any two neighbours swapped: one anomaly, and nothing is lost', async () => {
    expect(await run(log, swaps(log))).toEqual([])
  })
  it('with any block deleted, doubled or swapped with its mark: one anomaly', async () => {
    expect(await run(log, blockCases(log))).toEqual([])
  })
})

/** A random rearrangement of a log's lines behind the head: pieces deleted, doubled, moved. */
const anyLog = fc
  .record({
    compacted: fc.integer({ min: 0, max: 30 }),
    more: fc.integer({ min: 1, max: 30 }),
    mask: fc.integer({ min: 1, max: 255 }),
    blockBytes: fc.constantFrom(200, 512, 1024, 100_000),
  })
  .map(({ compacted, more, mask, blockBytes }) =>
    buildLog({
      compacted,
      last: compacted + more,
      blockBytes,
      keeps: (seq) => ((mask >> (seq % 8)) & 1) === 1,
    }),
  )

describe('any rearrangement of lines', () => {
  it('never drops a record that is there, and never claims a loss that is none', async () => {
    const edit = fc.record({
      what: fc.constantFrom('delete', 'double', 'move', 'garbage'),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 6 }),
      to: fc.nat(),
    })
    await fc.assert(
      fc.asyncProperty(
        anyLog,
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        async (log, edits) => {
          let lines = log.lines.slice(1).map((line) => textOf(log, line))
          for (const { what, at, length, to } of edits) {
            const from = at % (lines.length + 1)
            const piece = lines.slice(from, from + length)
            const rest = [...lines.slice(0, from), ...lines.slice(from + length)]
            const target = to % (rest.length + 1)
            if (what === 'delete') lines = rest
            else if (what === 'double')
              lines = [...lines.slice(0, from), ...piece, ...lines.slice(from)]
            else if (what === 'move')
              lines = [...rest.slice(0, target), ...piece, ...rest.slice(target)]
            else lines = [...lines.slice(0, from), 'no record\n', ...lines.slice(from)]
          }
          const bytes = Buffer.from(textOf(log, log.lines[0] as BuiltLine) + lines.join(''))
          const scan = await scanOf(log, bytes)
          expect(check(log, bytes, scan)).toEqual([])
          if (bytes.equals(log.bytes)) expect(short(scan)).toEqual([])
          else expect(scan.anomalies.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: 300 },
    )
  })
})

/** What a repair gets that copies the kept extents line by line. */
async function copied(log: BuiltLog, bytes: Buffer, scan: LogScan): Promise<string[]> {
  const vfs = memVfs()
  vfs.put(LOG, bytes)
  const file = await vfs.open(LOG, 'read')
  const out: string[] = []
  for (const { offset, end } of scan.keep) {
    await forEachLine(
      file,
      { from: offset, to: end, seed: log.seed },
      (chunk, start, stop, at, _h, sound) => {
        if (!sound) throw new Error(`the line at ${at} is not sound`)
        out.push(chunk.toString('utf8', start, stop))
      },
    )
  }
  return out
}

describe('lines in any order', () => {
  it('never drops a record, whatever the files beside the log know', async () => {
    const order = fc.record({
      seed: fc.nat(),
      how: fc.constantFrom('reverse', 'shuffle', 'rotate'),
      known: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(anyLog, order, async (log, { seed, how, known }) => {
        let lines = log.lines.slice(1)
        if (how === 'reverse') lines.reverse()
        else if (how === 'rotate') {
          const at = seed % lines.length
          lines = [...lines.slice(at), ...lines.slice(0, at)]
        } else lines.sort((a, b) => ((a.offset * seed) % 101) - ((b.offset * seed) % 101))
        const head = log.lines[0] as BuiltLine
        const text = [head, ...lines].map((line) => textOf(log, line)).join('')
        const bytes = Buffer.from(text)
        const last = log.head.compactedThrough
        const vfs = await putStore(
          log,
          known ? {} : { closed: false, mark: { acked: last, offset: head.end } },
        )
        await vfs.unlink(known ? `${LOG}.none` : sidecarPath(LOG)).catch(() => undefined)
        vfs.put(LOG, bytes)
        const scan = await scanLog(vfs, LOG)
        expect(check(log, bytes, scan)).toEqual([])
        expect(scan.lastSeq).toBe(log.lastSeq)
      }),
      { numRuns: 300 },
    )
  })
})

/** Bytes changed at random, on top of lines rearranged. */
function hurt(bytes: Buffer, headEnd: number, hits: readonly Hit[]): Buffer {
  let out = Buffer.from(bytes)
  for (const { what, at, length } of hits) {
    const from = headEnd + (at % Math.max(1, out.length - headEnd))
    const to = Math.min(out.length, from + length)
    if (what === 'flip') out[from] = (out[from] as number) ^ (1 << (length % 8))
    else if (what === 'zero') out.fill(0, from, to)
    else if (what === 'remove') out = Buffer.concat([out.subarray(0, from), out.subarray(to)])
    else if (what === 'insert')
      out = Buffer.concat([
        out.subarray(0, from),
        Buffer.from(`${'x'.repeat(length % 7)}\n`),
        out.subarray(from),
      ])
    else {
      const lf = out.indexOf(10, from)
      if (lf >= 0) out = Buffer.concat([out.subarray(0, lf), out.subarray(lf + 1)])
    }
  }
  return out
}

interface Hit {
  readonly what: 'flip' | 'zero' | 'remove' | 'insert' | 'glue'
  readonly at: number
  readonly length: number
}

const anyHit: fc.Arbitrary<Hit> = fc.record({
  what: fc.constantFrom(
    'flip' as const,
    'zero' as const,
    'remove' as const,
    'insert' as const,
    'glue' as const,
  ),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 300 }),
})

describe('any damage to bytes', () => {
  it('never drops a record that is there, and never claims a loss that is none', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyLog,
        fc.array(anyHit, { minLength: 1, maxLength: 4 }),
        async (log, hits) => {
          const bytes = hurt(log.bytes, (log.lines[0] as BuiltLine).end, hits)
          const scan = await scanOf(log, bytes)
          expect(check(log, bytes, scan)).toEqual([])
          expect(await copied(log, bytes, scan)).toEqual([...keptRecords(bytes, scan).values()])
          if (!bytes.equals(log.bytes)) expect(scan.anomalies.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is judged the same by blocks as line by line', async () => {
    const shape = fc.record({
      compacted: fc.integer({ min: 0, max: 30 }),
      more: fc.integer({ min: 1, max: 30 }),
      mask: fc.integer({ min: 1, max: 255 }),
    })
    await fc.assert(
      fc.asyncProperty(
        shape,
        fc.array(anyHit, { minLength: 0, maxLength: 2 }),
        async ({ compacted, more, mask }, hits) => {
          const options = {
            compacted,
            last: compacted + more,
            blockBytes: 600,
            keeps: (seq: number) => ((mask >> (seq % 8)) & 1) === 1,
          }
          const byBlocks = buildLog(options)
          const byLines = buildLog({ ...options, saidBlockBytes: 999 })
          const headEnd = (byBlocks.lines[0] as BuiltLine).end
          const [one, other] = await Promise.all(
            [byBlocks, byLines].map(async (log) => {
              const { anomalies, keep, losses, setAside, records, lastSeq, soundEnd, openBlock } =
                await scanOf(log, hurt(log.bytes, headEnd, hits))
              // Whether a mark was due here is known only with the right size.
              const found = anomalies.map((anomaly) =>
                anomaly.code === 'corrupt_record' && anomaly.records === 0
                  ? { ...anomaly, code: 'block_mark_damaged', detail: '' }
                  : anomaly.code === 'block_mark_damaged'
                    ? { ...anomaly, detail: '' }
                    : anomaly,
              )
              const aside = setAside.map(({ offset, end }) => ({ offset, end }))
              const kept = keep.reduce((n, extent) => n + extent.records, 0)
              return { found, kept, losses, aside, records, lastSeq, soundEnd, openBlock }
            }),
          )
          expect(one).toEqual(other)
        },
      ),
      { numRuns: 200 },
    )
  })
})
