import type { AckLevel, ServerAckLevel } from './policy.js'

/** What a backend can do, as data. What it cannot do is a coded error, never a silent no-op. */
export interface Capabilities {
  /** Records are still there after the process ends. Default `true`. */
  readonly persistent: boolean
  /** At most one process may have the store open for writing. Default `true`. */
  readonly exclusiveOwner: boolean
  /** Stored bytes carry checksums that a scan verifies. Default `true`. */
  readonly checksums: boolean
  /** `recover` can mend damage. Default `true`. */
  readonly recovery: boolean
  /** `compact` can delete what retention hides. Default `true`. */
  readonly compaction: boolean
  /** Appends go on while `compact` runs. Default `false`. */
  readonly onlineCompaction: boolean
  /** `compact({ dryRun: true })` tells what would go. Default `true`. */
  readonly dryRun: boolean
  /** A dry run gives a plan that `compact({ plan })` carries out later. Default `false`. */
  readonly plans: boolean
  /** The acknowledgement levels it offers, strongest last. Default `['flushed']`. */
  readonly ackLevels: readonly (AckLevel | ServerAckLevel)[]
}

const DEFAULTS: Capabilities = {
  persistent: true,
  exclusiveOwner: true,
  checksums: true,
  recovery: true,
  compaction: true,
  onlineCompaction: false,
  dryRun: true,
  plans: false,
  ackLevels: ['flushed'],
}

/** Fills in the documented default for each flag that a backend does not state. */
export function defineCapabilities(stated: Partial<Capabilities>): Capabilities {
  const { ackLevels = DEFAULTS.ackLevels, ...flags } = stated
  return Object.freeze({ ...DEFAULTS, ...flags, ackLevels: Object.freeze([...ackLevels]) })
}
