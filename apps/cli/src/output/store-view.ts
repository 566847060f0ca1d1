import type { HistoryEntry, StoreDescription } from '@papyra/contracts'
import type { Expired } from '../expired.js'
import { policyText } from '../policy.js'
import {
  ageText,
  bytesText,
  countText,
  durationText,
  plural,
  rangeText,
  timeText,
} from './format.js'
import type { Output } from './output.js'
import { dropsText, segmentsText } from './segments-view.js'
import { tableLines } from './table.js'

const HISTORY_SHOWN = 20

/** `name   value` for all that a store says of itself and what its policy means for it now. */
export function storeFacts(
  description: StoreDescription,
  expired: Expired,
  now: number,
): [string, string][] {
  const { owner, clean, lastSeq, segments, verifiedAt } = description
  const last = description.history.findLast(({ what }) => what === 'compaction')
  return [
    ['store', description.location],
    ['backend', `${description.backend}, ${description.format}`],
    ['log', `${description.logId ?? '-'}, generation ${description.generation ?? '-'}`],
    ['created', timeText(description.createdAt)],
    ['size', bytesText(description.bytes)],
    ...(segments === null ? [] : [['segments', segmentsText(segments, now)] as [string, string]]),
    ['records', countText(description.metrics.totals.recordsStored)],
    ['last seq', lastSeq === null ? '-' : String(lastSeq)],
    ['compacted through', String(description.compactedThrough)],
    ['closed cleanly', clean === null ? 'unknown' : clean ? 'yes' : 'no'],
    [
      'owner',
      owner === null
        ? 'none'
        : `pid ${owner.pid ?? '?'} on ${owner.host ?? '?'} since ${timeText(owner.since)}`,
    ],
    ['last verified', verifiedAt === null ? 'not by an owner' : timeAgo(verifiedAt, now)],
    ...policyFacts(description, expired),
    ['expired', expiredText(expired)],
    ['last compaction', last === undefined ? 'none' : lastText(last, now)],
  ]
}

/** The policy in force and who states it; the recorded one beside it where that is another. */
function policyFacts(
  { retention: recorded }: StoreDescription,
  { policy, from }: Expired,
): [string, string][] {
  const inForce = policyText(policy)
  const source = from === null ? '' : `  (from ${from})`
  return [
    ['retention', `${inForce}${source}`],
    ...(policyText(recorded) === inForce || recorded === null
      ? []
      : [['recorded policy', policyText(recorded)] as [string, string]]),
  ]
}

function expiredText({ policy, records, bytes, refusal }: Expired): string {
  const would = refusal === null ? '' : `; a compaction would be refused: ${refusal.code}`
  if (policy === null) return 'nothing ever: no retention policy is set'
  if (records === null) return `cannot be told: ${refusal?.code}: ${refusal?.message}`
  if (records === 0) return `nothing${would}`
  return `${plural(records, 'record')}, ${bytesText(bytes ?? 0)}, hidden and not compacted yet${would}`
}

const timeAgo = (time: number, now: number): string =>
  `${timeText(time)} (${ageText(now - time)} ago)`

function lastText({ at, trigger, durationMs, ...went }: HistoryEntry, now: number): string {
  return [
    timeAgo(at, now),
    ...(trigger === undefined ? [] : [`by ${trigger}`]),
    ...(durationMs === undefined ? [] : [`took ${durationText(durationMs)}`]),
    `removed ${plural(went.recordsRemoved, 'record')}, ${bytesText(went.bytesRemoved)}`,
  ].join(', ')
}

/** What a compaction would delete now, by kind and limit. */
export async function showExpired(out: Output, { dropped }: Expired): Promise<void> {
  if (dropped.length === 0) return
  const rows = dropped.map(({ kind, reason, limit, records, bytes, seq }) => [
    kind,
    reason,
    limit,
    countText(records),
    bytesText(bytes),
    rangeText(seq),
  ])
  await out.line('')
  await out.line(['bold', 'expired, not compacted yet'])
  await out.lines(tableLines(['KIND', 'REASON', 'LIMIT', 'RECORDS', 'BYTES', 'SEQ'], rows))
}

const HISTORY = ['TIME', 'WHAT', 'GENERATION', 'RECORDS REMOVED', 'BYTES', 'BY', 'TOOK', 'DETAIL']

/** The last maintenance runs, the newest last. */
export async function showHistory(out: Output, { history }: StoreDescription): Promise<void> {
  if (history.length === 0) return
  const rows = history
    .slice(-HISTORY_SHOWN)
    .map(({ at, what, generation, recordsRemoved, bytesRemoved, ...more }) => [
      timeText(at),
      what,
      String(generation),
      countText(recordsRemoved),
      bytesText(bytesRemoved),
      more.trigger ?? '-',
      more.durationMs === undefined ? '-' : durationText(more.durationMs),
      more.dropped === undefined || more.dropped.length === 0
        ? more.detail
        : dropsText(more.dropped),
    ])
  await out.line('')
  await out.line(['bold', 'history'])
  await out.lines(tableLines(HISTORY, rows))
  const hidden = history.length - rows.length
  if (hidden > 0) await out.line(`... and ${countText(hidden)} earlier entries (--json has all)`)
}
