import type { BackendDefinition, Clock, LongOperation, ScratchStore } from '@papyra/contracts'
import type { CodeStory } from '../explain/code.js'

/** What a drill does to the copy. */
export const DRILLS = [
  'truncate',
  'bit-flip',
  'bad-utf8',
  'kill-during-compaction',
  'disk-full',
  'retention-pressure',
  'redis-restart',
  'unacked',
] as const
export type DrillName = (typeof DRILLS)[number]

/** `skip`: it does not apply to this backend; `unknown`: it could not be done here. */
export type DrillState = 'pass' | 'fail' | 'unknown' | 'skip'

/** One thing that has to hold after the failure. */
export interface Expectation {
  readonly what: string
  readonly held: boolean
  /** Figures. */
  readonly seen: string
}

/** What one drill showed. */
export interface DrillResult {
  readonly drill: DrillName
  readonly state: DrillState
  /** What the copy was, and what was done to it. */
  readonly made: string
  readonly did: readonly string[]
  readonly expectations: readonly Expectation[]
  /** Records that were there before, over all rounds. */
  readonly before: number
  readonly kept: number
  readonly lost: number
  /** From the failure to a store that is proven sound, the longest round, in ms. */
  readonly recoveryMs: number
  /** What was met, explained. */
  readonly met: readonly CodeStory[]
  /** Why it was skipped or could not be done. */
  readonly reason: string | null
}

/** How to start the `papyra` command on a store as a process of its own. */
export interface PapyraProcess {
  readonly file: string
  /** What comes before the words of the command. */
  readonly first: readonly string[]
  /** What comes behind them, to name the store. */
  readonly last: readonly string[]
}

export interface DrillTools {
  /** For drills that kill a process: absent, or `null` for a store, and they are `unknown`. */
  readonly command?: (store: BackendDefinition) => PapyraProcess | null
  /**
   * True if the size of files that this whole process may write may be limited for a moment, where no
   * small file system can be mounted. Default false.
   */
  readonly mayLimitProcess?: boolean
}

/** What a drill works with. */
export interface DrillWork extends LongOperation, DrillTools {
  /** A fresh copy of the original; in `dir` if that is given. */
  copy(dir?: string): Promise<ScratchStore>
  /** The folder for copies. */
  readonly dir: string
  readonly seed: number
  /** How often what is left to chance is done. */
  readonly rounds: number
  readonly clock: Clock
}

export type Drill = (work: DrillWork) => Promise<DrillResult>
