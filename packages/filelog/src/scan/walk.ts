import { Buffer, isUtf8 } from 'node:buffer'
import { decodeBlockMark } from '../block-mark.js'
import { hex8 } from '../checksum.js'
import { LF, parseHeader, verifies, type LineHeader } from '../frame.js'
import { decodeHead, type Head } from '../head.js'
import type { VfsFile } from '../vfs.js'
import { FileWindow } from './file-window.js'
import { fastBlock } from './fast-block.js'
import { eachLine, type Line, type Step } from './lines.js'
import { Numbers } from './numbers.js'
import { recordSeq } from './record-seq.js'
import { RunningSum } from './running-sum.js'
import type { Stray, Stretch } from './scan-items.js'
import { StretchAnalyst } from './stretch.js'
import { soundStart, soundStop } from './stray.js'
import { Strays } from './strays.js'

/** Behind a block its last record may go on, and its mark follows. */
const SLACK_BYTES = 1024 * 1024
/** Blocks that are larger than this are only verified line by line. */
const LARGEST_BLOCK = 16 * 1024 * 1024
const SMALLEST_WINDOW = 2 * 1024 * 1024

export interface WalkOptions {
  readonly file: VfsFile
  /** Where the first line behind the head begins; 0 if there is no head. */
  readonly from: number
  readonly size: number
  readonly seed: number
  readonly logId: string
  readonly blockBytes: number
  /** The number before the first, and what the first mark's `prev` is. */
  readonly after: number
  readonly chain: string
  readonly hasHead: boolean
  readonly signal: AbortSignal | undefined
  readonly onProgress: (doneBytes: number, records: number) => void
}

/** What a walk leaves behind, beside the numbers. */
export interface WalkResult {
  readonly numbers: Numbers
  readonly stretches: readonly Stretch[]
  readonly strays: readonly Stray[]
  readonly kinds: ReadonlyMap<string, UnknownKind>
  readonly lines: { total: number; bad: number }
  /** The damage that reaches to the end of the file. */
  readonly tail: Stretch | null
  /** A sound last record or mark that lacks only its 0x0A. */
  readonly lacksEnd: { readonly offset: number; readonly end: number } | null
  readonly soundEnd: number
  /** True if the file's last byte is a 0x0A. */
  readonly endsWithLine: boolean
  readonly movedHead: { readonly head: Head; readonly offset: number; readonly end: number } | null
  /** Where the open block begins, where a mark for it is due (-1: not yet), and its checksum. */
  readonly open: { readonly offset: number; readonly dueAt: number; readonly sum: number }
}

/** Records of a kind that this version does not know. */
export interface UnknownKind {
  count: number
  readonly offset: number
  readonly seq: number
}

const MOST_KINDS = 100

/** Walks over a checksummed log once: by blocks where their marks prove them, else line by line. */
export class Walk {
  readonly numbers: Numbers
  readonly #options: WalkOptions
  readonly #window: FileWindow
  readonly #analyst: StretchAnalyst
  readonly #sum: RunningSum
  readonly #stretches: Stretch[] = []
  readonly #strays: Strays = new Strays()
  readonly #kinds: Map<string, UnknownKind> = new Map()
  readonly #lines = { total: 0, bad: 0 }
  #blockStart: number
  #dueAt = -1
  /** Where a damaged stretch began; -1 if none is open. */
  #badFrom = -1
  #badTo = -1
  #allUtf8 = true
  #soundEnd: number
  #endsWithLine = true
  #lacksEnd: WalkResult['lacksEnd'] = null
  #movedHead: WalkResult['movedHead'] = null

  constructor(options: WalkOptions) {
    const { file, size, seed, blockBytes, from, after, chain, signal } = options
    this.#options = options
    const block = blockBytes <= LARGEST_BLOCK ? blockBytes + SLACK_BYTES : SMALLEST_WINDOW
    this.#window = new FileWindow(file, size, Math.max(block, SMALLEST_WINDOW))
    this.#analyst = new StretchAnalyst(file, seed, signal)
    this.#sum = new RunningSum(seed)
    this.numbers = new Numbers(after, chain)
    // Without a head it is not sure what the first mark should say.
    if (!options.hasHead) this.numbers.disturb()
    this.#blockStart = from
    this.#soundEnd = from
  }

  async run(): Promise<WalkResult> {
    const { size, from } = this.#options
    let pos = from
    let atBlock = this.#options.hasHead
    while (pos < Math.min(size, this.#window.limit)) {
      const next = atBlock ? await this.#fast(pos) : -1
      if (next < 0) {
        const stop = await this.#slow(pos)
        if (stop === pos) break
        pos = stop
      } else pos = next
      atBlock = true
      this.#options.onProgress(pos, this.numbers.records)
    }
    return this.#finish()
  }

  async #finish(): Promise<WalkResult> {
    const { numbers } = this
    const tail = this.#badFrom < 0 ? null : await this.#endStretch(Number.POSITIVE_INFINITY)
    const sum = await this.#sum.at(this.#soundEnd, this.#options.file)
    return {
      numbers,
      stretches: this.#stretches,
      strays: this.#strays.all,
      kinds: this.#kinds,
      lines: this.#lines,
      tail,
      lacksEnd: this.#lacksEnd,
      soundEnd: this.#soundEnd,
      endsWithLine: this.#endsWithLine,
      movedHead: this.#movedHead,
      open: { offset: this.#blockStart, dueAt: this.#dueAt, sum },
    }
  }

  /** A whole block at once, if its mark proves it; where the next one begins, or -1. */
  async #fast(pos: number): Promise<number> {
    const { blockBytes, seed } = this.#options
    const block = blockBytes > LARGEST_BLOCK ? null : await fastBlock(this.#window, pos, blockBytes, seed)
    if (block === null) return -1
    const { mark, crc, markAt, end } = block
    const { numbers } = this
    if (mark.after < numbers.cursor && mark.lastSeq > numbers.cursor) return -1
    const run = { offset: pos, end: markAt, firstSeq: mark.firstSeq, lastSeq: block.lastRecord, records: mark.records, stray: false }
    numbers.block(run, mark)
    numbers.mark(mark, crc, { offset: markAt, end, blockStart: pos, sumMatches: true })
    this.#lines.total += mark.records + 1
    this.#newBlock(end)
    return end
  }

  #newBlock(pos: number): void {
    this.#blockStart = pos
    this.#soundEnd = pos
    this.#dueAt = -1
    this.#sum.restart(pos)
  }

  #slow(pos: number): Promise<number> {
    const { size, seed, signal } = this.#options
    this.#sum.restart(pos)
    const range = {
      from: pos,
      to: size,
      seed,
      wholeUpTo: 0,
      signal,
      onBytes: (bytes: Buffer, from: number, to: number) => this.#checkUtf8(bytes, from, to),
      onMove: (bytes: Buffer, index: number, at: number) => {
        this.#sum.upTo(bytes, index, at)
        this.#options.onProgress(at, this.numbers.records)
      },
    }
    return eachLine(this.#window, range, (line) => this.#line(line))
  }

  /** Looks at many lines at once; only if this fails at each of them. */
  #checkUtf8(bytes: Buffer, from: number, to: number): void {
    const last = bytes.subarray(from, to).lastIndexOf(LF)
    this.#allUtf8 = last >= 0 && isUtf8(bytes.subarray(from, from + last))
  }

  #line(line: Line): Step | Promise<Step> {
    const { bytes, start, stop, offset, length } = line
    if (line.long === null && verifies(bytes, start, stop, this.#options.seed)) {
      const seq = this.#badFrom < 0 && line.ended && this.#allUtf8 ? recordSeq(bytes, start, stop) : 0
      if (seq === 0) return this.#sound(line, start, stop)
      this.#lines.total++
      this.#record(seq, offset, offset + length)
      return undefined
    }
    return this.#notSound(line)
  }

  #record(seq: number, offset: number, end: number, stray: boolean = false): void {
    if (this.#dueAt < 0 && offset - this.#blockStart >= this.#options.blockBytes) this.#dueAt = offset
    this.numbers.run({ offset, end, firstSeq: seq, lastSeq: seq, records: 1, stray })
    this.#soundEnd = end
  }

  #notSound(line: Line): Step | Promise<Step> {
    const { bytes, offset, length, long } = line
    if (long !== null) {
      this.#sum.lose()
      if (long.sound) {
        if (long.strayBefore + long.strayBehind > 0) this.#strays.around(line, long.strayBefore, long.strayBehind)
        return this.#sound(line, long.strayBefore, bytes.length)
      }
      this.#bad(line)
      return undefined
    }
    const start = soundStart(bytes, line.start, line.stop)
    const stop = soundStop(bytes, start, line.stop)
    if (start === stop && this.#badFrom < 0) {
      this.numbers.disturb()
      this.#strays.blank(offset, length)
      const last = this.numbers.kept.at(-1)
      if (last?.end === offset) {
        last.end = offset + length
        last.stray = true
      }
      this.#soundEnd = offset + length
      return undefined
    }
    const whole = start === line.start && stop === line.stop
    if (whole || !verifies(bytes, start, stop, this.#options.seed)) {
      this.#bad(line)
      return undefined
    }
    this.#strays.around(line, start - line.start, line.stop - stop)
    return this.#sound(line, start, stop)
  }

  #bad(line: Line): void {
    const { offset, length } = line
    if (this.#badFrom < 0) this.#badFrom = offset
    this.#badTo = offset + length
    this.#endsWithLine = line.ended
    this.#lines.total++
    this.#lines.bad++
  }

  /** A line whose checksum is right, but that is not simply the next record. */
  async #sound(line: Line, start: number, stop: number): Promise<Step> {
    const { bytes, offset, length, long } = line
    const end = offset + length
    const stray = long === null ? start !== line.start || stop !== line.stop : long.strayBefore + long.strayBehind > 0
    const header = parseHeader(bytes, start, stop)
    if (this.#badFrom >= 0) await this.#endStretch(header?.seq ?? this.numbers.cursor + 1)
    if (stray) this.numbers.disturb()
    this.#lines.total++
    if (!line.ended) this.#lacksEnd = { offset, end }
    const valid = header !== null && (this.#allUtf8 || long !== null || isUtf8(bytes.subarray(start, stop)))
    if (!valid) return this.#invalid(line, header)
    if (header.kind === '_block' && long === null) return this.#mark(line, start, stop)
    if (header.kind === '_log' && this.#adoptHead(line, start, stop)) return undefined
    if (header.kind.startsWith('_')) return this.#invalid(line, null)
    this.#countKind(header, offset)
    this.#record(header.seq, offset, end, stray)
    return undefined
  }

  #countKind(header: LineHeader, offset: number): void {
    const { kind, seq } = header
    if (kind === 'event' || kind === 'audit' || kind === 'dead_letter') return
    const known = this.#kinds.get(kind)
    if (known !== undefined) known.count++
    else if (this.#kinds.size < MOST_KINDS) this.#kinds.set(kind, { count: 1, offset, seq })
  }

  async #mark(line: Line, start: number, stop: number): Promise<Step> {
    const decoded = decodeBlockMark(line.bytes, start, stop)
    if (decoded === null) return this.#invalid(line, null)
    const { offset, length } = line
    const end = offset + length
    this.#sum.upTo(line.bytes, line.start, offset)
    const sum = await this.#sum.at(offset, this.#options.file)
    const { mark, crc } = decoded
    const sumMatches = hex8(sum) === mark.sum
    this.numbers.mark(mark, crc, { offset, end, blockStart: this.#blockStart, sumMatches })
    this.#newBlock(end)
    return 'stop'
  }

  #adoptHead(line: Line, start: number, stop: number): boolean {
    if (this.#options.hasHead || this.#movedHead !== null) return false
    const result = decodeHead(line.bytes, start, stop)
    if (result.state !== 'ok' || result.head.logId !== this.#options.logId) return false
    const end = line.offset + line.length
    this.#movedHead = { head: result.head, offset: line.offset, end }
    this.numbers.disturb()
    this.#soundEnd = end
    return true
  }

  /** Sound bytes that are no valid record: a stretch of its own. */
  #invalid(line: Line, header: LineHeader | null): Step {
    const { bytes, start, stop, offset, length } = line
    const end = offset + length
    this.#lines.bad++
    const own = header === null ? /^\{"seq":([1-9]\d{0,15})[,}]/.exec(bytes.toString('latin1', start, Math.min(stop, start + 64))) : null
    const seq = header?.seq ?? Number(own?.[1] ?? 0)
    const numbered = seq > 0 && !bytes.toString('latin1', start, Math.min(stop, start + 64)).includes('"kind":"_')
    const stretch: Stretch = {
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
      seq: numbered ? { first: seq, last: seq } : null,
      detail: '',
    }
    this.#stretches.push(stretch)
    if (numbered) this.numbers.spent(stretch, seq)
    else this.numbers.stretch(stretch)
    this.#soundEnd = end
    return undefined
  }

  /** Closes the open stretch; `before` is the number of the first sound line behind it. */
  async #endStretch(before: number): Promise<Stretch> {
    const place = {
      offset: this.#badFrom,
      end: this.#badTo,
      after: this.numbers.cursor,
      before,
      markDue: this.#badFrom - this.#blockStart >= this.#options.blockBytes,
      atHead: this.#badFrom === 0,
    }
    this.#badFrom = -1
    const { stretch, found } = await this.#analyst.analyse(place)
    this.#stretches.push(stretch)
    this.numbers.stretch(stretch)
    for (const { offset, end, seq, mark } of found) {
      if (mark === null) {
        this.numbers.run({ offset, end, firstSeq: seq, lastSeq: seq, records: 1, stray: false }, true)
        continue
      }
      this.numbers.mark(mark.mark, mark.crc, { offset, end, blockStart: this.#blockStart, sumMatches: false })
      this.#newBlock(end)
      this.numbers.stretch(stretch)
    }
    return stretch
  }
}
