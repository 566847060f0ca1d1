import type { Buffer } from 'node:buffer'
import { isUtf8 } from 'node:buffer'
import { throwIfAborted } from '@papyra/contracts'
import type { BlockMark } from '../format/block-mark.js'
import { parseHex8, seedOf } from '../format/checksum.js'
import { TAIL_BYTES, hasTail, parseHeader } from '../format/frame.js'
import { decodeHead } from '../format/head.js'
import type { Misplaced } from '../scan-types.js'
import type { VfsFile } from '../vfs.js'
import { seedBefore } from './crc-math.js'
import { FileWindow } from './file-window.js'
import { eachLine, type Line } from './lines.js'
import { salvage, type DamagedLine, type Found } from './salvage.js'
import type { Stretch } from './scan-items.js'
import { soundStart, soundStop } from './stray.js'

/** A damaged line that is longer than two of these is searched in parts that overlap by half. */
const SEARCH_BYTES = 8 * 1024 * 1024
/** What is read at once; several stretches may be in it. */
const STEP = 64 * 1024
const WINDOW_BYTES = 1024 * 1024
/** A line up to this length is parsed to see whether it is well formed. */
const PARSE_BYTES = 1024 * 1024
const MOST_CANDIDATES = 10_000

/** What the scan knows around a damaged stretch. */
export interface StretchPlace {
  readonly offset: number
  readonly end: number
  /** The greatest number before, and the first sound one behind it. */
  readonly after: number
  readonly before: number
  /** True if a block mark is due where it begins. */
  readonly markDue: boolean
  /** True if it stands where the head of the log should be. */
  readonly atHead: boolean
}

export interface StretchResult {
  readonly stretch: Stretch
  readonly found: readonly Found[]
}

interface Candidate {
  readonly seed: number
  readonly sure: boolean
  readonly wellFormed: boolean
}

/** Makes what can be made of damaged stretches of one log; remembers the seeds of other logs it met. */
export class StretchAnalyst {
  readonly #file: VfsFile
  readonly #window: FileWindow
  readonly #seed: number
  readonly #generation: number | null
  readonly #signal: AbortSignal | undefined
  readonly #otherSeeds: Set<number> = new Set()

  constructor(
    file: VfsFile,
    size: number,
    { seed, generation }: { seed: number; generation: number | null },
    signal: AbortSignal | undefined,
  ) {
    this.#generation = generation
    this.#file = file
    this.#window = new FileWindow(file, size, WINDOW_BYTES)
    this.#seed = seed
    this.#signal = signal
  }

  async analyse(place: StretchPlace): Promise<StretchResult> {
    const { offset, end } = place
    const window = this.#window
    const look = new StretchLook(this.#seed, this.#generation, place)
    const range = {
      from: offset,
      to: end,
      seed: this.#seed,
      wholeUpTo: 2 * SEARCH_BYTES,
      signal: this.#signal,
      step: STEP,
    }
    await eachLine(window, range, (line) => {
      if (line.long === null) {
        look.line(line)
        return undefined
      }
      return this.#longLine(look, line.offset, line.length, line.ended)
    })
    const bad = window.unreadable.find((part) => part.offset < end && part.end > offset)
    return look.finish(this.#otherSeeds, bad?.offset ?? -1)
  }

  async #longLine(
    look: StretchLook,
    offset: number,
    length: number,
    ended: boolean,
  ): Promise<undefined> {
    const window = new FileWindow(this.#file, offset + length, SEARCH_BYTES)
    const stop = offset + length - (ended ? 1 : 0)
    for (let from = offset; from < stop; ) {
      throwIfAborted(this.#signal)
      const have = Math.min(await window.load(from, SEARCH_BYTES), stop - from)
      if (have <= 0) break
      const start = window.index(from)
      const last = from + have === stop
      const part = { start, stop: start + have, offset: from, ended: ended && last }
      const searched = look.part(window.buffer, part)
      from = last ? stop : Math.max(from + SEARCH_BYTES / 2, searched)
    }
    return undefined
  }
}

class StretchLook {
  readonly #seed: number
  readonly #generation: number | null
  readonly #place: StretchPlace
  readonly #found: Found[] = []
  readonly #candidates: Candidate[] = []
  #lines = 0
  #markLike: boolean
  #after: number
  #seq: number | null = null
  #named = 0

  constructor(seed: number, generation: number | null, place: StretchPlace) {
    this.#seed = seed
    this.#generation = generation
    this.#place = place
    this.#after = place.after
    this.#markLike = place.markDue
  }

  line(line: Line): void {
    const { bytes } = line
    const start = soundStart(bytes, line.start, line.stop)
    const stop = soundStop(bytes, start, line.stop)
    if (start === stop) return
    this.#lines++
    const offset = line.offset + start - line.start
    const ended = line.ended && stop === line.stop
    if (this.#salvage(bytes, { start, stop, offset, ended }) > 0) return
    if (looksLikeMark(bytes, start, stop, this.#place.after)) this.#markLike = true
    const header = parseHeader(bytes, start, stop)
    if (header === null) return
    this.#named++
    this.#seq = header.seq
    if (hasTail(bytes, start, stop)) this.#candidate(bytes, start, stop, header.kind)
  }

  /** A part of a line that is too long for memory; gives the end of the last record found so far. */
  part(bytes: Buffer, line: DamagedLine): number {
    if (this.#lines === 0) this.#lines++
    this.#salvage(bytes, line)
    return this.#found.at(-1)?.end ?? 0
  }

  #salvage(bytes: Buffer, line: DamagedLine): number {
    const place = { after: this.#after, before: this.#place.before }
    const floor = this.#found.at(-1)?.end ?? 0
    const own = (mark: BlockMark | undefined): boolean =>
      this.#generation === null || mark === undefined || mark.generation === this.#generation
    const found = salvage(bytes, line, this.#seed, place).filter(
      ({ offset, mark }) => offset >= floor && own(mark?.mark),
    )
    for (const one of found) {
      this.#found.push(one)
      if (one.seq > this.#after) this.#after = one.seq
    }
    return found.length
  }

  #candidate(bytes: Buffer, start: number, stop: number, kind: string): void {
    if (this.#candidates.length >= MOST_CANDIDATES) return
    const crc = parseHex8(bytes, stop - 10)
    const head = kind === '_log' && !this.#place.atHead ? decodeHead(bytes, start, stop) : null
    const id = head !== null && head.state === 'ok' ? head.head.logId : null
    const seed =
      id !== null ? seedOf(id) : seedBefore(bytes.subarray(start, stop - TAIL_BYTES), crc)
    const { after, before } = this.#place
    // A line that has the number which is missing here is ours, however damaged.
    const ours = kind.startsWith('_') || (this.#seq === after + 1 && before > after + 1)
    const wellFormed = !ours && isJsonObject(bytes, start, stop)
    this.#candidates.push({ seed, sure: id !== null, wellFormed })
  }

  finish(otherSeeds: Set<number>, unreadable: number): StretchResult {
    const { offset, end, atHead } = this.#place
    const counts = new Map<number, number>()
    for (const { seed, sure } of this.#candidates)
      counts.set(seed, (counts.get(seed) ?? 0) + (sure ? 2 : 1))
    for (const [seed, n] of counts) if (n >= 2 && seed !== this.#seed) otherSeeds.add(seed)
    const foreign = this.#candidates.filter(({ seed }) => otherSeeds.has(seed)).length
    const only = this.#candidates[0]
    const stretch: Stretch = {
      offset,
      end,
      lines: this.#lines,
      kind: atHead ? 'head' : 'bytes',
      salvaged: this.#found.length,
      aside: this.#aside(),
      foreign,
      maybeForeign: this.#lines === 1 && foreign === 0 && only?.wellFormed === true,
      markLike: this.#markLike,
      unreadable,
      seq: this.#named === 1 && this.#seq !== null ? { first: this.#seq, last: this.#seq } : null,
    }
    return { stretch, found: this.#found }
  }

  /** What is left when the records that were found are taken out. */
  #aside(): Misplaced[] {
    const out: Misplaced[] = []
    let at = this.#place.offset
    for (const { offset, end } of this.#found) {
      if (offset > at) out.push({ offset: at, end: offset, code: 'glued_line' })
      at = end
    }
    const code = this.#found.length > 0 ? 'glued_line' : 'corrupt_record'
    if (at < this.#place.end) out.push({ offset: at, end: this.#place.end, code })
    return out
  }
}

const MARK_WORDS = ['"kind":"_block"', ',"first_seq":', ',"prev":"', ',"sum":"', ',"after":']

/** True of bytes that were a block mark: most of its words are there, or it is cut and repeats a number. */
function looksLikeMark(bytes: Buffer, start: number, stop: number, after: number): boolean {
  const view = bytes.subarray(start, Math.min(stop, start + 65_536))
  if (MARK_WORDS.filter((word) => view.includes(word)).length >= 3) return true
  return view.toString('latin1', 0, 64).startsWith(`{"seq":${after},"kind":"_b`)
}

function isJsonObject(bytes: Buffer, start: number, stop: number): boolean {
  if (stop - start > PARSE_BYTES || !isUtf8(bytes.subarray(start, stop))) return false
  try {
    JSON.parse(bytes.toString('utf8', start, stop))
    return true
  } catch {
    return false
  }
}
