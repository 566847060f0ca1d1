import {
  METRIC_DEFINITIONS,
  codeCounts,
  type CodeCounts,
  type MetricKey,
  type MetricValues,
} from '@papyra/contracts'
import type { Counts } from './ledger.js'

/** The keys of the numbers that only grow. */
export const COUNTERS: readonly MetricKey[] = METRIC_DEFINITIONS.filter(
  ({ type }) => type === 'counter',
).map(({ key }) => key)

/** The counts by code. */
export const byCode = (values: Counts): CodeCounts => codeCounts((key) => values[key] ?? 0)

/** A value for every metric; what is absent is 0. */
export function fullValues(values: Counts): MetricValues {
  const all = METRIC_DEFINITIONS.map(({ key }) => [key, values[key] ?? 0] as const)
  return Object.fromEntries(all) as { [K in MetricKey]: number }
}
