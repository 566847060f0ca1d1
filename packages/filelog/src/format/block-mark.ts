import { Buffer } from 'node:buffer'
import { checksum, hex8 } from './checksum.js'
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
}

/** The `prev` of a log's first block mark: marks of another generation never chain to it. */
export function chainStart(generation: number, seed: number): string {
  return hex8(checksum(String(generation), seed))
}

/** The mark's line, end included, and its own checksum, which is the next mark's `prev`. */
export function encodeBlockMark(mark: BlockMark, seed: number): { line: string; crc: string } {
  const open =
    `{"seq":${mark.lastSeq},"kind":"_block","generation":${mark.generation},"offset":${mark.offset},"bytes":${mark.bytes}` +
    `,"records":${mark.records},"after":${mark.after},"first_seq":${mark.firstSeq},"last_seq":${mark.lastSeq}` +
    `,"total":${mark.total},"prev":"${mark.prev}","sum":"${mark.sum}"` +
    (mark.runs === null ? '' : `,"runs":[${mark.runs.join(',')}]`)
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
  if (runs === undefined) return null
  return { mark: { ...mark, prev, sum, runs }, crc: text.slice(-10, -2) }
}
