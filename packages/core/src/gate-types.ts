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
   * How much the first scan verifies: `auto` (the default) may be quick after a clean close. The
   * scan after a recovery is always full.
   */
  readonly coverage?: 'auto' | 'full'
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
