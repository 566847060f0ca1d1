import {
  PapyraError,
  isRecordKind,
  throwIfAborted,
  type RecordKind,
  type RecordMeta,
  type RetentionPolicy,
} from '@papyra/contracts'
import { createJudge, type Judge, type Reserved } from './judge.js'
import type { PlanRule, RetentionPlan, Verdict } from './plan-types.js'
import { validatePolicy } from './policy.js'
import { createTallies, type Tallies } from './tallies.js'
import { checkNow, isUsableTimestamp } from './timestamps.js'
import { unmetLimits } from './unmet.js'

export interface PlanOptions {
  /** Wall time in ms since 1970, taken once for the whole run. */
  readonly now: number
  readonly signal?: AbortSignal
}

/** Reserved sums can depend on each other, one after the other: records first, then bytes. */
const MOST_PASSES = 3
const ABORT_CHECK_EVERY = 1024

/** Records, the greatest number first, one by one or many at a time, which is several times faster. */
export type Metas = AsyncIterable<RecordMeta | readonly RecordMeta[]>

/**
 * Decides what a policy keeps. `metas` is called once for a pass and gives every record once, the
 * greatest number first, alone or in batches; batches are looked at without waiting. One pass is enough unless a log-wide `maxRecords` or `maxTotalBytes` drops
 * something while records that it may not take count against it; then it is two, at most three.
 * Records that were appended after the first pass began are left out of the later ones. Memory use
 * does not depend on the number of records. Nothing is changed: the plan is only a decision.
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
  checkNow(options.now)
  let reserved: Reserved = { records: 0, bytes: 0 }
  let before: RetentionPlan | null = null
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    const judge = createJudge(checked, options.now, reserved)
    const tallies = createTallies(options.now)
    const upTo = before?.newestSeq ?? Number.POSITIVE_INFINITY
    await forEachMeta(metas(), options.signal, (meta) => {
      if (!(meta.seq > upTo)) tallies.add(meta, judge.judge(meta))
    })
    const plan = toPlan(checked, options.now, judge, tallies)
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

async function forEachMeta(
  records: Metas,
  signal: AbortSignal | undefined,
  visit: (meta: RecordMeta) => void,
): Promise<void> {
  throwIfAborted(signal)
  let untilCheck = ABORT_CHECK_EVERY
  const visitOne = (meta: RecordMeta): void => {
    visit(meta)
    if (--untilCheck > 0) return
    throwIfAborted(signal)
    untilCheck = ABORT_CHECK_EVERY
  }
  for await (const item of records) {
    if (!isBatch(item)) visitOne(item)
    else for (const meta of item) visitOne(meta)
  }
  throwIfAborted(signal)
}

function isBatch(item: RecordMeta | readonly RecordMeta[]): item is readonly RecordMeta[] {
  return Array.isArray(item)
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
