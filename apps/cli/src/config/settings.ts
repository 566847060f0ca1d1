import type { RecoveryMode, RetentionPolicy, StartupMode } from '@papyra/contracts'
import type { StartupDepth } from '@papyra/core'

/** What is in force for one command, beside the backend. */
export interface Settings {
  /** Lower case; `development` where nothing says otherwise. */
  readonly environment: string
  readonly mode: StartupMode
  readonly recoveryMode: RecoveryMode
  /** Absolute. */
  readonly quarantineDir: string | undefined
  readonly acceptLoss: boolean
  readonly force: boolean
  readonly depth: StartupDepth
  readonly maxVerifiedAgeMs: number | undefined
  readonly timeBudgetMs: number | undefined
  readonly waitLockMs: number | undefined
  readonly expectLogId: string | undefined
  /** `null` if neither environment nor configuration state one. */
  readonly retention: RetentionPolicy | null
}

/** One value in force, for `papyra config show`. */
export interface Setting {
  /** Its place in a configuration, such as `startup.mode`. */
  readonly key: string
  readonly value: unknown
  /** `--path`, `PAPYRA_MAX_RECORDS`, the path of the file, or `default`. */
  readonly origin: string
}
