import type { LongOperation } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import type { Vfs } from '../vfs.js'
import type { StoreLock } from '../write/lock.js'
import type { Counts } from './ledger.js'
import type { RepairPlan } from './repair-plan.js'

/** A repair whose plan was made. */
export interface RepairJob extends LongOperation {
  readonly vfs: Vfs
  readonly lock: StoreLock
  readonly scan: LogScan
  readonly plan: RepairPlan
  /** Where whole originals go; `null` in mode `repair`. */
  readonly quarantineDir: string | null
  /** Wall time in ms. */
  readonly now: number
  /** Outcomes to be counted in the sidecar, this recovery not among them. */
  readonly counts: Counts
  /** What the history says was done. Default `recovery`, which alone counts as one. */
  readonly what?: 'recovery' | 'upgrade'
}
