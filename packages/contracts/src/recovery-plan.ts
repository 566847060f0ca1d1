import type { RecoverOptions } from './backend.js'
import { PapyraError } from './errors.js'
import type { RecoveryPlan, RecoveryReport } from './reports.js'

const PREFIX = 'r1'
const FNV_START = 0xcbf2_9ce4_8422_2325n
const FNV_PRIME = 0x1_0000_01b3n

/**
 * The plan of what a recovery would do: an id over the log, its generation, the mode, every anomaly
 * with its place, what would be set aside and what would be recorded as lost. Records that are only
 * appended meanwhile do not change it.
 */
export function recoveryPlanOf(report: Omit<RecoveryReport, 'plan'>): RecoveryPlan {
  const { mode, before, losses, bytesSetAside } = report
  const { logId, generation, anomalies, anomalyCounts } = before
  const body = JSON.stringify([
    ...[logId, generation, mode, bytesSetAside, anomalyCounts],
    anomalies.map(({ code, path, offset, length, seq, records }) => [
      ...[code, path, offset, length, records],
      ...[seq?.first ?? null, seq?.last ?? null],
    ]),
    losses.map(({ code, seq, records }) => [code, records, seq?.first ?? null, seq?.last ?? null]),
  ])
  return { id: `${PREFIX}.${mode}.${fingerprint(body)}` }
}

/**
 * Throws unless what a recovery is about to do is what the plan said that it was given: `stale_plan`
 * if the store is not as it was then, `invalid_argument` if it is no id or one of another mode.
 */
export function requireRecoveryPlan(
  { plan, mode }: Pick<RecoverOptions, 'plan' | 'mode'>,
  report: Omit<RecoveryReport, 'plan'>,
): void {
  if (plan === undefined) return
  const planned = recoveryPlanMode(plan)
  const { location } = report.before
  if (planned !== mode) {
    const text = `The plan was made for a recovery in ${planned} mode, not ${mode}.`
    throw new PapyraError('invalid_argument', text, { details: { location, planned, mode } })
  }
  if (recoveryPlanOf(report).id === plan) return
  const text = `${location} was not recovered: it is not as it was when the plan was made.`
  throw new PapyraError('stale_plan', text, {
    hint: 'Make a new plan with a dry run, look at it, and carry that one out.',
    details: { location },
  })
}

/** The mode that a plan was made for. Throws `invalid_argument` if the text is no id of a plan. */
export function recoveryPlanMode(plan: string): RecoveryReport['mode'] {
  const found = /^r1\.(repair|quarantine)\.[0-9a-f]{16}$/.exec(plan)
  if (found !== null) return found[1] as RecoveryReport['mode']
  const text =
    'This is not the id of a plan for a recovery: it was cut short or mistyped, or is none.'
  throw new PapyraError('invalid_argument', text, {
    hint: 'Copy the whole id that a dry run printed, or make a new one with a dry run.',
  })
}

/** FNV-1a of 64 bits (Fowler, Noll, Vo): tells states apart, protects against nobody. */
function fingerprint(text: string): string {
  let sum = FNV_START
  for (let i = 0; i < text.length; i++) {
    sum = BigInt.asUintN(64, (sum ^ BigInt(text.charCodeAt(i))) * FNV_PRIME)
  }
  return sum.toString(16).padStart(16, '0')
}
