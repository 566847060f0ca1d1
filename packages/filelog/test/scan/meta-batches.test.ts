import { Buffer } from 'node:buffer'
import type { RecordMeta } from '@papyra/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { millisOf, parseHeader } from '../../src/format/frame.js'
import type { LogSource } from '../../src/scan/log-source.js'
import { readBackward } from '../../src/scan/read-backward.js'
import { readMetaBatches } from '../../src/scan/read-metas.js'
import { MetaReader } from '../../src/scan/record-meta.js'
import { memVfs } from '../../src/testing/index.js'
import { buildLog, lineOf, LOG, recordLine, type BuiltLog } from './build-log.js'
import { countReads } from './counting-file.js'

interface Damage {
  readonly offset: number
  readonly length: number
}

/** What a reader gave, with the damage it told of, or the code that it threw. */
interface Told {
  readonly metas: readonly RecordMeta[]
  readonly damage: readonly Damage[]
  readonly code: string | null
}

async function sourceOf(log: BuiltLog, bytes: Buffer = log.bytes): Promise<LogSource> {
  const vfs = memVfs()
  vfs.put(LOG, bytes)
  const file = await vfs.open(LOG, 'read')
  return { file, size: bytes.length, seed: log.seed, start: lineOf(log, 'head', 0).end }
}

type Listen = (damage: Damage & { path: string }) => void

/** All that `read` gives, with a listener to damage or without one. */
async function told(
  read: (onDamage: Listen | undefined) => AsyncIterable<readonly RecordMeta[]>,
  listens: boolean,
): Promise<Told> {
  const metas: RecordMeta[] = []
  const damage: Damage[] = []
  const listen: Listen = ({ offset, length }) => damage.push({ offset, length })
  try {
    for await (const batch of read(listens ? listen : undefined)) metas.push(...batch)
    return { metas, damage, code: null }
  } catch (error) {
    return { metas, damage, code: (error as { code: string }).code }
  }
}

const byBlocks = (source: LogSource, listens: boolean): Promise<Told> =>
  told(
    (onDamage) => readMetaBatches(source, { order: 'newest', ...(onDamage && { onDamage }) }),
    listens,
  )

/** The same from the reader of records, which looks at every line by itself. */
const byLines = (source: LogSource, listens: boolean): Promise<Told> =>
  told(async function* (onDamage) {
    for await (const record of readBackward(source, { ...(onDamage && { onDamage }) })) {
      const { seq, kind, timestamp, bytes } = record
      yield [{ seq, kind, timestamp, bytes }]
    }
  }, listens)

const logs = fc
  .record({
    last: fc.integer({ min: 0, max: 60 }),
    blockBytes: fc.constantFrom(1, 400, 1000, 5000),
    compacted: fc.constantFrom(0, 7, 40),
    keep: fc.constantFrom(1, 2, 5, 99),
    kinds: fc.constantFrom('event', 'metric', 'dead_letter'),
    endWithMark: fc.boolean(),
  })
  .map(({ keep, kinds, compacted, last, ...rest }) =>
    buildLog({
      ...rest,
      last: Math.max(last, compacted),
      compacted,
      keeps: (seq) => seq % keep === 0,
      kind: (seq) => (seq % 3 === 0 ? kinds : 'event'),
    }),
  )

describe('metas in batches', () => {
  it('are those of the lines, one by one, of any sound log', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (log) => {
        const got = await byBlocks(await sourceOf(log), false)
        expect(got).toEqual(await byLines(await sourceOf(log), false))
        expect(got.metas.map(({ seq }) => seq)).toEqual([...log.seqs].reverse())
      }),
      { numRuns: 300 },
    )
  })

  it('tell of the same damage as the lines, whichever byte is changed', async () => {
    const places = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), listens: fc.boolean() })
    let damaged = 0
    await fc.assert(
      fc.asyncProperty(logs, places, async (log, { at, byte, listens }) => {
        const start = lineOf(log, 'head', 0).end
        fc.pre(log.bytes.length > start)
        const bytes = Buffer.from(log.bytes)
        bytes[start + (at % (bytes.length - start))] = byte
        const got = await byBlocks(await sourceOf(log, bytes), listens)
        expect(got).toEqual(await byLines(await sourceOf(log, bytes), listens))
        if (got.damage.length > 0 || got.code !== null) damaged++
      }),
      { numRuns: 600 },
    )
    expect(damaged).toBeGreaterThan(200)
  })

  it('cost one read of the log, by whole blocks', async () => {
    const large = buildLog({
      last: 20_000,
      blockBytes: 256 * 1024,
      payload: () => 'x'.repeat(80),
      endWithMark: true,
    })
    const source = await sourceOf(large)
    const { file, bytes } = countReads(source.file)
    const batches: number[] = []
    for await (const batch of readMetaBatches({ ...source, file }, { order: 'newest' }))
      batches.push(batch.length)
    expect(batches.reduce((a, b) => a + b, 0)).toBe(20_000)
    expect(batches).toHaveLength(large.lines.filter(({ what }) => what === 'mark').length)
    expect(bytes()).toBeLessThan(1.1 * large.bytes.length)
  })

  it('let go of the file when somebody stops early', async () => {
    const large = buildLog({ last: 500, blockBytes: 2000 })
    const source = await sourceOf(large)
    for await (const batch of readMetaBatches(source, { order: 'newest' })) {
      expect(batch.length).toBeGreaterThan(0)
      break
    }
    await source.file.close()
  })
})

describe('what the start of a line says', () => {
  const digits = fc.oneof(
    fc.nat().map(String),
    fc.maxSafeInteger().map(String),
    fc.constantFrom('0', '01', '2147483647', '2147483648', '-5', '', '1e3', '9007199254740992'),
  )
  const fraction = fc.oneof(
    fc.nat({ max: 999_999 }).map((n) => `.${n}`),
    fc.nat({ max: 999 }).map((n) => `.${String(n).padStart(3, '0')}`),
    fc.constantFrom('', '', '.', '.000001', '.1234567', '.5e2'),
  )
  const kinds = fc.constantFrom('event', 'audit', 'dead_letter', 'eventful', 'metric', '_block', '')
  const lines = fc
    .tuple(digits, kinds, digits, fraction, fc.constantFrom(',', '}', ' '))
    .map(([seq, kind, seconds, rest, end]) => {
      const start = `{"seq":${seq},"kind":"${kind}","timestamp":${seconds}${rest}`
      return `${start}${end}"payload":{"text":"some text behind it"},"crc":"00000000"}`
    })

  it('is what parseHeader says', () => {
    let records = 0
    fc.assert(
      fc.property(lines, fc.nat({ max: 90 }), fc.nat({ max: 9 }), (line, cut, before) => {
        const text = cut > 60 ? line : line.slice(0, line.length - cut)
        const bytes = Buffer.from('#'.repeat(before) + text)
        const header = parseHeader(bytes, before, bytes.length)
        const own = header === null || header.kind.startsWith('_')
        const expected = own ? null : { ...header, bytes: bytes.length - before + 1 }
        expect(new MetaReader(bytes).at(before, bytes.length)).toEqual(expected)
        if (!own) records++
      }),
      { numRuns: 5000 },
    )
    expect(records).toBeGreaterThan(500)
  })

  it('is exact to the microsecond', () => {
    const micros = fc.integer({ min: 0, max: 2 ** 31 * 1e6 - 1 })
    fc.assert(
      fc.property(micros, (n) => {
        const text = `${Math.floor(n / 1e6)}.${String(n % 1e6).padStart(6, '0')}`
        const line = recordLine(1, 1).replace(/"timestamp":[^,]*/, `"timestamp":${text}`)
        const bytes = Buffer.from(line.trimEnd())
        const meta = new MetaReader(bytes).at(0, bytes.length)
        expect(meta?.timestamp).toBe(millisOf(Number(text)))
        expect(meta?.timestamp).toBe(n / 1000)
      }),
      { numRuns: 5000 },
    )
  })
})
