import type { AnomalyCode, BackendDefinition, ManualClock } from '@papyra/contracts'

/** What one act of damage did, and what a scan and a recovery must make of it. */
export interface DamageOutcome {
  /** The code that a scan must report afterwards (it may report others too). */
  readonly expectCode: AnomalyCode
  /** True if mending it means to record acknowledged records as lost. */
  readonly lossExpected: boolean
  /**
   * The numbers that may be gone after recovery. Every other record must come back byte for byte.
   * Absent: the suite holds the recovery to what its own report declares as lost.
   */
  readonly affected?: readonly number[]
  /**
   * Whether `begin` must refuse. Absent: it may refuse with `anomalies_found` or begin, but then
   * whatever is appended must be safe and the damage must still be seen by a scan.
   */
  readonly beginRefuses?: boolean
}

/** Damages the store of a subject. Called only while nobody has it open. */
export interface DamageKit {
  /** Names of the kinds of damage that `apply` knows. Each must be mendable by `recover`. */
  readonly kinds: readonly string[]
  apply(kind: string): Promise<DamageOutcome>
}

/** A sound record that `append` would not make: an unknown kind, or one without a usable time. */
export interface PlantedRecord {
  readonly kind: string
  /** Milliseconds since 1970; `null` stores something there that is not a finite number. */
  readonly timestamp: number | null
  /** As `AppendFact.members`. */
  readonly members: string
}

/** One empty place for a store, made for one check and thrown away after it. */
export interface Subject {
  /** Names the place. There is no store yet; opening it with `create: 'if-missing'` makes one. */
  readonly definition: BackendDefinition
  /** The clock that the suite hands to every `open`; the suite moves it. */
  readonly clock: ManualClock
  /** A second definition of the same place. Needed by backends with `exclusiveOwner`. */
  another?(): BackendDefinition
  /** Needed by backends with `checksums` and `recovery`. */
  readonly damage?: DamageKit
  /** Stores these records after all others. Called only while nobody has the store open. */
  plant?(records: readonly PlantedRecord[]): Promise<void>
  /** The most bytes a record may have, as the definition is set. Default 1 MiB; `null`: no limit. */
  readonly maxRecordBytes?: number | null
  /** Takes the place away. Called once, after everything that was opened has been closed. */
  dispose(): Promise<void>
}
