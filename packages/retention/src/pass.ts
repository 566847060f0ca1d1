import { throwIfAborted, type RecordMeta } from '@papyra/contracts'
import type { Judge } from './judge.js'
import { kindsUpTo, unusableIn, type KindSummary, type Summary } from './summary.js'
import type { Tallies } from './tallies.js'
import { isPlausibleTimestamp, isUsableTimestamp } from './timestamps.js'

const ABORT_CHECK_EVERY = 1024

/** What one pass works on. */
export interface Pass {
  readonly judge: Judge
  readonly tallies: Tallies
  readonly now: number
  /** Records with a greater number are passed over. */
  readonly upTo: number
  readonly signal: AbortSignal | undefined
}

type Item = RecordMeta | readonly RecordMeta[] | Summary

/** Judges and counts all records, newest first; those of a summary unread where that is certain. */
export async function runPass(items: AsyncIterable<Item>, pass: Pass): Promise<void> {
  const { judge, tallies, upTo, signal } = pass
  throwIfAborted(signal)
  let untilCheck = ABORT_CHECK_EVERY
  const visit = (meta: RecordMeta): void => {
    if (!(meta.seq > upTo)) tallies.add(meta, judge.judge(meta))
    if (--untilCheck > 0) return
    throwIfAborted(signal)
    untilCheck = ABORT_CHECK_EVERY
  }
  /** The oldest so far of which it is not known where its records without a usable time are. */
  let unplaced: Summary | null = null
  const visitSummary = async (item: Summary): Promise<void> => {
    throwIfAborted(signal)
    const done = await judgeUnread(item, pass)
    if (done !== null) {
      if (done.unusable !== 'none') unplaced = done.unusable === 'unplaced' ? item : null
    } else if (item.parts !== undefined) {
      for await (const part of item.parts(stopping(signal))) await visitSummary(part)
    } else for await (const batch of read(item, signal)) batch.forEach(visit)
  }
  for await (const item of items) {
    if (isBatch(item)) for (const meta of item) visit(meta)
    else if (isSummary(item)) await visitSummary(item)
    else visit(item)
  }
  if (unplaced !== null) await placeUnusable(unplaced, pass)
  throwIfAborted(signal)
}

function isBatch(item: Item): item is readonly RecordMeta[] {
  return Array.isArray(item)
}

function isSummary(item: RecordMeta | Summary): item is Summary {
  return 'metas' in item
}

function read(
  summary: Summary,
  signal: AbortSignal | undefined,
): AsyncIterable<readonly RecordMeta[]> {
  return summary.metas(stopping(signal))
}

function stopping(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

/** `null` if its records have to be judged one by one; then nothing was counted. */
async function judgeUnread(
  summary: Summary,
  pass: Pass,
): Promise<{ readonly unusable: 'none' | 'placed' | 'unplaced' } | null> {
  const { judge, tallies, now, upTo } = pass
  const kinds = kindsUpTo(summary.kinds, upTo)
  if (kinds === null) return null
  const unusable = new Map<KindSummary, number>()
  for (const kind of kinds) {
    const count = unusableIn(kind, now)
    if (count === null) return null
    unusable.set(kind, count)
  }
  const unplaced = kinds.some((kind) => ![0, kind.records].includes(unusable.get(kind) ?? 0))
  if (unplaced && !tallies.hasUnusable) return null
  if (!tallies.hasTime) await findTime(summary, kinds, pass)
  const steps = judge.judgeGroup(kinds)
  if (steps === null) return null
  for (const [kind, step] of steps) tallies.addKind(kind, step, unusable.get(kind) ?? 0)
  if (unplaced) return { unusable: 'unplaced' }
  return { unusable: [...unusable.values()].some((count) => count > 0) ? 'placed' : 'none' }
}

/** Finds the time of its newest record that has a plausible one, reading no further than that. */
async function findTime(
  summary: Summary,
  kinds: readonly KindSummary[],
  { tallies, upTo, signal }: Pass,
): Promise<void> {
  const times = kinds.flatMap(({ minTimestamp, maxTimestamp }) =>
    minTimestamp === null || maxTimestamp === null ? [] : [minTimestamp, maxTimestamp],
  )
  const [one] = times
  if (one === undefined) return
  if (times.every((time) => time === one)) {
    tallies.sawTime(one)
    return
  }
  for await (const batch of read(summary, signal)) {
    const newest = batch.find(
      ({ seq, timestamp }) => seq <= upTo && isPlausibleTimestamp(timestamp),
    )
    if (newest === undefined) continue
    tallies.sawTime(newest.timestamp)
    return
  }
}

async function placeUnusable(
  summary: Summary,
  { tallies, now, upTo, signal }: Pass,
): Promise<void> {
  for await (const batch of read(summary, signal)) {
    for (const { seq, timestamp } of batch) {
      if (seq <= upTo && !isUsableTimestamp(timestamp, now)) tallies.sawUnusable(seq)
    }
  }
}
