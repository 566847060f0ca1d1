import {
  PapyraError,
  isRecordKind,
  type RecordKind,
  type RecordMeta,
  type RetentionPolicy,
} from '@papyra/contracts'
import { createJudge, type Judge, type Reserved } from './judge.js'
import type { PlanRule, RetentionPlan, Verdict } from './plan-types.js'
import { runPass } from './pass.js'
import { validatePolicy } from './policy.js'
import type { Summary } from './summary.js'
import { createTallies, type Tallies } from './tallies.js'
import { checkNow, isUsableTimestamp } from './timestamps.js'
import { unmetLimits } from './unmet.js'

export interface PlanOptions {
  /** Wall time in ms since 1970, taken once for the whole run. */
  readonly now: number
  readonly signal?: AbortSignal
  /** Judge only records up to this number, as if there were no later ones. Default: all. */
  readonly through?: number
}

/** Reserved sums can depend on each other, one after the other: records first, then bytes. */
const MOST_PASSES = 3

/**
 * Records, the greatest number first: one by one, many at a time, which is several times faster, or
 * as summaries of many, which are read only where a limit cuts through them.
 */
export type Metas = AsyncIterable<RecordMeta | readonly RecordMeta[] | Summary>

/**
 * Decides what a policy keeps. `metas` is called once for a pass and gives every record once, the
 * greatest number first, alone, in batches or summed up; batches are looked at without waiting. The
 * plan is the same however they are given. One pass is enough unless a log-wide `maxRecords` or
 * `maxTotalBytes` drops something while records that it may not take count against it; then it is
 * two, at most three. Records that were appended after the first pass began are left out of the
 * later ones. Memory use does not depend on the number of records. Nothing is changed: the plan is
 * only a decision.
 *
 * A summary is read where an age or size limit cuts through one of its kinds, or some of its times
 * are more than 60 s ahead of `now`; the first that has any time, up to that time; and the first
 * and the last that have some, but not only, records without a usable time.
 *
 * Rejects with `invalid_policy`, with `aborted`, with `invalid_argument` if `now` is no time or the
 * records do not come newest first, and with `stale_plan` if records went away between two passes.
 */
export async function planRetention(
  metas: () => Metas,
  policy: RetentionPolicy,
  options: PlanOptions,
): Promise<RetentionPlan> {
  const checked = validatePolicy(policy)
  const { now, signal, through = Number.POSITIVE_INFINITY } = options
  checkNow(now)
  let reserved: Reserved = { records: 0, bytes: 0 }
  let before: RetentionPlan | null = null
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    const judge = createJudge(checked, now, reserved)
    const tallies = createTallies(now)
    const upTo: number = before?.newestSeq ?? through
    await runPass(metas(), { judge, tallies, now, upTo, signal })
    const plan = toPlan(checked, now, judge, tallies)
    if (before !== null && !sameTotal(before, plan)) break
    const { count, bytes } = judge.wide
    if ((count?.settled ?? true) && (bytes?.settled ?? true)) return plan
    reserved = { records: count?.tallied ?? 0, bytes: bytes?.tallied ?? 0 }
    before = plan
  }
  throw new PapyraError('stale_plan', 'Records went away while the plan was being made.', {
    hint: 'Make the plan again while no other process compacts or recovers the store.',
  })
}

/**
 * What the plan says of one record: the limit that drops it, or `null` to keep it. Records may be
 * asked for in any order, any number of times. Records newer than the plan are kept, and so are
 * kinds that this version does not know.
 */
export function verdict(plan: RetentionPlan, meta: RecordMeta): Verdict {
  const rule = ruleFor(plan, meta)
  return rule === null ? null : { reason: rule.reason, limit: rule.limit }
}

/** The rule of the plan that drops the record; `null` if none does. */
export function ruleFor(plan: RetentionPlan, meta: RecordMeta): PlanRule | null {
  if (meta.seq > plan.newestSeq || !isRecordKind(meta.kind)) return null
  for (const rule of plan.rules[meta.kind]) {
    if (rule.reason === 'age') {
      if (isUsableTimestamp(meta.timestamp, plan.now) && meta.timestamp < rule.before) return rule
    } else if (meta.seq < rule.below) {
      return rule
    }
  }
  return null
}

function sameTotal(a: RetentionPlan, b: RetentionPlan): boolean {
  return a.total.records === b.total.records && a.total.bytes === b.total.bytes
}

function toPlan(
  policy: RetentionPolicy,
  now: number,
  judge: Judge,
  tallies: Tallies,
): RetentionPlan {
  const counted = tallies.result(judge)
  return {
    policy,
    now,
    ...counted,
    rules: {
      event: rulesOf(judge, 'event'),
      audit: rulesOf(judge, 'audit'),
      dead_letter: rulesOf(judge, 'dead_letter'),
    },
    unmet: unmetLimits(policy, counted.kept, tallies.keptBytes),
  }
}

function rulesOf(judge: Judge, kind: RecordKind): PlanRule[] {
  return judge.steps(kind).flatMap((step): PlanRule[] => {
    const { limit, wanted } = step
    if (step.reason === 'age') return [{ reason: 'age', limit, wanted, before: step.before }]
    const { below } = step.meter
    return below === null ? [] : [{ reason: step.reason, limit, wanted, below }]
  })
}
