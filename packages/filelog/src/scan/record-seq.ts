import { Buffer } from 'node:buffer'

const START = Buffer.from('{"seq":')
const [EVENT, AUDIT, LETTER] = ['event', 'audit', 'dead_letter'].map((kind) =>
  Buffer.from(`,"kind":"${kind}","timestamp":`),
) as [Buffer, Buffer, Buffer]

function has(bytes: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) return false
  return true
}

function digits(bytes: Uint8Array, at: number): number {
  let end = at
  for (let c = bytes[end]; c !== undefined && c >= 48 && c <= 57; c = bytes[end]) end++
  return end
}

/**
 * The number of a line that starts exactly like the records that this program writes; 0 if it does
 * not, and then `parseHeader` decides. Several times faster than that.
 */
export function recordSeq(bytes: Uint8Array, start: number, stop: number): number {
  if (stop - start < 64 || !has(bytes, start, START)) return 0
  let at = start + START.length
  if (bytes[at] === 48) return 0
  let seq = 0
  const first = at
  for (let c = bytes[at]; c !== undefined && c >= 48 && c <= 57; c = bytes[++at])
    seq = seq * 10 + c - 48
  if (at === first || at - first > 15) return 0
  // The first letter of the kind tells them apart.
  const letter = bytes[at + 9]
  const kind = letter === 0x65 ? EVENT : letter === 0x61 ? AUDIT : LETTER
  if (!has(bytes, at, kind)) return 0
  at += kind.length
  const time = at
  at = digits(bytes, at)
  if (at === time || at - time > 15 || (bytes[time] === 48 && at - time > 1)) return 0
  if (bytes[at] === 0x2e) {
    const fraction = at + 1
    at = digits(bytes, fraction)
    if (at === fraction || at - fraction > 15) return 0
  }
  return bytes[at] === 0x2c && at < stop ? seq : 0
}
