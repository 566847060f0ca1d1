import { METRIC_DEFINITIONS, type MetricKey } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'

// Complete by its type: a key of the union that is missing here does not compile.
const keys: Record<MetricKey, true> = {
  recordsWritten: true,
  bytesWritten: true,
  writeErrors: true,
  scans: true,
  scanErrors: true,
  anomaliesDetected: true,
  recoveries: true,
  recoveryErrors: true,
  recordsLost: true,
  compactions: true,
  compactionErrors: true,
  recordsDropped: true,
  bytesReclaimed: true,
  rotations: true,
  rotationErrors: true,
  recordsStored: true,
  bytesStored: true,
}

describe('metric definitions', () => {
  it('define every key once', () => {
    const defined = METRIC_DEFINITIONS.map((metric) => metric.key).sort()
    expect(defined).toEqual(Object.keys(keys).sort())
  })

  it('have names that are unique', () => {
    const names = METRIC_DEFINITIONS.map((metric) => metric.name)
    expect(new Set(names).size).toBe(names.length)
  })

  it.each(METRIC_DEFINITIONS)(
    '$key: $name is lower case, dotted, without unit or total',
    ({ name }) => {
      expect(name).toMatch(/^papyra(\.[a-z]+(_[a-z]+)*)+$/)
      const words = name.split(/[._]/)
      for (const word of [
        'total',
        'count',
        'bytes',
        'byte',
        'seconds',
        'ms',
        'milliseconds',
        'ratio',
      ]) {
        expect(words).not.toContain(word)
      }
    },
  )

  it.each(METRIC_DEFINITIONS)('$key: has a UCUM unit, a type and a sentence', (metric) => {
    expect(metric.unit).toMatch(/^(By|s|\{[a-z]+\})$/)
    expect(['counter', 'gauge']).toContain(metric.type)
    expect(metric.description).toMatch(/^[A-Z].*\.$/)
    expect(metric.unit === 'By').toBe(metric.key.startsWith('bytes'))
  })

  it('lets no name be the beginning of another, which some exporters cannot hold', () => {
    const names = METRIC_DEFINITIONS.map((metric) => metric.name)
    const nested = names.filter((name) => names.some((other) => other.startsWith(`${name}.`)))
    expect(nested).toEqual([])
  })
})
