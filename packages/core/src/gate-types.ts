import type {
  Backend,
  Clock,
  JsonValue,
  PapyraErrorCode,
  Progress,
  RecoveryMode,
  RecoveryReport,
  RetentionPolicy,
  ScanReport,
  StartupMode,
} from '@papyra/contracts'
import type { PapyraLogger } from './logger.js'

/** How much of a store a start verifies. */
export type StartupDepth = 'full' | 'since-clean'

/** How deep a gate looked. */
export interface DepthReport {
  readonly asked: StartupDepth
  /** `since-clean` only if that was asked for and allowed. */
  readonly done: StartupDepth
  /**
   * For a person: what was not read and when that was last verified, or why everything was read
   * though less was asked for. `null` if everything was, as asked.
   */
  readonly detail: string | null
}

/** What happens to a store before anything may write to it. */
export interface StartupOptions {
  /** Default `fail_on_anomaly`. */
  readonly mode?: StartupMode
  /** For the mode `recover`. `quarantineDir` is required by the recovery mode `quarantine`. */
  readonly recovery?: { readonly mode?: RecoveryMode; readonly quarantineDir?: string }
  /** Consent to record acknowledged records that are gone as lost. Default false. */
  readonly acceptLoss?: boolean
  /** Consent to a recovery that would take out more than half of the lines. Default false. */
  readonly force?: boolean
  /**
   * How much the first scan verifies: `full` (the default) every byte; `since-clean` what came since
   * the last clean close, and of the rest only what stands beside it. That is allowed only after a
   * clean close, while the files are as they were then and the last verification of every byte is
   * younger than `maxVerifiedAgeMs`; else it is `full`. The scan after a recovery is always full.
   */
  readonly depth?: StartupDepth
  /** For `since-clean`: how old the last full verification may be, in ms. Default 24 hours. */
  readonly maxVerifiedAgeMs?: number
  /** The gate refuses if it takes longer than this, in ms, before it has changed anything. */
  readonly timeBudgetMs?: number
  readonly onProgress?: (progress: Progress) => void
  readonly signal?: AbortSignal
}

/** What the gate needs to know besides. */
export interface GateOptions extends StartupOptions {
  /** Default `never` in production, else `if-missing`. */
  readonly create?: 'if-missing' | 'never'
  readonly expectLogId?: string
  readonly waitLockMs?: number
  readonly upgrade?: boolean
  /** Beats `NODE_ENV`. */
  readonly environment?: string
  readonly retention?: RetentionPolicy | null
  readonly clock?: Clock
  /** Told of scans, of a recovery and of the answer, one call each. Default: none. */
  readonly logger?: PapyraLogger
}

/** What the gate found and decided. Plain JSON. */
export interface GateReport {
  readonly allowed: boolean
  readonly mode: StartupMode
  readonly backend: string
  readonly location: string
  /** `null` in the mode `ignore`, or where the gate did not come so far. */
  readonly scan: ScanReport | null
  /** `null` if there was nothing to recover, or the mode is another. */
  readonly recovery: RecoveryReport | null
  /** The scan that followed the recovery. */
  readonly after: ScanReport | null
  /** How deep it looked; `null` where `scan` is. */
  readonly depth: DepthReport | null
  /** One sentence for a person. */
  readonly reason: string
  /** Why not; `null` if allowed. */
  readonly code: PapyraErrorCode | null
  readonly details: { readonly [key: string]: JsonValue }
  readonly durationMs: number
}

/** An open store that passed the gate, not yet begun. */
export interface GatePass {
  readonly backend: Backend
  readonly report: GateReport
}
