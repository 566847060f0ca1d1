import type { CompactionReport } from '@papyra/contracts'
import { bytesText, countText, durationText, rangeText } from './format.js'
import type { Output } from './output.js'
import { showNotices } from './scan-view.js'
import { tableLines } from './table.js'

const HEADER = ['KIND', 'REASON', 'LIMIT', 'RECORDS', 'BYTES', 'SEQ']

/** What would go, on standard error, before it goes. */
export async function showCompactionPlan(out: Output, plan: CompactionReport): Promise<void> {
  if (out.json || plan.dropped.length === 0) return
  await out.note(['bold', 'plan:'], `  ${changeText(plan)}`)
  for (const line of dropLines(plan)) await out.note(`  ${line}`)
}

/** What went, or on a dry run would go. */
export async function showCompaction(out: Output, report: CompactionReport): Promise<void> {
  const { dryRun, changed, verified, location } = report
  if (dryRun) {
    await out.line(['bold', 'dry run'], `  ${location}  ${changeText(report)}; nothing was changed`)
    for (const line of dropLines(report)) await out.line(`  ${line}`)
  } else if (!changed) {
    await out.line(
      'nothing to remove',
      `  ${location}  ${countText(report.records.before)} records are all within retention`,
    )
  } else {
    const state = verified === true ? ', verified' : ''
    await out.line(
      ['green', 'compacted'],
      `  ${location}  ${changeText(report)}${state}, ${durationText(report.durationMs)}`,
    )
  }
  for (const { limit, wanted, actual, detail } of report.unmet) {
    await out.warn(
      `${limit} is not met: wanted ${countText(wanted)}, ${countText(actual)} remain. ${detail}`,
    )
  }
  await showNotices(out, { notices: report.notices, losses: [] })
}

function changeText({ records, bytes }: CompactionReport): string {
  return [
    `records ${countText(records.before)} -> ${countText(records.after)}`,
    `size ${bytesText(bytes.before)} -> ${bytesText(bytes.after)}`,
  ].join(', ')
}

function dropLines({ dropped }: CompactionReport): string[] {
  if (dropped.length === 0) return []
  return tableLines(
    HEADER,
    dropped.map(({ kind, reason, limit, records, bytes, seq }) => [
      kind,
      reason,
      limit,
      countText(records),
      bytesText(bytes),
      rangeText(seq),
    ]),
  )
}
