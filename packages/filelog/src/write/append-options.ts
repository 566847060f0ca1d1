import type { PapyraError } from '@papyra/contracts'
import type { LogWriterOptions } from './append-target.js'
import type { Chunk } from './batch-encoder.js'

/** Decides when a log goes on in another file. Both are called by the queue, one at a time. */
export interface Rotation {
  /**
   * How many of the calls that wait, from the first on, go into the file as it is, which ends at
   * `offset`; 0 asks for the next file first.
   */
  room(calls: readonly Chunk[], offset: number): number
  /**
   * Makes the next file, with everything acknowledged synced in the one before, and hands it to the
   * queue's `retarget`. If that cannot be now it leaves things as they are: then the first call goes
   * into the old file. Must not throw.
   */
  next(): Promise<void>
}

export interface AppendQueueOptions extends LogWriterOptions {
  /** Most bytes that the members of one fact may take. Default 1 MiB. */
  readonly maxRecordBytes?: number
  /** Above so many waiting bytes `ready` waits. Default 8 MiB. */
  readonly maxWaitingBytes?: number
  /** A write call takes as many waiting calls as fit; at least one. Default 256 KiB. */
  readonly maxBatchBytes?: number
  /** Calls `run` once in `ms` milliseconds; gives a way to call that off. Default: an unref'd timer. */
  readonly timer?: (ms: number, run: () => void) => () => void
  /** Absent: the log is one file. */
  readonly rotation?: Rotation
  /** Called with what was just acknowledged. Bytes are those of the log, marks included. */
  readonly onCounted?: (records: number, bytes: number) => void
}

export interface AppendQueueState {
  readonly nextSeq: number
  /** End of the file. */
  readonly offset: number
  /** The last number that was acknowledged, and the last that is known to be synced. */
  readonly acked: number
  readonly synced: number
  /** Why the writer stopped for good; `null` while it has not. */
  readonly latched: PapyraError | null
  /** Bytes of facts that were handed in and are not settled. */
  readonly waitingBytes: number
}
