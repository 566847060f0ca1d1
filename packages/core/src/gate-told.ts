import { isPapyraError } from '@papyra/contracts'
import type { GateOptions, GateReport } from './gate-types.js'
import { codeOf, say, type PapyraLogger } from './logger.js'

/** Tells that the gate let a store be used. */
export function sayPassed(report: GateReport, logger: PapyraLogger | undefined): void {
  const { mode, scan, after, durationMs } = report
  const last = after ?? scan
  const fields = { coverage: last?.coverage ?? null, anomalies: last?.anomaliesTotal ?? 0 }
  say(logger, 'papyra.gate.passed', { mode, ...fields, durationMs })
}

/** Tells why it did not, and gives the error on. */
export function sayRefused<Failure>(
  error: Failure,
  { logger, mode = 'fail_on_anomaly' }: GateOptions,
): Failure {
  const given = isPapyraError(error) ? error.details['anomalyCounts'] : undefined
  const counted = typeof given === 'object' && given !== null ? Object.entries(given) : []
  const anomalyCounts = Object.fromEntries(
    counted.flatMap(([code, count]) => (typeof count === 'number' ? [[code, count]] : [])),
  )
  say(logger, 'papyra.gate.refused', { code: codeOf(error), mode, anomalyCounts })
  return error
}
