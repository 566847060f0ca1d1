import { type Buffer, isUtf8 } from 'node:buffer'
import { throwIfAborted } from '@papyra/contracts'
import { decodeBlockMark } from '../format/block-mark.js'
import { hex8 } from '../format/checksum.js'
import { parseHeader, verifies, type LineHeader } from '../format/frame.js'
import { fastBlock } from './fast-block.js'
import { figuresHold } from './figures-hold.js'
import type { FileWindow } from './file-window.js'
import { invalidLine } from './invalid-line.js'
import { eachLine, type Line, type Step } from './lines.js'
import { Numbers } from './numbers.js'
import { recordSeq } from './record-seq.js'
import type { Stretch } from './scan-items.js'
import { StretchAnalyst } from './stretch.js'
import { soundStart, soundStop } from './stray.js'
import { Strays } from './strays.js'
import { UnknownKinds } from './unknown-kinds.js'
import {
  BadLines,
  BlockPlace,
  movedHead,
  numberBehind,
  placeFound,
  ProvenLines,
  STEP,
  windowFor,
} from './walk-parts.js'
import type { WalkOptions, WalkResult } from './walk-types.js'

/** Walks over a checksummed log once: by blocks where their marks prove them, else line by line. */
export class Walk {
  readonly numbers: Numbers
  readonly #options: WalkOptions
  readonly #window: FileWindow
  readonly #analyst: StretchAnalyst
  readonly #block: BlockPlace
  readonly #bad: BadLines = new BadLines()
  readonly #proven: ProvenLines
  readonly #stretches: Stretch[] = []
  readonly #strays: Strays = new Strays()
  readonly #kinds: UnknownKinds = new UnknownKinds()
  readonly #lines = { total: 0, bad: 0 }
  #soundEnd: number
  #lacksEnd: WalkResult['lacksEnd'] = null
  #movedHead: WalkResult['movedHead'] = null

  constructor(options: WalkOptions) {
    const { file, size, seed, generation, blockBytes, from, after, chain, signal } = options
    this.#options = options
    this.#window = windowFor(file, size, blockBytes)
    this.#analyst = new StretchAnalyst(file, size, { seed, generation }, signal)
    this.#block = new BlockPlace(from, seed, blockBytes)
    this.#proven = new ProvenLines(seed, this.#block.sum)
    this.numbers = new Numbers(after, chain)
    if (options.disturbed) this.numbers.disturb()
    if (options.strayHead !== null) this.#strays.all.push(options.strayHead)
    this.#soundEnd = from
  }

  async run(): Promise<WalkResult> {
    const { size, from } = this.#options
    let pos = from
    let atBlock = this.#options.hasHead
    while (pos < Math.min(size, this.#window.limit)) {
      throwIfAborted(this.#options.signal)
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
    const tail = this.#bad.open ? await this.#endStretch(Number.POSITIVE_INFINITY) : null
    const { start, dueAt, sum: running } = this.#block
    const sum = await running.at(this.#soundEnd, this.#options.file)
    return {
      numbers: this.numbers,
      stretches: this.#stretches,
      strays: this.#strays.all,
      kinds: this.#kinds.all,
      lines: this.#lines,
      tail,
      lacksEnd: this.#lacksEnd,
      soundEnd: this.#soundEnd,
      endsWithLine: this.#bad.endsWithLine,
      movedHead: this.#movedHead,
      open: { offset: start, dueAt, sum },
    }
  }

  /** A whole block at once, if its mark proves it; where the next one begins, or -1. */
  async #fast(pos: number): Promise<number> {
    const { blockBytes, seed, generation } = this.#options
    const block = await fastBlock(this.#window, pos, blockBytes, { seed, generation })
    if (block === null) return -1
    const { run, mark, crc, end } = block
    if (mark.after < this.numbers.cursor && mark.lastSeq > this.numbers.cursor) return -1
    this.numbers.block(run, mark)
    this.numbers.mark(mark, crc, { offset: run.end, end, blockStart: pos, sumMatches: true })
    this.#lines.total += mark.records + 1
    this.#newBlock(end)
    return end
  }

  #newBlock(pos: number): void {
    this.#soundEnd = pos
    this.#block.restart(pos)
  }

  #slow(pos: number): Promise<number> {
    const { size, seed, signal } = this.#options
    this.#block.sum.restart(pos)
    const range = {
      from: pos,
      to: size,
      seed,
      wholeUpTo: 0,
      step: STEP,
      signal,
      onBytes: (bytes: Buffer, from: number, to: number) => this.#proven.restart(bytes, from, to),
      onMove: (bytes: Buffer, index: number, at: number) => {
        this.#block.sum.upTo(bytes, index, at)
        this.#options.onProgress(at, this.numbers.records)
      },
    }
    return eachLine(this.#window, range, (line) => this.#line(line))
  }

  #line(line: Line): Step | Promise<Step> {
    const { bytes, start, stop, offset, length } = line
    if (line.long === null && this.#proven.proves(line)) {
      const usual = !this.#bad.open && line.ended && this.#proven.allUtf8
      const seq = usual ? recordSeq(bytes, start, stop) : 0
      if (seq === 0) return this.#sound(line, start, stop)
      const end = offset + length
      this.#lines.total++
      if (this.#block.dueAt >= 0 || !this.#block.due(offset)) {
        this.#soundEnd = end
        if (this.numbers.next(seq, offset, end)) return undefined
      }
      this.#record(seq, offset, end)
      return undefined
    }
    return this.#notSound(line)
  }

  #record(seq: number, offset: number, end: number, ended: boolean = true): void {
    if (this.#block.dueAt < 0 && this.#block.due(offset)) this.#block.dueAt = offset
    this.numbers.run({ offset, end, firstSeq: seq, lastSeq: seq, records: 1, ended })
    this.#soundEnd = end
  }

  #notSound(line: Line): Step | Promise<Step> {
    const { bytes, long } = line
    if (long !== null) {
      this.#block.sum.lose()
      if (!long.sound) return this.#damaged(line)
      const { strayBefore, strayBehind } = long
      if (strayBefore + strayBehind > 0) this.#stray(line, strayBefore, strayBehind)
      return this.#sound(line, strayBefore, bytes.length)
    }
    const start = soundStart(bytes, line.start, line.stop)
    const stop = soundStop(bytes, start, line.stop)
    if (start === stop && !this.#bad.open) return this.#blank(line)
    const whole = start === line.start && stop === line.stop
    if (whole || !verifies(bytes, start, stop, this.#options.seed)) return this.#damaged(line)
    this.#stray(line, start - line.start, line.stop - stop)
    return this.#sound(line, start, stop)
  }

  #stray(line: Line, before: number, behind: number): void {
    this.numbers.disturb()
    this.#strays.around(line, before, behind)
  }

  #blank({ offset, length }: Line): Step {
    this.numbers.disturb()
    this.#strays.blank(offset, length)
    const last = this.numbers.kept.at(-1)
    if (last?.end === offset && last.ended) last.end = offset + length
    this.#soundEnd = offset + length
    return undefined
  }

  #damaged(line: Line): Step {
    this.#bad.add(line)
    this.#lines.total++
    this.#lines.bad++
    return undefined
  }

  /** A line whose checksum is right, but that is not simply the next record. */
  async #sound(line: Line, start: number, stop: number): Promise<Step> {
    const { bytes, offset, long } = line
    const end = offset + line.length
    const header = parseHeader(bytes, start, stop)
    if (this.#bad.open)
      await this.#endStretch(numberBehind(header, this.numbers.cursor), header?.kind)
    this.#lines.total++
    if (!line.ended) this.#lacksEnd = { offset, end }
    const valid =
      header !== null &&
      (this.#proven.allUtf8 || long !== null || isUtf8(bytes.subarray(start, stop)))
    if (!valid) return this.#invalid(line, header)
    if (header.kind === '_block' && long === null) return this.#mark(line, start, stop)
    if (header.kind === '_log' && this.#adoptHead(line, { start, stop })) return undefined
    if (header.kind.startsWith('_')) return this.#invalid(line, null)
    this.#kinds.count(header.kind, offset, header.seq)
    this.#record(header.seq, offset, end, line.ended)
    return undefined
  }

  async #mark(line: Line, start: number, stop: number): Promise<Step> {
    const decoded = decodeBlockMark(line.bytes, start, stop)
    if (decoded === null) return this.#invalid(line, null)
    const { offset } = line
    const end = offset + line.length
    const { file, generation } = this.#options
    if (generation !== null && decoded.mark.generation !== generation) {
      this.numbers.foreignMark(decoded.mark, { offset, end })
      this.#soundEnd = end
      return undefined
    }
    const { start: blockStart, sum: running } = this.#block
    running.upTo(line.bytes, line.start, offset)
    const { mark, crc } = decoded
    const sumMatches =
      hex8(await running.at(offset, file)) === mark.sum &&
      (await figuresHold(file, mark, { from: blockStart, to: offset }))
    this.numbers.mark(mark, crc, { offset, end, blockStart, sumMatches })
    this.#newBlock(end)
    return 'stop'
  }

  #adoptHead(line: Line, place: { start: number; stop: number }): boolean {
    if (this.#options.hasHead || this.#movedHead !== null) return false
    this.#movedHead = movedHead(line, place, this.#options)
    if (this.#movedHead === null) return false
    this.numbers.disturb()
    this.#soundEnd = line.offset + line.length
    return true
  }

  /** Sound bytes that are no valid record: a stretch of its own. */
  #invalid(line: Line, header: LineHeader | null): Step {
    this.#lines.bad++
    const stretch = invalidLine(line, header)
    this.#stretches.push(stretch)
    if (stretch.seq !== null) this.numbers.spent(stretch, stretch.seq.last)
    else this.numbers.stretch(stretch)
    this.#soundEnd = stretch.end
    return undefined
  }

  /** Closes the open stretch; `before` is the number of the first sound line behind it. */
  async #endStretch(before: number, kind?: string): Promise<Stretch> {
    // If the mark that is due comes next, it is not what is damaged.
    const due = kind !== '_block' && this.#block.due(this.#bad.from)
    const place = this.#bad.close(this.numbers.cursor, before, due)
    const result = await this.#analyst.analyse(place)
    this.#stretches.push(result.stretch)
    const end = placeFound(result, this.numbers, this.#block)
    if (end >= 0) this.#soundEnd = end
    return result.stretch
  }
}
