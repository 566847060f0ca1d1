import type { CodeCounts } from './code-counts.js'

/** The keys of the numbers that a store keeps. */
export type MetricKey =
  | 'recordsWritten'
  | 'bytesWritten'
  | 'writeErrors'
  | 'scans'
  | 'scanErrors'
  | 'anomaliesDetected'
  | 'recoveries'
  | 'recoveryErrors'
  | 'recordsLost'
  | 'compactions'
  | 'compactionErrors'
  | 'recordsDropped'
  | 'bytesReclaimed'
  | 'rotations'
  | 'rotationErrors'
  | 'recordsStored'
  | 'bytesStored'

/** How a number behaves: a `counter` only grows; a `gauge` is a level. */
export interface MetricDefinition {
  /** Stable key in reports and JSON, camelCase. */
  readonly key: MetricKey
  /** Name for exporters: lower case, dots as name spaces, no unit in it. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  /** UCUM unit, such as `By`, `s`, `{record}`. */
  readonly unit: string
  readonly description: string
}

/**
 * The numbers that a store keeps about itself, across processes and restarts. Counters count
 * outcomes, not attempts, and never go back; `papyra metrics reset` records a baseline and takes
 * nothing away.
 */
export const METRIC_DEFINITIONS: readonly MetricDefinition[] = [
  {
    key: 'recordsWritten',
    name: 'papyra.record.written',
    type: 'counter',
    unit: '{record}',
    description: 'Records acknowledged since the store was created.',
  },
  {
    key: 'bytesWritten',
    name: 'papyra.storage.written',
    type: 'counter',
    unit: 'By',
    description: 'Bytes of acknowledged records as stored, line ends and block marks included.',
  },
  {
    key: 'writeErrors',
    name: 'papyra.record.write_errors',
    type: 'counter',
    unit: '{error}',
    description: 'Appends that were refused or failed in the store.',
  },
  {
    key: 'scans',
    name: 'papyra.scan.runs',
    type: 'counter',
    unit: '{scan}',
    description:
      'Scans that the owner completed. A scan by another process writes nothing, so it is not counted.',
  },
  {
    key: 'scanErrors',
    name: 'papyra.scan.errors',
    type: 'counter',
    unit: '{error}',
    description: 'Scans by the owner that could not be completed.',
  },
  {
    key: 'anomaliesDetected',
    name: 'papyra.anomaly.detected',
    type: 'counter',
    unit: '{anomaly}',
    description: 'Anomalies that completed scans and recoveries of the owner found.',
  },
  {
    key: 'recoveries',
    name: 'papyra.recovery.runs',
    type: 'counter',
    unit: '{recovery}',
    description: 'Recoveries that changed the store.',
  },
  {
    key: 'recoveryErrors',
    name: 'papyra.recovery.errors',
    type: 'counter',
    unit: '{error}',
    description: 'Recoveries that failed or were refused after they began.',
  },
  {
    key: 'recordsLost',
    name: 'papyra.record.lost',
    type: 'counter',
    unit: '{record}',
    description: 'Records that recoveries recorded as lost, where their number is known.',
  },
  {
    key: 'compactions',
    name: 'papyra.compaction.runs',
    type: 'counter',
    unit: '{compaction}',
    description: 'Compactions that completed.',
  },
  {
    key: 'compactionErrors',
    name: 'papyra.compaction.errors',
    type: 'counter',
    unit: '{error}',
    description: 'Compactions that failed or were refused after they began.',
  },
  {
    key: 'recordsDropped',
    name: 'papyra.retention.dropped',
    type: 'counter',
    unit: '{record}',
    description: 'Records that compactions deleted under a retention policy.',
  },
  {
    key: 'bytesReclaimed',
    name: 'papyra.compaction.reclaimed',
    type: 'counter',
    unit: 'By',
    description: 'Bytes that compactions gave back.',
  },
  {
    key: 'rotations',
    name: 'papyra.segment.rotations',
    type: 'counter',
    unit: '{segment}',
    description: 'Segments that were sealed because they were full or old. 0 where there are none.',
  },
  {
    key: 'rotationErrors',
    name: 'papyra.segment.rotation_errors',
    type: 'counter',
    unit: '{error}',
    description:
      'Rotations that failed; the segment before went on taking records, and rotation is tried again.',
  },
  {
    key: 'recordsStored',
    name: 'papyra.record.stored',
    type: 'gauge',
    unit: '{record}',
    description: 'Records in the store now, hidden ones included.',
  },
  {
    key: 'bytesStored',
    name: 'papyra.storage.usage',
    type: 'gauge',
    unit: 'By',
    description: 'Bytes of the log now, all its segments together.',
  },
]

/** One value a metric. */
export type MetricValues = { readonly [K in MetricKey]: number }

/** The numbers of a store, and since when they count. */
export interface MetricsSnapshot {
  /** Totals since the store was created. */
  readonly totals: MetricValues
  /** Counters since the last reset: totals less the baseline; gauges as they are. */
  readonly sinceReset: MetricValues
  /** Wall time in ms when the store was created; `null` if unknown. */
  readonly createdAt: number | null
  /** Wall time in ms of the last reset; `null` if there was none. */
  readonly resetAt: number | null
  /** What was counted, by code; absent where a backend does not tell it so. */
  readonly byCode?: CodeCounts
}
