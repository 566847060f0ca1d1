import { Buffer } from 'node:buffer'
import type { KindFigures } from '../format/figures.js'
import { type Head, encodeHead } from '../format/head.js'
import type { Pacer } from '../scan/pacer.js'
import type { VfsFile } from '../vfs.js'
import type { BlockTracker } from '../write/block-tracker.js'

/** What is known of the new generation before its records are. */
export type HeadPlan = Omit<Head, 'nextSeq' | 'compactedThrough' | 'records'>

/** A record that is copied. Where its kind is not known, a block's mark says nothing about kinds. */
export interface Copied {
  readonly seq: number
  readonly kind?: string
  /** In ms. */
  readonly timestamp?: number
}

/** A line whose checksum was right; if `end` is `start`, too long for memory: then by its place. */
export interface VerifiedLine {
  readonly chunk: Buffer
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly size: number
}

export interface RewriteOptions {
  /** Writes wait for their turn. */
  readonly pacer?: Pacer | undefined
  readonly signal?: AbortSignal | undefined
  /** Keep up the checksum of the whole file. Default false. Not for a plain log. */
  readonly sum?: boolean
}

/** A complete new log, synced, under its temporary name. */
export interface Rewritten {
  readonly file: VfsFile
  readonly size: number
  /** `null` for a plain log. */
  readonly head: Head | null
  readonly records: number
  /** Stands behind the last mark, ready for the next block; `null` for a plain log. */
  readonly tracker: BlockTracker | null
  /** Checksum of all bytes of the file, seeded like a line's; `null` if it was not asked for. */
  readonly sum: number | null
  /** What it holds of each kind; `null` if the kind of a record was not told. */
  readonly kinds: readonly KindFigures[] | null
}

/** Bytes of a head whose figures may still become as large as numbers get. */
export function headWidth(plan: HeadPlan): number {
  const most = Number.MAX_SAFE_INTEGER
  return Buffer.byteLength(
    encodeHead({ ...plan, nextSeq: most, compactedThrough: most, records: most }),
  )
}
