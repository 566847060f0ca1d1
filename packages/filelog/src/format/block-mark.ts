import { Buffer } from 'node:buffer'
import { checksum, hex8 } from './checksum.js'
import { decodeFigures, encodeFigures, type KindFigures } from './figures.js'
import { sealLine } from './frame.js'

/**
 * A line of the format's own that stands behind each block of records and says what the block holds,
 * so that a scan verifies the block with one checksum, and so that a number that is missing can be
 * named even where compaction left gaps.
 */
export interface BlockMark {
  /** Of the log when it was written: a mark of another generation says nothing about this one. */
  readonly generation: number
  /** Byte offset of the block's first record. */
  readonly offset: number
  /** Bytes of its records; the mark itself is not counted. */
  readonly bytes: number
  readonly records: number
  /** The block answers for the numbers above `after` up to `lastSeq`, both ends and gaps included. */
  readonly after: number
  /** Number of its first record; 0 if it has none. */
  readonly firstSeq: number
  /** The last number it answers for; the mark's own `seq` repeats it. */
  readonly lastSeq: number
  /** Records in the log up to and with this block. */
  readonly total: number
  /** Checksum of the previous mark, as hex; for the first block that of the generation. */
  readonly prev: string
  /** Checksum of the block's bytes, seeded like a line's, as hex. */
  readonly sum: string
  /**
   * Which of the numbers it answers for it holds: counts, in turn missing and present, starting at
   * `after + 1`. `null` if it holds all of them.
   */
  readonly runs: readonly number[] | null
  /** What it holds of each kind; `null` if that was not known when it was written. */
  readonly kinds: readonly KindFigures[] | null
}

/** The `prev` of a log's first block mark: marks of another generation never chain to it. */
export function chainStart(generation: number, seed: number): string {
  return hex8(checksum(String(generation), seed))
}

/** The mark's line, end included, and its own checksum, which is the next mark's `prev`. */
export function encodeBlockMark(mark: BlockMark, seed: number): { line: string; crc: string } {
  const kinds = mark.kinds === null ? null : encodeFigures(mark.kinds)
  const open =
    `{"seq":${mark.lastSeq},"kind":"_block","generation":${mark.generation},"offset":${mark.offset},"bytes":${mark.bytes}` +
    `,"records":${mark.records},"after":${mark.after},"first_seq":${mark.firstSeq},"last_seq":${mark.lastSeq}` +
    `,"total":${mark.total},"prev":"${mark.prev}","sum":"${mark.sum}"` +
    (mark.runs === null ? '' : `,"runs":[${mark.runs.join(',')}]`) +
    (kinds === null ? '' : `,"kinds":${kinds}`)
  const line = sealLine(open, seed)
  return { line, crc: line.slice(-11, -3) }
}

const HEX8 = /^[0-9a-f]{8}$/

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : -1
}

function runsOf(
  value: unknown,
  mark: { records: number; span: number },
): readonly number[] | null | undefined {
  if (value === undefined) return mark.records === mark.span ? null : undefined
  if (!Array.isArray(value)) return undefined
  let present = 0
  let all = 0
  for (const [i, item] of value.entries()) {
    const n = count(item)
    if (n < 0) return undefined
    all += n
    if (i % 2 === 1) present += n
  }
  return all === mark.span && present === mark.records ? (value as number[]) : undefined
}

/** The figures of its kinds, if they are those of a block that holds what the mark says. */
function kindsOf(
  value: unknown,
  mark: Pick<BlockMark, 'records' | 'bytes' | 'firstSeq' | 'after' | 'lastSeq'>,
): readonly KindFigures[] | null | undefined {
  if (value === undefined) return null
  const kinds = decodeFigures(value)
  if (kinds === undefined) return undefined
  const sum = (of: (kind: KindFigures) => number): number =>
    kinds.reduce((total, kind) => total + of(kind), 0)
  const fits =
    sum(({ records }) => records) === mark.records &&
    sum(({ bytes }) => bytes) === mark.bytes &&
    Math.min(...kinds.map(({ firstSeq }) => firstSeq)) === mark.firstSeq &&
    kinds.every(({ lastSeq }) => lastSeq <= mark.lastSeq)
  return fits ? kinds : undefined
}

/** The last of the numbers that it holds; `after` if it holds none. */
export function lastPresent({ runs, records, after, lastSeq }: BlockMark): number {
  if (records === 0) return after
  let last = lastSeq
  for (let i = (runs?.length ?? 0) - 1; i >= 0; i--) {
    const n = runs?.[i] ?? 0
    if (i % 2 === 1 && n > 0) return last
    last -= n
  }
  return lastSeq
}

/**
 * Reads the mark in the line `bytes[start, end)`, whose checksum the caller has verified. `null` if
 * it contradicts itself. `crc` is its own checksum.
 */
export function decodeBlockMark(
  bytes: Uint8Array,
  start: number,
  end: number,
): { mark: BlockMark; crc: string } | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
  let raw: Record<string, unknown>
  try {
    raw = JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
  const mark = {
    generation: count(raw['generation']),
    offset: count(raw['offset']),
    bytes: count(raw['bytes']),
    records: count(raw['records']),
    after: count(raw['after']),
    firstSeq: count(raw['first_seq']),
    lastSeq: count(raw['last_seq']),
    total: count(raw['total']),
  }
  if (Object.values(mark).some((n) => n < 0) || raw['seq'] !== mark.lastSeq) return null
  const { prev, sum } = raw
  if (typeof prev !== 'string' || typeof sum !== 'string' || !HEX8.test(prev) || !HEX8.test(sum))
    return null
  const runs = runsOf(raw['runs'], { records: mark.records, span: mark.lastSeq - mark.after })
  const kinds = kindsOf(raw['kinds'], mark)
  if (runs === undefined || kinds === undefined) return null
  return { mark: { ...mark, prev, sum, runs, kinds }, crc: text.slice(-10, -2) }
}
