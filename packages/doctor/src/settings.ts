import type { RecoveryMode, RetentionPolicy, StartupMode } from '@papyra/contracts'
import type { IntendedUse, MaintenanceTiming, Waiver } from '@papyra/core'

/** What the service is configured with, as far as it is known. */
export interface ChecklistSettings {
  /** Lower case; in `production` the rules for production hold. */
  readonly environment: string
  readonly mode: StartupMode
  readonly recoveryMode: RecoveryMode
  /** Where recovery by quarantine keeps originals; absent if nothing states it. */
  readonly quarantineDir?: string | undefined
  /** `null` if the configuration states none; what is recorded with the store is looked at besides. */
  readonly retention: RetentionPolicy | null
  readonly compaction?: MaintenanceTiming | undefined
  readonly scrub?: MaintenanceTiming | undefined
  /** What the store is meant for; what is not stated is unknown. */
  readonly use?: IntendedUse | undefined
  readonly waivers?: readonly Waiver[] | undefined
}
