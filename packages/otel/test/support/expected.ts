import {
  CODE_INSTRUMENTS,
  FACT_INSTRUMENTS,
  METRIC_DEFINITIONS,
  OWNER_INSTRUMENTS,
  TIME_INSTRUMENTS,
  type InstrumentDefinition,
} from '@papyra/contracts'
import { expect } from 'vitest'
import type { Point, ReceivedMetric, Receiver } from './receiver.js'

/** Every number of a store without consumer groups. */
export const ALL: readonly InstrumentDefinition[] = [
  ...METRIC_DEFINITIONS,
  ...Object.values(CODE_INSTRUMENTS),
  ...Object.values(FACT_INSTRUMENTS),
  ...Object.values(OWNER_INSTRUMENTS),
  ...Object.values(TIME_INSTRUMENTS),
]
const CUMULATIVE = 2

export function pointsOf(metric: ReceivedMetric | undefined): readonly Point[] {
  return metric?.sum?.dataPoints ?? metric?.gauge?.dataPoints ?? []
}

/** Names, units, kinds and temporality are those of the definitions, and counts are whole numbers. */
export function expectDefinitions({ received }: Receiver): void {
  expect([...received.keys()].sort()).toEqual(ALL.map(({ name }) => name).sort())
  for (const { name, type, unit } of ALL) {
    const metric = received.get(name)
    expect(metric?.unit, name).toBe(unit)
    expect(metric?.sum?.isMonotonic ?? false, name).toBe(type === 'counter')
    if (metric?.sum) expect(metric.sum.aggregationTemporality, name).toBe(CUMULATIVE)
    for (const { asInt, asDouble } of pointsOf(metric)) {
      expect(unit === 's' ? asDouble : asInt, name).toBeDefined()
    }
  }
}
