import type { Meter } from './meter.js'
import type { DroppingStep, SizeStep, Step, WideMeters } from './steps.js'
import { olderThan, type KindSummary } from './summary.js'

/** What becomes of each kind of a group, and how to make that count. */
export interface GroupVerdict {
  readonly steps: ReadonlyMap<KindSummary, DroppingStep | null>
  commit(): void
}

/**
 * The steps applied to groups of records whose order within is not known; `null` as soon as it would
 * matter. The kinds have their own steps first; then all of them meet at the log-wide meters.
 */
export function judgeTogether(
  kinds: readonly KindSummary[],
  stepsOf: (kind: string) => readonly Step[],
  wide: WideMeters,
): GroupVerdict | null {
  const fates = new Map<KindSummary, DroppingStep | null>()
  const effects: (() => void)[] = []
  let left: readonly KindSummary[] = []
  for (const summary of kinds) {
    const own = stepsOf(summary.kind).filter((step) => !isWide(step, wide))
    const fate = ownFate(own, summary, effects)
    if (fate === undefined) return null
    fates.set(summary, fate)
    if (fate === null) left = [...left, summary]
  }
  for (const meter of [wide.count, wide.bytes]) {
    if (meter === null) continue
    const gone = meetWide(meter, left, stepsOf, effects)
    if (gone === null) return null
    for (const [summary, step] of gone) fates.set(summary, step)
    left = left.filter((summary) => !gone.has(summary))
  }
  return {
    steps: fates,
    commit: () => {
      for (const effect of effects) effect()
    },
  }
}

function isWide(step: Step, wide: WideMeters): boolean {
  return step.reason !== 'age' && (step.meter === wide.count || step.meter === wide.bytes)
}

/** What the steps that only this kind meets do with all of it; `undefined` if not the same. */
function ownFate(
  steps: readonly Step[],
  summary: KindSummary,
  effects: (() => void)[],
): DroppingStep | null | undefined {
  const { records, bytes, lastSeq } = summary
  for (const step of steps) {
    if (step.reason === 'tally') continue
    if (step.reason === 'age') {
      const older = olderThan(summary, step.before)
      if (older === 'some') return undefined
      if (older === 'all') return step
      continue
    }
    const amount = step.reason === 'count' ? records : bytes
    const fate = step.meter.foretell(records, amount)
    if (fate === 'some') return undefined
    effects.push(() => {
      step.meter.takeTogether(fate, amount, lastSeq)
    })
    if (fate === 'none') return step
  }
  return null
}

/** The kinds that a log-wide meter takes; `null` if it would take some records of them only. */
function meetWide(
  meter: Meter,
  kinds: readonly KindSummary[],
  stepsOf: (kind: string) => readonly Step[],
  effects: (() => void)[],
): ReadonlyMap<KindSummary, SizeStep> | null {
  const takes = new Map<KindSummary, SizeStep>()
  const sum = { records: 0, amount: 0, lastSeq: 0, tallied: 0 }
  for (const summary of kinds) {
    const step = stepsOf(summary.kind).find((one) => one.reason !== 'age' && one.meter === meter)
    if (step === undefined || step.reason === 'age') continue
    const counted = step.reason === 'count' || (step.reason === 'tally' && step.unit === 'count')
    const amount = counted ? summary.records : summary.bytes
    if (step.reason === 'tally') sum.tallied += amount
    else {
      takes.set(summary, step)
      sum.records += summary.records
      sum.amount += amount
      sum.lastSeq = Math.max(sum.lastSeq, summary.lastSeq)
    }
  }
  // A protected record may come first, and then none is spared.
  const spareable = sum.tallied > 0 && takes.size > 0 && !meter.arrived
  const fate = takes.size === 0 ? 'all' : meter.foretell(sum.records, sum.amount)
  if (fate === 'some' || (spareable && fate === 'all' && !meter.fits(sum.amount))) return null
  effects.push(() => {
    if (sum.tallied > 0) meter.tally(sum.tallied)
    if (takes.size > 0) meter.takeTogether(fate, sum.amount, sum.lastSeq)
  })
  return fate === 'none' ? takes : new Map<KindSummary, SizeStep>()
}
