import {
  PapyraError,
  isRecordKind,
  type RecordKind,
  type RecordMeta,
  type RetentionPolicy,
} from '@papyra/contracts'
import { judgeTogether } from './judge-group.js'
import { Meter } from './meter.js'
import type { AgeStep, DroppingStep, SizeStep, Step, TallyStep, WideMeters } from './steps.js'
import { checkKinds, type KindSummary } from './summary.js'
import { isUsableTimestamp } from './timestamps.js'

/** What is set aside, of the log-wide limits, for records that those limits may not take. */
export interface Reserved {
  readonly records: number
  readonly bytes: number
}

/**
 * The rules applied to records as they come, newest first. Holds a few numbers a limit, never
 * anything of the records.
 */
export interface Judge {
  /** The step that drops the record; `null` if it is kept. Once for each record, newest first. */
  judge(meta: RecordMeta): DroppingStep | null
  /**
   * The same for records that are known by their sums, as if each had been judged: the step that
   * drops all of a kind, or `null` where all are kept. If it depends on single records it gives
   * `null` for the whole, and nothing has happened.
   */
  judgeGroup(kinds: readonly KindSummary[]): ReadonlyMap<KindSummary, DroppingStep | null> | null
  /** The dropping steps of a kind in the order in which they are applied. */
  steps(kind: RecordKind): readonly DroppingStep[]
  readonly wide: WideMeters
}

export function createJudge(policy: RetentionPolicy, now: number, reserved: Reserved): Judge {
  const wide = {
    count: newMeter(policy.maxRecords, reserved.records, false),
    bytes: newMeter(policy.maxTotalBytes, reserved.bytes, true),
  }
  const chains = {
    event: chain(policy, 'event', now, wide),
    audit: chain(policy, 'audit', now, wide),
    dead_letter: chain(policy, 'dead_letter', now, wide),
  }
  const unknownChain = [...tally('count', wide.count), ...tally('bytes', wide.bytes)]
  let lastSeq = Number.POSITIVE_INFINITY

  const stepsOf = (kind: string): readonly Step[] =>
    isRecordKind(kind) ? chains[kind] : unknownChain
  return {
    wide,
    steps: (kind) => chains[kind].filter((step) => step.reason !== 'tally'),
    judge(meta) {
      checkMeta(meta, lastSeq)
      lastSeq = meta.seq
      return applySteps(stepsOf(meta.kind), meta, now)
    },
    judgeGroup(kinds) {
      if (kinds.length === 0) return new Map()
      checkKinds(kinds)
      checkOrder(Math.max(...kinds.map((kind) => kind.lastSeq)), lastSeq)
      const together = judgeTogether(kinds, stepsOf, wide)
      if (together === null) return null
      together.commit()
      lastSeq = Math.min(...kinds.map((kind) => kind.firstSeq))
      return together.steps
    },
  }
}

function applySteps(steps: readonly Step[], meta: RecordMeta, now: number): DroppingStep | null {
  for (const step of steps) {
    if (step.reason === 'age') {
      if (isUsableTimestamp(meta.timestamp, now) && meta.timestamp < step.before) return step
    } else if (step.reason === 'tally') {
      step.meter.tally(step.unit === 'count' ? 1 : meta.bytes)
    } else if (!step.meter.take(step.reason === 'count' ? 1 : meta.bytes, meta.seq)) {
      return step
    }
  }
  return null
}

/** The law in one place: age, count, bytes of the kind; then age, count, bytes of the whole log. */
function chain(
  policy: RetentionPolicy,
  kind: RecordKind,
  now: number,
  wide: WideMeters,
): readonly Step[] {
  const own = policy.perKind?.[kind] ?? {}
  const prefix = `perKind.${kind}.`
  return [
    ...age(`${prefix}maxAgeSeconds`, own.maxAgeSeconds, now),
    ...size('count', `${prefix}maxRecords`, own.maxRecords, newMeter(own.maxRecords, 0, false)),
    ...size(
      'bytes',
      `${prefix}maxTotalBytes`,
      own.maxTotalBytes,
      newMeter(own.maxTotalBytes, 0, true),
    ),
    ...age('maxAgeSeconds', policy.maxAgeSeconds, now),
    ...(own.maxRecords === undefined
      ? size('count', 'maxRecords', policy.maxRecords, wide.count)
      : tally('count', wide.count)),
    ...(own.maxTotalBytes === undefined
      ? size('bytes', 'maxTotalBytes', policy.maxTotalBytes, wide.bytes)
      : tally('bytes', wide.bytes)),
  ]
}

function age(limit: string, wanted: number | undefined, now: number): AgeStep[] {
  return wanted === undefined ? [] : [{ reason: 'age', limit, wanted, before: now - wanted * 1000 }]
}

function size(
  reason: 'count' | 'bytes',
  limit: string,
  wanted: number | undefined,
  meter: Meter | null,
): SizeStep[] {
  return wanted === undefined || meter === null ? [] : [{ reason, limit, wanted, meter }]
}

function tally(unit: 'count' | 'bytes', meter: Meter | null): TallyStep[] {
  return meter === null ? [] : [{ reason: 'tally', unit, meter }]
}

function newMeter(
  wanted: number | undefined,
  reserved: number,
  sparesFirst: boolean,
): Meter | null {
  return wanted === undefined ? null : new Meter(wanted, reserved, sparesFirst)
}

function checkMeta(meta: RecordMeta, lastSeq: number): void {
  if (!Number.isSafeInteger(meta.seq) || meta.seq < 1) {
    throw new PapyraError('invalid_argument', `A record has the number ${String(meta.seq)}.`, {
      hint: 'Numbers are positive integers.',
    })
  }
  checkOrder(meta.seq, lastSeq)
  if (!Number.isSafeInteger(meta.bytes) || meta.bytes < 1) {
    throw new PapyraError(
      'invalid_argument',
      `Record ${meta.seq} has a size of ${String(meta.bytes)} bytes.`,
      {
        hint: 'A stored record takes at least one byte, its line end.',
        details: { seq: meta.seq },
      },
    )
  }
}

function checkOrder(seq: number, lastSeq: number): void {
  if (seq < lastSeq) return
  throw new PapyraError(
    'invalid_argument',
    `Record ${seq} came after record ${lastSeq}; retention needs each record once, newest first.`,
    { hint: 'Scan the store; a sound one never gives its records in this order.' },
  )
}
