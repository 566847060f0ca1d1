import type { Attributes, Histogram, Meter } from '@opentelemetry/api'

export type Operation = 'startup' | 'scan' | 'recovery' | 'compaction'

/** How long operations took. */
export interface Durations {
  record(operation: Operation, ms: number, errorType?: string): void
}

/** From a glance at a small store to hours for a large one, in seconds. */
const BOUNDARIES = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600]

export function durationHistogram(meter: Meter, common: Attributes): Durations {
  const histogram: Histogram = meter.createHistogram('papyra.operation.duration', {
    unit: 's',
    description: 'How long starts, scans, recoveries and compactions took.',
    advice: { explicitBucketBoundaries: BOUNDARIES },
  })
  return {
    record(operation, ms, errorType) {
      histogram.record(ms / 1000, {
        ...common,
        'papyra.operation.name': operation,
        ...(errorType === undefined ? {} : { 'error.type': errorType }),
      })
    },
  }
}
