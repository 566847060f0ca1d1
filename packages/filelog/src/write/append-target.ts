import type { Clock, PapyraError } from '@papyra/contracts'
import type { Vfs, VfsFile } from '../vfs.js'
import type { Chunk } from './batch-encoder.js'
import type { BlockTracker } from './block-tracker.js'
import type { MarkWriter } from './mark-file.js'

/** What is written to; a rewrite or a rotation puts another in its place. */
export interface AppendTarget {
  readonly file: VfsFile
  readonly mark: MarkWriter
  readonly tracker: BlockTracker
  /** Where the next record goes: the end of the file. Everything before it has to be synced. */
  readonly offset: number
  /** Its path, links resolved, if it is not that of the file before. */
  readonly path?: string
  /** The checksum of all its bytes so far, to be kept up. Absent: it is not wanted. */
  readonly sum?: number
}

/**
 * Told of what was written, in the order of the numbers, once it is stored: the facts, the number of
 * the first, and how many bytes each takes, its line's end counted.
 */
export type WrittenHook = (
  chunks: readonly Chunk[],
  firstSeq: number,
  lengths: readonly number[],
) => void

export interface LogWriterOptions extends AppendTarget {
  readonly vfs: Vfs
  /** The log's path, links resolved: it is watched, so that a file that was replaced is noticed. */
  readonly path: string
  readonly seed: number
  /** The number of the next record; the one before counts as acknowledged and synced. */
  readonly nextSeq: number
  readonly ack: 'flushed' | 'durable'
  readonly clock: Clock
  readonly onWritten?: WrittenHook
  /** Called once, when the writer stops for good. */
  readonly onLatched?: (error: PapyraError) => void
}
