import type { Buffer } from 'node:buffer'
import { PapyraError, type ReadQuery, type RecordMeta, type StoredRecord } from '@papyra/contracts'
import { millisOf, parseHeader, verifies, type LineHeader } from '../format/frame.js'
import type { VfsFile } from '../vfs.js'
import type { Line } from './lines.js'
import { soundStart, soundStop } from './stray.js'

/** An open log as a reader sees it: the bytes `[start, size)` of one inode, whatever is done to its name. */
export interface LogSource {
  readonly file: VfsFile
  /** Nothing at or beyond this offset is read: the end of what was acknowledged, or of the file. */
  readonly size: number
  /** `null` for a plain log: then records are numbered by their place, from 1 on. */
  readonly seed: number | null
  /** Where the lines begin; 0 if absent. */
  readonly start?: number
}

/** What readers know of a line whose checksum is right. */
export interface ReadLine {
  readonly header: LineHeader
  /** The record's bytes, stray ones around it left out. */
  readonly bytes: Buffer
  readonly start: number
  readonly stop: number
}

export type Judged = ReadLine | 'blank' | 'bad' | 'own'

/** What a plain line says of itself; `null` if it is no JSON object. */
export function plainHeader(text: string): { kind: string; timestamp: number } | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { kind, timestamp } = value as { kind?: unknown; timestamp?: unknown }
  const seconds =
    typeof timestamp === 'number' && Number.isFinite(timestamp) ? timestamp : Number.NaN
  return { kind: typeof kind === 'string' ? kind : '', timestamp: millisOf(seconds) }
}

/** Looks at one line: a record, one of the format's own, blank, or bad. Plain records get number 0. */
export function judgeLine(line: Line, seed: number | null): Judged {
  const { bytes, long } = line
  if (long !== null) return judgeLong(line, seed)
  const start = soundStart(bytes, line.start, line.stop)
  const stop = soundStop(bytes, start, line.stop)
  if (start === stop) return 'blank'
  if (seed === null) {
    const plain = plainHeader(bytes.toString('utf8', start, stop))
    return plain === null ? 'bad' : { header: { seq: 0, ...plain }, bytes, start, stop }
  }
  if (!verifies(bytes, start, stop, seed)) return 'bad'
  const header = parseHeader(bytes, start, stop)
  if (header === null) return 'bad'
  return header.kind.startsWith('_') ? 'own' : { header, bytes, start, stop }
}

function judgeLong(line: Line, seed: number | null): Judged {
  const { long, bytes } = line
  if (long === null || !long.sound || seed === null) return 'bad'
  const header = parseHeader(bytes, long.strayBefore, bytes.length)
  if (header === null) return 'bad'
  return header.kind.startsWith('_') ? 'own' : { header, bytes, start: 0, stop: 0 }
}

/** True if a record is asked for, by what its first bytes say. */
export function matches(header: LineHeader, query: ReadQuery): boolean {
  const { kinds, since, until, afterSeq, beforeSeq } = query
  if (afterSeq !== undefined && header.seq <= afterSeq) return false
  if (beforeSeq !== undefined && header.seq >= beforeSeq) return false
  if (kinds !== undefined && !kinds.includes(header.kind)) return false
  if (since !== undefined && !(header.timestamp >= since)) return false
  return until === undefined || header.timestamp < until
}

/** A record as it is given back. A line over 64 MiB has no text that could be: `unsupported`. */
export function storedRecord(read: ReadLine, line: Line, path: string): StoredRecord {
  const { header, bytes, start, stop } = read
  if (line.long !== null) {
    const details = { path, offset: line.offset, length: line.length, seq: header.seq }
    throw new PapyraError(
      'unsupported',
      `Record ${header.seq} in ${path} at byte ${line.offset} is ${line.length} bytes long, too long to be handed over as one value.`,
      {
        details,
        hint: 'Read its bytes from the file, or leave it out with afterSeq and beforeSeq.',
      },
    )
  }
  return {
    seq: header.seq,
    kind: header.kind,
    timestamp: header.timestamp,
    json: bytes.toString('utf8', start, stop),
    bytes: stop - start + 1,
  }
}

export function metaOf(read: ReadLine, line: Line): RecordMeta {
  const { seq, kind, timestamp } = read.header
  const bytes = line.long === null ? read.stop - read.start + 1 : line.length
  return { seq, kind, timestamp, bytes }
}

/** Tells of damage, neighbouring lines in one piece; or throws at the first if nobody listens. */
export class DamageReporter {
  readonly #path: string
  readonly #listen: ReadQuery['onDamage']
  #from = -1
  #to = -1

  constructor(path: string, listen: ReadQuery['onDamage']) {
    this.#path = path
    this.#listen = listen
  }

  bad(offset: number, length: number): void {
    if (this.#listen === undefined) {
      throw new PapyraError(
        'anomalies_found',
        `${this.#path} is damaged at byte ${offset}; what follows was not read.`,
        { details: { path: this.#path, offset, length } },
      )
    }
    if (this.#from < 0) {
      this.#from = offset
      this.#to = offset + length
    } else {
      this.#from = Math.min(this.#from, offset)
      this.#to = Math.max(this.#to, offset + length)
    }
  }

  /** A sound line, or the end: what was gathered is told. */
  sound(): void {
    if (this.#from < 0) return
    const damage = { path: this.#path, offset: this.#from, length: this.#to - this.#from }
    this.#from = -1
    this.#listen?.(damage)
  }
}
