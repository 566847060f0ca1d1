import type { Findings } from './findings.js'
import { many } from './findings.js'
import type { JudgeContext } from './judge-context.js'
import { judgeStretch } from './judge-stretch.js'
import { missingIn } from './losses.js'
import type { Gap, Stretch } from './scan-items.js'
import type { WalkResult } from './walk-types.js'

/** Decides what the end of the log means: torn, cut, damaged, or being written. */
export function judgeTail(
  walk: WalkResult,
  tailGap: Gap | null,
  context: JudgeContext,
  findings: Findings,
): { inFlight: boolean } {
  const { size, ackedEnd } = context
  const { tail, soundEnd } = walk
  const gaps = tailGap === null ? [] : [tailGap]
  const { records } = missingIn(gaps)
  const own =
    tail === null ? [] : walk.numbers.gaps.filter((gap) => !gap.dead && gap.cause === tail)
  const rolledBack = context.olderCopy || (records > 0 && wasCut(walk, context))
  if (rolledBack) {
    // The bytes of a line that was cut off belong to it.
    const start = tail !== null && tail.salvaged === 0 ? tail.offset : soundEnd
    rollBack(start, gaps, context, findings)
    if (tail === null || tail.salvaged === 0) return { inFlight: false }
  }
  if (tail === null) {
    if (records > 0 && !rolledBack) rollBack(soundEnd, gaps, context, findings)
    else if (!rolledBack) judgeCleanEnd(walk, context, findings)
    return { inFlight: false }
  }
  const ordinary =
    tail.salvaged > 0 || tail.kind === 'head' || tail.unreadable >= 0 || isForeign(tail, walk)
  if (ordinary || records > 0) {
    judgeStretch(tail, rolledBack ? own : [...own, ...gaps], context, findings)
    return { inFlight: false }
  }
  if (ackedEnd !== null && soundEnd < ackedEnd) {
    judgeStretch(size < ackedEnd ? { ...tail, markLike: true } : tail, [], context, findings)
    return { inFlight: false }
  }
  return tornTail(tail, context, findings)
}

/** True if the log is shorter than it was, as far as anything tells. */
function wasCut(
  { tail, soundEnd }: WalkResult,
  { size, ackedEnd, closedSize }: JudgeContext,
): boolean {
  if (ackedEnd !== null) return size < ackedEnd || soundEnd >= ackedEnd
  if (closedSize !== null) return size < closedSize
  return tail === null || tail.foreign === 0
}

function isForeign(tail: Stretch, walk: WalkResult): boolean {
  return walk.endsWithLine && tail.lines > 0 && (tail.foreign === tail.lines || tail.maybeForeign)
}

function rollBack(
  start: number,
  gaps: readonly Gap[],
  context: JudgeContext,
  findings: Findings,
): void {
  const { records, seq } = missingIn(gaps)
  const detail = context.olderCopy
    ? `An older copy of the log was put back; ${many(records, 'record')} known to have been acknowledged missing.`
    : `The log ends here, but ${many(records, 'more record')} had been acknowledged.`
  findings.log(
    'rolled_back',
    { offset: start, end: context.size },
    { seq, records, loss: records > 0, detail },
  )
  findings.aside('rolled_back', start, context.size)
  findings.lose('rolled_back', gaps)
}

function judgeCleanEnd(
  walk: WalkResult,
  { ackedEnd, hasHead, size }: JudgeContext,
  findings: Findings,
): void {
  const { lacksEnd, soundEnd, open } = walk
  if (!hasHead && size === 0 && findings.inLog === 0) {
    findings.log('head_damaged', { offset: 0 }, { detail: 'The log is empty: its head is gone.' })
    return
  }
  if (lacksEnd !== null) {
    findings.log('torn_tail', lacksEnd, { detail: 'The last line is whole but for its end.' })
  } else if (findings.inLog === 0 && open.dueAt >= 0) {
    const detail = 'A block mark is missing: more records follow than belong into a block.'
    findings.log('block_mark_damaged', { offset: open.dueAt }, { detail })
  } else if (findings.inLog === 0 && ackedEnd !== null && soundEnd < ackedEnd) {
    const detail = 'The last block mark is missing.'
    findings.log('block_mark_damaged', { offset: soundEnd }, { detail })
  }
}

function tornTail(tail: Stretch, context: JudgeContext, findings: Findings): { inFlight: boolean } {
  if (context.ownerAlive) return { inFlight: true }
  const { offset } = tail
  const detail = 'The log ends with bytes that were never acknowledged.'
  findings.log('torn_tail', { offset, end: context.size }, { detail })
  findings.aside('torn_tail', offset, context.size)
  return { inFlight: false }
}
