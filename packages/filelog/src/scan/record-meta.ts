import { Buffer } from 'node:buffer'
import type { RecordMeta } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import { LF, parseHeader } from '../format/frame.js'

/** Above so many seconds their microseconds are no exact sum any more. */
const MOST_SECONDS = 2 ** 31
const SEQ_LENGTH = 7

/** A text as pairs of a place in it and the four bytes there, which are compared at once. */
function fours(text: string): { readonly length: number; readonly parts: Int32Array } {
  const bytes = Buffer.from(text)
  const places = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) =>
    Math.min(4 * i, bytes.length - 4),
  )
  const parts = Int32Array.from(places.flatMap((at) => [at, bytes.readInt32LE(at)]))
  return { length: bytes.length, parts }
}

function has(view: DataView, at: number, parts: Int32Array): boolean {
  for (let i = 0; i < parts.length; i += 2) {
    if (view.getInt32(at + (parts[i] as number), true) !== parts[i + 1]) return false
  }
  return true
}

type UsualMeta = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  stop: number,
) => RecordMeta | null

/** In a closure the texts are constants for the compiler; a bundler makes variables of a module's. */
function makeUsualMeta(): UsualMeta {
  const { parts: seqParts } = fours('{"seq":')
  const [event, audit, letter] = ['event', 'audit', 'dead_letter'].map((kind) => ({
    kind,
    ...fours(`,"kind":"${kind}","timestamp":`),
  })) as [Member, Member, Member]
  const powers = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1]
  return (bytes, view, start, stop) => {
    if (stop - start < 64 || !has(view, start, seqParts)) return null
    let at = start + SEQ_LENGTH
    if (bytes[at] === 48) return null
    let seq = 0
    for (let c = bytes[at] as number; c >= 48 && c <= 57; c = bytes[++at] as number)
      seq = seq * 10 + c - 48
    const digits = at - start - SEQ_LENGTH
    if (digits === 0 || digits > 15 || stop - at < 40) return null
    // The first letter of the kind tells them apart.
    const letters = bytes[at + 9]
    const member = letters === 0x65 ? event : letters === 0x61 ? audit : letter
    if (!has(view, at, member.parts)) return null
    at += member.length
    const time = at
    let seconds = 0
    for (let c = bytes[at] as number; c >= 48 && c <= 57; c = bytes[++at] as number)
      seconds = seconds * 10 + c - 48
    if (at === time || (bytes[time] === 48 && at - time > 1) || seconds >= MOST_SECONDS) return null
    let micros = 0
    if (bytes[at] === 0x2e) {
      const point = at++
      for (let c = bytes[at] as number; c >= 48 && c <= 57; c = bytes[++at] as number)
        micros = micros * 10 + c - 48
      const places = at - point - 1
      if (places === 0 || places > 6) return null
      micros *= powers[places] as number
    }
    if (bytes[at] !== 0x2c || at >= stop) return null
    const timestamp = (seconds * 1e6 + micros) / 1e3
    return { seq, kind: member.kind, timestamp, bytes: stop - start + 1 }
  }
}

interface Member {
  readonly kind: string
  readonly length: number
  readonly parts: Int32Array
}

/** Of a line that starts exactly like the records that this program writes; else `null`. */
const usualMeta: UsualMeta = makeUsualMeta()

/** What `parseHeader` says of the lines in a buffer, as records, several times faster. */
export class MetaReader {
  readonly #bytes: Buffer
  readonly #view: DataView

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /**
   * Number, kind, time and size of the record in the line `[start, stop)`, whose checksum is known
   * to be right; `null` if it is not a record's.
   */
  at(start: number, stop: number): RecordMeta | null {
    const usual = usualMeta(this.#bytes, this.#view, start, stop)
    if (usual !== null) return usual
    const header = parseHeader(this.#bytes, start, stop)
    if (header === null || header.kind.startsWith('_')) return null
    const { seq, kind, timestamp } = header
    return { seq, kind, timestamp, bytes: stop - start + 1 }
  }
}

/**
 * The records in `bytes[start, end)`, oldest first, a block whose checksum its mark proves; `null`
 * if they are not what the mark says: then lines have to be looked at.
 */
export function blockMetas(
  bytes: Buffer,
  place: { readonly start: number; readonly end: number },
  mark: BlockMark,
): RecordMeta[] | null {
  const metas: RecordMeta[] = []
  const reader = new MetaReader(bytes)
  const { end } = place
  let last = mark.after
  for (let at = place.start; at < end; ) {
    const lf = bytes.indexOf(LF, at)
    if (lf < 0 || lf >= end || bytes[lf - 1] !== 0x7d) return null
    const meta = reader.at(at, lf)
    if (meta === null || meta.seq <= last) return null
    last = meta.seq
    metas.push(meta)
    at = lf + 1
  }
  const asSaid =
    metas.length === mark.records && last <= mark.lastSeq && (metas[0]?.seq ?? 0) === mark.firstSeq
  return asSaid ? metas : null
}
