import { Buffer } from 'node:buffer'
import type { AppendFact } from '@papyra/contracts'
import { checksumRange } from '../format/checksum.js'
import { secondsText, storedMillis } from '../format/frame.js'
import type { BlockTracker } from './block-tracker.js'
import type { FactSize } from './check-facts.js'

/** More than a line has beside its members: the longest number, kind and time, and the checksum. */
export const LINE_BYTES = 128
const KEEP_BYTES = 1024 * 1024
const BLANK_TAIL = ',"crc":"00000000"}\n'

/** The facts of one call, with their size. */
export interface Chunk extends FactSize {
  readonly facts: readonly AppendFact[]
}

/**
 * Turns facts into the bytes of one write call. Lines of one-byte characters are collected as text
 * and go into the buffer together, others one by one: each way is the faster one for its lines.
 */
export class BatchEncoder {
  readonly #seed: number
  #buffer: Buffer = Buffer.alloc(0)
  #length: number = 0
  /** Lines that are not in the buffer yet, and how long each is up to its checksum. */
  #text: string = ''
  readonly #opens: number[] = []
  /** Where the records begin that the tracker has not summed. */
  #sumFrom: number = 0
  #timestamp: number = Number.NaN
  #seconds: string = ''
  /** The same as a reader gets it back. */
  #millis: number = Number.NaN
  readonly #lengths: number[] | null

  /** With `measure` it keeps the length of each record. */
  constructor(seed: number, measure: boolean = false) {
    this.#seed = seed
    this.#lengths = measure ? [] : null
  }

  /** The bytes; valid until the next `encode`. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** How long each record is, its line's end counted; valid until the next `encode`. */
  get lengths(): readonly number[] {
    return this.#lengths ?? []
  }

  /** Writes all facts, numbered from `firstSeq` on, and the block marks that fall due; gives the length. */
  encode(chunks: readonly Chunk[], firstSeq: number, tracker: BlockTracker): number {
    let bound = 0
    for (const { bytes, facts } of chunks) bound += bytes + facts.length * LINE_BYTES
    this.#reserve(bound)
    const lengths = this.#lengths
    if (lengths !== null) lengths.length = 0
    let seq = firstSeq
    for (const { facts, ascii } of chunks) {
      for (const fact of facts) {
        const length = ascii ? this.#addText(seq, fact) : this.#addBytes(seq, fact)
        tracker.record(seq, length, fact.kind, this.#millis)
        if (lengths !== null) lengths.push(length)
        seq++
        if (tracker.due()) this.#addMark(tracker)
      }
    }
    this.#sum(tracker)
    return this.#length
  }

  #open(seq: number, { kind, timestamp, members }: AppendFact): string {
    if (timestamp !== this.#timestamp) {
      this.#timestamp = timestamp
      this.#seconds = secondsText(timestamp)
      this.#millis = storedMillis(timestamp)
    }
    return `{"seq":${seq},"kind":"${kind}","timestamp":${this.#seconds},${members}`
  }

  #addText(seq: number, fact: AppendFact): number {
    const open = this.#open(seq, fact)
    this.#text += open + BLANK_TAIL
    this.#opens.push(open.length)
    return open.length + BLANK_TAIL.length
  }

  #addBytes(seq: number, fact: AppendFact): number {
    this.#flushText()
    const bytes = this.#buffer.write(this.#open(seq, fact) + BLANK_TAIL, this.#length)
    this.#seal(bytes - BLANK_TAIL.length)
    return bytes
  }

  /** Puts the checksum into the line whose `open` first bytes stand behind `length`; goes behind it. */
  #seal(open: number): void {
    const buffer = this.#buffer
    const end = this.#length + open
    let crc = checksumRange(buffer, this.#length, end, this.#seed)
    for (let at = end + 15; at > end + 7; at--) {
      const digit = crc & 15
      // 48 is `0`, and `a` is 39 more than the digit behind `9`; no branch to mispredict.
      buffer[at] = 48 + digit + (((9 - digit) >> 31) & 39)
      crc >>>= 4
    }
    this.#length = end + BLANK_TAIL.length
  }

  #addMark(tracker: BlockTracker): void {
    this.#sum(tracker)
    const line = tracker.closeBlock()
    this.#grow(line.length)
    this.#length += this.#buffer.write(line, this.#length, 'latin1')
    this.#sumFrom = this.#length
  }

  #sum(tracker: BlockTracker): void {
    this.#flushText()
    tracker.sum(this.#buffer, this.#sumFrom, this.#length)
    this.#sumFrom = this.#length
  }

  #flushText(): void {
    if (this.#text === '') return
    this.#buffer.write(this.#text, this.#length, 'latin1')
    for (let i = 0; i < this.#opens.length; i++) this.#seal(this.#opens[i] as number)
    this.#text = ''
    this.#opens.length = 0
  }

  #reserve(bytes: number): void {
    this.#length = 0
    this.#sumFrom = 0
    this.#text = ''
    this.#opens.length = 0
    const fits = this.#buffer.length >= bytes
    // One huge batch must not hold its memory for ever.
    if (fits && (this.#buffer.length <= KEEP_BYTES || bytes > KEEP_BYTES)) return
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, 64 * 1024))
  }

  /** Makes room for a block mark, which no bound was counted for. */
  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(this.#buffer.length + bytes)
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
