import { PapyraError, type RecordMeta } from '@papyra/contracts'
import { seedOf } from '../checksum.js'
import type { LineHeader } from '../frame.js'
import type { Head } from '../head.js'
import { forEachLine } from '../scan/for-each-line.js'
import { plainHeader } from '../scan/log-source.js'
import type { VfsFile } from '../vfs.js'
import type { LogRewriter } from './rewriter.js'

export interface CopyFilter {
  readonly source: VfsFile
  readonly rewriter: LogRewriter
  /** `null` for a plain log, whose records are numbered by their place. */
  readonly head: Head | null
  readonly keep: (meta: RecordMeta) => boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Copies the records that are to be kept, a part of the log at a time, and meanwhile checks all of
 * them: each line, the order of the numbers, that none is missing above `compacted_through`, and
 * that below it there are as many as the head says. Rejects with `anomalies_found` where not.
 */
export class RecordCopier {
  readonly #filter: CopyFilter
  /** Records seen, and the last number among them. */
  #seen = 0
  #last = 0
  #regionChecked: boolean
  #dropped = 0

  constructor(filter: CopyFilter) {
    this.#filter = filter
    this.#regionChecked = filter.head === null || filter.head.compactedThrough === 0
  }

  /** Records seen so far, kept or not. */
  get seen(): number {
    return this.#seen
  }

  get dropped(): number {
    return this.#dropped
  }

  get lastSeq(): number {
    return this.#last
  }

  /** Copies the part `[from, to)`, which must end with a whole line; tells where it is. */
  async copy(from: number, to: number, onLine: (offset: number) => void): Promise<void> {
    const { source, head, signal } = this.#filter
    const seed = head === null ? null : seedOf(head.logId)
    const range = { from, to, seed, ...(signal && { signal }) }
    await forEachLine(source, range, (chunk, start, end, offset, header, sound, _, size) => {
      const bytes = size + 1
      const meta =
        seed === null
          ? this.#plainMeta(chunk.toString('utf8', start, end), offset, bytes)
          : this.#metaOf(sound ? header : null, offset, bytes)
      if (meta === null) return undefined
      onLine(offset)
      if (!this.#filter.keep(meta)) {
        this.#dropped++
        return undefined
      }
      return this.#filter.rewriter.addLine(source, { chunk, start, end, offset, size }, meta.seq)
    })
  }

  #plainMeta(text: string, offset: number, bytes: number): RecordMeta {
    const header = plainHeader(text)
    if (header === null) throw this.#anomaly(offset, 'a line is damaged')
    this.#seen++
    this.#last++
    return { seq: this.#last, ...header, bytes }
  }

  #metaOf(header: LineHeader | null, offset: number, bytes: number): RecordMeta | null {
    if (header === null) throw this.#anomaly(offset, 'a line is damaged')
    if (header.kind === '_block') return null
    if (header.kind.startsWith('_'))
      throw this.#anomaly(offset, `a line of the kind ${header.kind}`)
    this.#checkOrder(header.seq, offset)
    this.#seen++
    this.#last = header.seq
    return { seq: header.seq, kind: header.kind, timestamp: header.timestamp, bytes }
  }

  #checkOrder(seq: number, offset: number): void {
    const through = this.#filter.head?.compactedThrough ?? 0
    if (seq <= this.#last) throw this.#anomaly(offset, `the number ${seq} follows ${this.#last}`)
    if (seq <= through) return
    this.#checkRegion(offset)
    if (seq !== Math.max(this.#last, through) + 1) {
      throw this.#anomaly(offset, `the number ${seq} follows ${this.#last}`)
    }
  }

  #checkRegion(offset: number): void {
    if (this.#regionChecked) return
    this.#regionChecked = true
    const expected = this.#filter.head?.records ?? 0
    if (this.#seen === expected) return
    throw this.#anomaly(offset, `${this.#seen} of ${expected} records were found`)
  }

  /** Checks that all was seen that must be there, up to `lastSeq`. */
  finish(lastSeq: number, offset: number): void {
    this.#checkRegion(offset)
    const through = this.#filter.head?.compactedThrough ?? 0
    if (lastSeq > through && this.#last !== lastSeq) {
      throw this.#anomaly(offset, `the log ends with ${this.#last} instead of ${lastSeq}`)
    }
  }

  #anomaly(offset: number, what: string): PapyraError {
    const { path } = this.#filter.source
    return new PapyraError(
      'anomalies_found',
      `${path} was not compacted: ${what} at byte ${offset}.`,
      {
        details: { path, offset },
      },
    )
  }
}
