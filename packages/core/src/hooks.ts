import type { CompactionReport, ScanReport } from '@papyra/contracts'
import type { GateReport } from './gate-types.js'
import type { Drop } from './intake.js'
import type { SchemaMismatch } from './schemas.js'

/** Where core tells what nobody waits for. A hook that throws changes nothing. */
export interface PapyraHooks {
  /** The intake dropped facts. */
  readonly onDrop?: (drop: Drop) => void
  /** A record was read whose payload its schema does not accept; it is shown all the same. */
  readonly onSchemaMismatch?: (mismatch: SchemaMismatch) => void
  /** What the startup gate found and decided, before the store is ready. */
  readonly onStartup?: (report: GateReport) => void
  /** A scheduled compaction is done. */
  readonly onCompaction?: (report: CompactionReport) => void
  /** A scheduled scrub is done, whatever it found. */
  readonly onScrub?: (report: ScanReport) => void
  /** A scheduled scrub found damage. Default: `console.error`. */
  readonly onAnomalies?: (report: ScanReport) => void
  /** Scheduled maintenance failed or was refused. Default: `console.error`. */
  readonly onMaintenanceError?: (error: unknown) => void
}
