import type { RecordedLoss, SeqRange } from '@papyra/contracts'
import type { VfsFile } from '../vfs.js'
import type { Region } from './losses.js'

/** What is known of a log from its head and from the files beside it. */
export interface JudgeContext {
  readonly file: VfsFile
  readonly seed: number
  readonly signal: AbortSignal | undefined
  readonly size: number
  readonly region: Region
  readonly recordedLosses: readonly RecordedLoss[]
  /** Numbers that were left out and never acknowledged. */
  readonly skipped: readonly SeqRange[]
  /** The last number that should be there. */
  readonly knownEnd: number
  /** Beyond which number nothing was proven to be acknowledged; `null` if nothing tells. */
  readonly provenEnd: number | null
  /** How far the log's bytes were acknowledged; `null` if nothing of this generation tells. */
  readonly ackedEnd: number | null
  /** How long the log was when it was closed; `null` if it was not, or nothing tells. */
  readonly closedSize: number | null
  readonly ownerAlive: boolean
  readonly hasHead: boolean
  /** True if what stands beside it shows that this is an older copy of the log. */
  readonly olderCopy: boolean
  /** Up to where a later generation was compacted, and how many records it kept there. */
  readonly compactedSince: { readonly through: number; readonly records: number } | null
  /** The id of another log, if its head stands at the beginning of this one. */
  readonly foreignHead: string | null
}
