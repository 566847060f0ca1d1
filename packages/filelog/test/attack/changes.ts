import { Buffer } from 'node:buffer'
import {
  cutAt,
  deleteRange,
  duplicateRange,
  flipBit,
  insertAt,
  lineRanges,
  swapRanges,
  zeroRange,
  type Random,
} from '../../src/testing/index.js'

type Range = readonly [number, number]
export type Change = (bytes: Buffer, random: Random, lines: readonly Range[]) => Buffer

/** The first and the last lines of a block, its mark counted in. */
function block(bytes: Buffer, random: Random, lines: readonly Range[]): Range {
  const starts = [lines[1]?.[0] ?? bytes.length]
  for (const [from, to] of lines) {
    if (bytes.toString('latin1', from, to).includes('"kind":"_block"')) starts.push(to)
  }
  const n = random.below(starts.length)
  return [starts[n] ?? bytes.length, starts[n + 1] ?? bytes.length]
}

function moved(bytes: Buffer, [from, to]: Range, at: number): Buffer {
  const without = deleteRange(bytes, from, to)
  return insertAt(
    without,
    at > from ? Math.max(from, at - (to - from)) : at,
    bytes.subarray(from, to),
  )
}

function withByte(bytes: Buffer, at: number, value: number): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from([value]), bytes.subarray(at + 1)])
}

/** One random change of each sort that storage, tools and people make to a file. */
export const CHANGES: Readonly<Record<string, Change>> = {
  'a bit': (b, r) => flipBit(b, r.below(b.length * 8)),
  'a byte': (b, r) =>
    withByte(b, r.below(b.length), r.pick([0, 10, 13, 32, 34, 48, 123, 125, 255])),
  'a line deleted': (b, r, lines) => deleteRange(b, ...r.pick(lines)),
  'a line doubled': (b, r, lines) => duplicateRange(b, ...r.pick(lines)),
  'a line copied': (b, r, lines) => {
    const [from, to] = r.pick(lines.slice(1))
    return insertAt(b, r.pick(lines.slice(1))[1], b.subarray(from, to))
  },
  'a line moved': (b, r, lines) => moved(b, r.pick(lines.slice(1)), r.pick(lines)[1]),
  'lines swapped': (b, r, lines) => {
    const first = r.below(lines.length - 1)
    const second = first + 1 + r.below(lines.length - first - 1)
    return swapRanges(b, lines[first] ?? [0, 0], lines[second] ?? [0, 0])
  },
  'a block deleted': (b, r, lines) => deleteRange(b, ...block(b, r, lines)),
  'a block doubled': (b, r, lines) => duplicateRange(b, ...block(b, r, lines)),
  'a block moved': (b, r, lines) => moved(b, block(b, r, lines), block(b, r, lines)[0]),
  'cut anywhere': (b, r) => cutAt(b, 1 + r.below(b.length - 1)),
  'cut at a line': (b, r, lines) => cutAt(b, r.pick(lines)[1]),
  'bytes erased': (b, r) => {
    const from = r.below(b.length)
    return deleteRange(b, from, Math.min(b.length, from + 1 + r.below(600)))
  },
  'a sector of zeros': (b, r) => {
    const from = 512 * r.below(Math.ceil(b.length / 512))
    return zeroRange(b, from, Math.min(b.length, from + 512))
  },
  'a fragment': (b, r, lines) => {
    const [from, to] = r.pick(lines)
    return insertAt(b, r.pick(lines)[0], b.subarray(from, from + 1 + r.below(to - from - 1)))
  },
  'garbage at the end': (b, r) =>
    insertAt(b, b.length, r.pick(['\0\0\0', 'garbage', 'garbage\n', '{}\n', '{"seq":9'])),
  'a blank line': (b, r, lines) =>
    insertAt(b, r.pick(lines)[0], r.pick(['\n', '\r\n', ' \n', '\n\n'])),
  'blanks behind a line': (b, r, lines) =>
    insertAt(b, r.pick(lines)[1] - 1, r.pick(['\r', ' ', '\t'])),
  CRLF: (b) => Buffer.from(b.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
  'a byte order mark': (b) => insertAt(b, 0, '\ufeff'),
  'the end of a line replaced': (b, r, lines) =>
    withByte(b, r.pick(lines)[1] - 1, r.pick([0, 32, 44, 120])),
}

export function changed(bytes: Buffer, name: string, random: Random): Buffer {
  return CHANGES[name]?.(bytes, random, lineRanges(bytes)) ?? bytes
}
