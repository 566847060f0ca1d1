import type {
  BackendDefinition,
  Clock,
  RecoveryMode,
  RetentionPolicy,
  StartupMode,
} from '@papyra/contracts'
import type { StartupDepth } from './gate-types.js'
import type { PapyraHooks } from './hooks.js'
import type { IntakeLimits } from './intake.js'
import type { PapyraLogger } from './logger.js'
import type { MaintenanceTiming } from './maintenance.js'
import type { PapyraSchemas } from './schemas.js'

/** A backend by name: `json`, `memory`, `rotation`, `redis`, or the package of another one. */
export interface BackendChoice {
  readonly use: string
  /** What the backend is made with, such as `path`. May also stand beside `use`. */
  readonly options: { readonly [name: string]: unknown }
}

/** The startup gate, as configured. */
export interface StartupConfig {
  readonly mode?: StartupMode
  readonly recovery?: { readonly mode?: RecoveryMode; readonly quarantineDir?: string }
  readonly acceptLoss?: boolean
  readonly force?: boolean
  readonly depth?: StartupDepth
  /** In ms. */
  readonly maxVerifiedAgeMs?: number
  /** In ms. */
  readonly timeBudgetMs?: number
}

/** What a store is meant for. `papyra doctor checklist` holds it against that; what is absent is unknown. */
export interface IntendedUse {
  readonly strictOrdering?: boolean
  readonly survivesRestart?: boolean
  /** Several processes write. */
  readonly distributed?: boolean
  readonly writesPerSecond?: number
  /** What runs `papyra persistence startup-check` before the service, such as `systemd ExecStartPre`. */
  readonly startupCheck?: string
  /** Who reads the numbers, such as `prometheus, 15s`. */
  readonly metricsReader?: string
}

/** An item of the checklist that is known to be red, and why that is so for now. */
export interface Waiver {
  readonly id: string
  readonly reason: string
  readonly owner: string
  /** A date, `2027-01-31`; from the next day on it does not hold. */
  readonly expires: string
}

/** A configuration that was checked: camelCase keys, enums in their one spelling. */
export interface PapyraConfig {
  readonly systemId?: string
  readonly environment?: string
  readonly backend?: BackendChoice | BackendDefinition
  readonly startup?: StartupConfig
  readonly retention?: RetentionPolicy
  readonly create?: 'if-missing' | 'never'
  readonly expectLogId?: string
  /** In ms. */
  readonly waitLockMs?: number
  readonly upgrade?: boolean
  /** Where recovery by quarantine keeps originals; also for the startup gate, unless it says otherwise. */
  readonly quarantineDir?: string
  readonly intake?: IntakeLimits
  /** Regular compaction; without it there is none. */
  readonly compaction?: MaintenanceTiming
  /** Regular verification of every byte; without it there is none. */
  readonly scrub?: MaintenanceTiming
  /** For `papyra doctor checklist`. */
  readonly use?: IntendedUse
  /** For `papyra doctor checklist`. */
  readonly waivers?: readonly Waiver[]
  /** The folder in which `papyra doctor` keeps the reports of drills and gates. Default `papyra-reports`. */
  readonly reports?: string
  readonly schemas?: PapyraSchemas
  readonly hooks?: PapyraHooks
  readonly logger?: PapyraLogger
  readonly clock?: Clock
}

/** A configuration as a file states it: backend options may stand beside `use`. */
export interface PapyraConfigInput extends Omit<PapyraConfig, 'backend'> {
  readonly backend?:
    | BackendDefinition
    | {
        readonly use: string
        readonly options?: { readonly [name: string]: unknown }
        readonly [name: string]: unknown
      }
}
