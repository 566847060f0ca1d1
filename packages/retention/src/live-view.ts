import {
  PapyraError,
  RECORD_KINDS,
  isRecordKind,
  type RecordKind,
  type RecordMeta,
  type RetentionPolicy,
} from '@papyra/contracts'
import { createJudge, type Judge } from './judge.js'
import type { Meter } from './meter.js'
import type { Verdict } from './plan-types.js'
import { validatePolicy } from './policy.js'
import { checkNow } from './timestamps.js'

export interface LiveViewOptions {
  /**
   * `possible` (the default): there may be records of kinds that this version does not know. They
   * count against log-wide limits, wherever they stand, so a view of such a policy is not possible.
   * `none`: the caller knows that there are none.
   */
  readonly unknownKinds?: 'possible' | 'none'
}

/** The verdicts of a policy on one pass over the records, newest first. */
export interface LiveView {
  /**
   * Whether the record is kept (`null`), or which limit drops it. To be called once for every
   * record, the greatest number first, kinds that are not asked for included. Throws
   * `invalid_argument` for records in another order, and for an unknown kind if there are to be none.
   */
  verdict(meta: RecordMeta): Verdict
  /**
   * True if no older record of these kinds can be kept any more, so that reading on is pointless.
   * Without `kinds` it speaks of every kind. Times need not follow numbers and unknown kinds are
   * always kept, so only size limits on known kinds ever exhaust a view.
   */
  exhausted(kinds?: readonly string[]): boolean
}

/**
 * True if a policy can be applied newest first without a pass over the records beforehand. That is
 * so unless a log-wide `maxRecords` or `maxTotalBytes` may take records of some kind, while older
 * records that it may not take (kinds with that limit of their own, unknown kinds) could count
 * against it.
 */
export function isStreamable(policy: RetentionPolicy, options: LiveViewOptions = {}): boolean {
  return (['maxRecords', 'maxTotalBytes'] as const).every((key) => {
    if (policy[key] === undefined) return true
    const withOwn = RECORD_KINDS.filter((kind) => policy.perKind?.[kind]?.[key] !== undefined)
    if (withOwn.length === RECORD_KINDS.length) return true
    return withOwn.length === 0 && options.unknownKinds === 'none'
  })
}

/**
 * A view for one pass, newest first, that agrees with the plan for the same records, policy and
 * `now` (wall time in ms). Throws `invalid_policy`, or `invalid_argument` if the policy is not
 * streamable: then make a plan.
 */
export function createLiveView(
  policy: RetentionPolicy,
  now: number,
  options: LiveViewOptions = {},
): LiveView {
  const checked = validatePolicy(policy)
  checkNow(now)
  if (!isStreamable(checked, options)) {
    throw new PapyraError(
      'invalid_argument',
      'A log-wide size limit of this policy cannot be applied without counting older records first.',
      { hint: 'Use planRetention, or state that there are no unknown kinds if that is known.' },
    )
  }
  const noneUnknown = options.unknownKinds === 'none'
  const judge = createJudge(checked, now, { records: 0, bytes: 0 })
  const meters = {
    event: metersOf(judge, 'event'),
    audit: metersOf(judge, 'audit'),
    dead_letter: metersOf(judge, 'dead_letter'),
  }
  const isFull = (kind: RecordKind): boolean => meters[kind].some((meter) => meter.full)
  return {
    verdict(meta) {
      if (noneUnknown && !isRecordKind(meta.kind)) throw unexpectedKind(meta)
      const step = judge.judge(meta)
      return step === null ? null : { reason: step.reason, limit: step.limit }
    },
    exhausted(kinds) {
      if (kinds === undefined) return noneUnknown && RECORD_KINDS.every(isFull)
      return kinds.every((kind) => isRecordKind(kind) && isFull(kind))
    },
  }
}

function metersOf(judge: Judge, kind: RecordKind): Meter[] {
  return judge.steps(kind).flatMap((step) => (step.reason === 'age' ? [] : [step.meter]))
}

function unexpectedKind(meta: RecordMeta): PapyraError {
  return new PapyraError(
    'invalid_argument',
    `Record ${meta.seq} is of a kind that this version does not know, but there were to be none.`,
    { hint: 'Use planRetention.', details: { seq: meta.seq } },
  )
}
