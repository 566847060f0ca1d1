/** What a name is made of: as in `MetricDefinition` of @papyra/contracts. */
export interface NamedMetric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly unit: string
}

/** The words of Prometheus for the units of UCUM that we use. */
const UNITS: Readonly<Record<string, string>> = {
  By: 'bytes',
  s: 'seconds',
  ms: 'milliseconds',
  '%': 'percent',
}

/** The unit in the name: a word, `ratio` for a gauge of the unit `1`, else none. */
export function unitWord({ type, unit }: NamedMetric): string | null {
  if (unit === '1') return type === 'gauge' ? 'ratio' : null
  // Annotations such as {record} are no units.
  return UNITS[unit] ?? null
}

/** The name of a family as OpenMetrics has it: without `_total`. */
export function familyName(metric: NamedMetric): string {
  const base = metric.name.replace(/[^a-zA-Z0-9_:]+/g, '_').replace(/^(?=[0-9])/, '_')
  const unit = unitWord(metric)
  return unit === null || base.split('_').includes(unit) ? base : `${base}_${unit}`
}

/**
 * The name that Prometheus gives to an OpenTelemetry instrument: dots become `_`, the unit is
 * appended as a word, counters end in `_total`.
 */
export function prometheusName(metric: NamedMetric): string {
  const family = familyName(metric)
  return metric.type === 'counter' ? `${family}_total` : family
}

/** The label that Prometheus makes of an attribute. */
export function labelName(attribute: string): string {
  return attribute.replace(/[^a-zA-Z0-9_]/g, '_')
}
