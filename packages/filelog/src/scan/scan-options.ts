import type { Clock, Progress } from '@papyra/contracts'
import type { Pacer } from './pacer.js'

export interface LogScanOptions {
  /** As in `ScanOptions`; default `full`. */
  readonly coverage?: 'full' | 'auto' | undefined
  /** For `auto`: how old the last full verification may be, in ms. Default 24 hours. */
  readonly maxVerifiedAgeMs?: number | undefined
  /** How many anomalies are listed; all are counted. Default 1000. */
  readonly maxAnomalies?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly clock?: Clock | undefined
  /** True if a process has the log open for writing: then an unfinished tail is no damage. */
  readonly ownerAlive?: boolean | undefined
  /** Slows the reading down; absent: as fast as it goes. */
  readonly pacer?: Pacer | undefined
}

/** How old the last full verification may be for `auto`, if nothing else is said: a day. */
export const MAX_VERIFIED_AGE_MS: number = 24 * 60 * 60 * 1000

const LEAST_BYTES = 4 * 1024 * 1024
const LEAST_MS = 100

/** Tells of progress once every 4 MiB at most, and not more than ten times a second. */
export function progressTeller(
  totalBytes: number,
  { onProgress, clock }: LogScanOptions,
): (doneBytes: number, records: number) => void {
  if (onProgress === undefined) return () => undefined
  let told = 0
  let at = Number.NEGATIVE_INFINITY
  return (doneBytes, records) => {
    if (doneBytes - told < LEAST_BYTES) return
    const now = clock?.monotonic() ?? at + LEAST_MS
    if (now - at < LEAST_MS) return
    told = doneBytes
    at = now
    onProgress({ phase: 'scan', doneBytes, totalBytes, records })
  }
}
