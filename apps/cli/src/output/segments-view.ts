import { basename } from 'node:path'
import type { DropSummary, PlannedFile, SegmentDescription } from '@papyra/contracts'
import type { Expired } from '../expired.js'
import { ageText, bytesText, countText, plural, rangeText } from './format.js'
import { tableLines } from './table.js'

const HEADER = ['FILE', 'STATE', 'SEQ', 'RECORDS', 'SIZE', 'OLDEST', 'NEWEST', 'KINDS', 'HIDDEN']

/** One line a segment, the oldest first; ages are those of its records. */
export function segmentLines(
  segments: readonly SegmentDescription[],
  { files, records }: Expired,
  now: number,
): string[] {
  const plans = new Map(files.map((file) => [file.path, file]))
  const rows = segments.map((segment) => [
    basename(segment.path),
    segment.state,
    segment.lastSeq < segment.firstSeq
      ? `${segment.firstSeq}-`
      : rangeText({ first: segment.firstSeq, last: segment.lastSeq }),
    countText(segment.records),
    bytesText(segment.bytes),
    ago(segment.minTimestamp, now),
    ago(segment.maxTimestamp, now),
    kindsText(segment),
    records === null ? '?' : hiddenText(segment, plans.get(segment.path)),
  ])
  return tableLines(HEADER, rows)
}

const ago = (time: number | null, now: number): string =>
  time === null ? '-' : ageText(now - time)

function kindsText({ kinds }: SegmentDescription): string {
  const texts = Object.entries(kinds).map(([kind, { records }]) => `${kind} ${countText(records)}`)
  return texts.length === 0 ? '-' : texts.join(', ')
}

function hiddenText({ records }: SegmentDescription, plan: PlannedFile | undefined): string {
  const { dropped = [] } = plan ?? {}
  const hidden = dropped.reduce((sum, one) => sum + one.records, 0)
  if (hidden === 0) return '-'
  return `${hidden === records ? 'all' : countText(hidden)}: ${dropsText(dropped)}`
}

/** `event 120 by maxRecords, audit 3 by perKind.audit.maxAgeSeconds`. */
export function dropsText(dropped: readonly DropSummary[]): string {
  return dropped
    .map(({ kind, records, limit }) => `${kind} ${countText(records)} by ${limit}`)
    .join(', ')
}

/** How many, how large, from when to when, in one line. */
export function segmentsText(segments: readonly SegmentDescription[], now: number): string {
  const sizes = segments.map(({ bytes }) => bytes)
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  const times = (key: 'minTimestamp' | 'maxTimestamp'): number[] =>
    segments.flatMap((segment) => segment[key] ?? [])
  const sealed = segments.filter(({ state }) => state === 'sealed').length
  const oldest = times('minTimestamp').reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const newest = times('maxTimestamp').reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  return [
    `${plural(segments.length, 'segment')} (${countText(sealed)} sealed), ${bytesText(total)}`,
    ...(sizes.length === 0
      ? []
      : [
          `${bytesText(sizes.reduce((a, b) => Math.min(a, b)))} to ${bytesText(sizes.reduce((a, b) => Math.max(a, b)))} each`,
        ]),
    ...(oldest <= newest
      ? [`records from ${ageText(now - oldest)} to ${ageText(now - newest)} old`]
      : []),
  ].join(', ')
}
