import type { LongOperation } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import type { Counts } from '../rewrite/ledger.js'
import type { Vfs } from '../vfs.js'
import type { FileLooks } from '../write/atomic-write.js'
import { manifestPath } from './names.js'
import type { RecoveryPlan } from './recover-plan.js'
import type { SegmentsScan } from './scan-types.js'

/** A recovery whose plan was made and agreed to. */
export interface RecoveryJob extends LongOperation {
  readonly vfs: Vfs
  readonly scan: SegmentsScan
  readonly plan: RecoveryPlan
  /** Where whole originals go; `null` in mode `repair`. */
  readonly quarantineDir: string | null
  /** Wall time in ms. */
  readonly now: number
  /** How long it has been going on, in ms. */
  readonly elapsed: () => number
  /** Outcomes to be counted in the manifest, this recovery not among them. */
  readonly counts: Counts
}

export function seedFor({ plan }: RecoveryJob): number {
  return seedOf(plan.store.logId)
}

/** Whose new files are: the looks of the file that they stand for, or else of any of the store's. */
export async function looksFor(job: RecoveryJob, path: string): Promise<FileLooks> {
  const { vfs, scan } = job
  const others = scan.segments.map((finding) => finding.path)
  for (const candidate of [path, ...others, manifestPath(scan.dir)]) {
    const stat = await vfs.stat(candidate)
    if (stat?.type === 'file') return stat
  }
  const folder = await vfs.stat(scan.dir)
  return { mode: 0o600, uid: folder?.uid ?? 0, gid: folder?.gid ?? 0 }
}
