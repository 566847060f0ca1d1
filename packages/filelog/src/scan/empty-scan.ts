import type { Anomaly } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import type { LogScanOptions } from './scan-options.js'

/** What all scans of one log share before they are told apart. */
export type ScanBase = Pick<LogScan, 'path' | 'sidecar' | 'mark' | 'size'>

/** A scan that did not look into the log. */
export function emptyScan(base: ScanBase, state: LogScan['state']): LogScan {
  return {
    ...base,
    state,
    coverage: 'full',
    unread: null,
    identity: null,
    head: null,
    soundEnd: 0,
    anomalies: [],
    anomalyCounts: {},
    notices: [],
    records: null,
    firstSeq: null,
    lastSeq: 0,
    knownEnd: 0,
    keep: [],
    setAside: [],
    losses: [],
    cutMends: false,
    bytesSound: true,
    lines: { total: 0, bad: 0 },
    foreign: false,
    unproven: null,
    skipped: [],
    openBlock: null,
  }
}

/** The first anomalies, and how many there are of each. */
export function counted(
  all: readonly Anomaly[],
  { maxAnomalies = 1000 }: LogScanOptions,
): Pick<LogScan, 'anomalies' | 'anomalyCounts'> {
  const anomalyCounts: Partial<Record<Anomaly['code'], number>> = {}
  for (const { code } of all) anomalyCounts[code] = (anomalyCounts[code] ?? 0) + 1
  return { anomalies: all.slice(0, maxAnomalies), anomalyCounts }
}
