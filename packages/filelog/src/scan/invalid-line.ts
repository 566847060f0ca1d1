import type { LineHeader } from '../format/frame.js'
import type { Line } from './lines.js'
import type { Stretch } from './scan-items.js'

/** A line whose checksum is right, but that is no valid record, as a stretch of its own. */
export function invalidLine(line: Line, header: LineHeader | null): Stretch {
  const { offset, length } = line
  const end = offset + length
  const seq = numberOf(line, header)
  return {
    offset,
    end,
    lines: 1,
    kind: 'invalid',
    salvaged: 0,
    aside: [{ offset, end, code: 'invalid_record' }],
    foreign: 0,
    maybeForeign: false,
    markLike: false,
    unreadable: -1,
    seq: seq > 0 ? { first: seq, last: seq } : null,
  }
}

/** The number that it takes; 0 if it names none, or is one of the format's own lines. */
function numberOf({ bytes, start, stop }: Line, header: LineHeader | null): number {
  const text = bytes.toString('latin1', start, Math.min(stop, start + 64))
  if (text.includes('"kind":"_')) return 0
  return header?.seq ?? Number(/^\{"seq":([1-9]\d{0,14})[,}]/.exec(text)?.[1] ?? 0)
}
