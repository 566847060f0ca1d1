import type { Head } from '../format/head.js'
import type { VfsFile } from '../vfs.js'
import type { Numbers } from './numbers.js'
import type { Stray, Stretch } from './scan-items.js'
import type { UnknownKind } from './unknown-kinds.js'

export interface WalkOptions {
  readonly file: VfsFile
  /** Where the first line behind the head begins; 0 if there is no head. */
  readonly from: number
  readonly size: number
  readonly seed: number
  readonly logId: string
  /** Whose marks count; `null` if that is not known: then all do. */
  readonly generation: number | null
  readonly blockBytes: number
  /** The number before the first, and what the first mark's `prev` is. */
  readonly after: number
  readonly chain: string
  readonly hasHead: boolean
  /** Stray bytes around the head; `null` if there are none. */
  readonly strayHead: Stray | null
  /** True if the first mark may not fit for a reason that is known already. */
  readonly disturbed: boolean
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
