import type { CompactionTrigger, DropSummary, LongOperation, Throttled } from '@papyra/contracts'
import type { Keep } from '../rewrite/keep.js'
import type { SegmentId } from './names.js'

interface Judged {
  readonly segment: SegmentId
  /** What goes out of it, by limit: for the history, should the run stop half-way. */
  readonly dropped?: readonly DropSummary[]
}

/** All of the segment goes. */
export interface DropVerdict extends Judged {
  readonly action: 'drop'
  /**
   * Its last number when it was judged: what was appended to it since stays. May be absent only if
   * it was sealed then.
   */
  readonly lastSeq?: number
}

/** Something goes out of the segment: a new file takes what stays. */
export interface RewriteVerdict extends Judged {
  readonly action: 'rewrite'
  readonly keep: Keep
}

/** What becomes of one segment; segments that are not named stay as they are. */
export type SegmentVerdict = DropVerdict | RewriteVerdict

export interface SegmentsPlan {
  /** Oldest first. */
  readonly verdicts: readonly SegmentVerdict[]
  /** For the history: what goes, by limit. */
  readonly dropped: readonly DropSummary[]
}

export interface SegmentsCompactRequest extends LongOperation, Throttled {
  /**
   * Decides; called when what can be seen without reading segments through is known to be sound.
   * `null` if nothing has to go: then no record is touched. A verdict on the active segment seals it
   * first.
   */
  readonly plan: () => Promise<SegmentsPlan | null>
  /** Only the plan is made, and nothing is changed whatever it says. */
  readonly dryRun?: boolean
  /** Who asked, for the history; unless it is `request`, a run that removed nothing is recorded too. */
  readonly trigger: CompactionTrigger
}

interface Figures {
  readonly generation: number
  readonly records: number
  readonly bytes: number
}

export interface SegmentsCompactResult {
  readonly before: Figures
  readonly after: Figures
  /** True if manifest, sizes and whatever was rewritten were verified afterwards. */
  readonly verified: boolean
}
