import type { Identity, LogScan } from '../scan-types.js'
import { BlockTracker } from '../write/block-tracker.js'

/** A tracker that goes on behind what a scan found, when `acked` is the last number given. */
export function trackerFor(scan: LogScan, identity: Identity, acked: number): BlockTracker {
  const { seed, generation, blockBytes } = identity
  const open = scan.openBlock
  if (open !== null) return new BlockTracker({ ...open, seed, generation, blockBytes, open })
  // Behind damage that stays, a block begins whose mark follows on none. Records that are gone
  // count, or a later scan could not tell that they are missing.
  const gone = scan.losses.reduce((sum, loss) => sum + loss.records, 0)
  const total = (scan.records ?? 0) + gone
  const start = { offset: scan.soundEnd, after: acked, total, prev: '00000000' }
  return new BlockTracker({ ...start, seed, generation, blockBytes })
}
