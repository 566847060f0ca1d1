import { basename } from 'node:path'
import type { CompactionPlan, CompactionReport, DropSummary } from '@papyra/contracts'
import { bytesText, countText, durationText, plural, rangeText, timeText } from './format.js'
import type { Output } from './output.js'
import { showNotices } from './scan-view.js'
import { tableLines } from './table.js'

const HEADER = ['KIND', 'REASON', 'LIMIT', 'RECORDS', 'BYTES', 'SEQ']
/** How many rows of a plan are shown; JSON has all. */
const ROWS_SHOWN = 60

/** What would go, on standard error, before it goes. */
export async function showCompactionPlan(out: Output, report: CompactionReport): Promise<void> {
  if (out.json || report.dropped.length === 0) return
  await out.note(['bold', 'plan:'], `  ${changeText(report)}`)
  for (const line of dropLines(report)) await out.note(`  ${line}`)
}

/** What went, or on a dry run would go. */
export async function showCompaction(out: Output, report: CompactionReport): Promise<void> {
  const { dryRun, changed, verified, location, plan } = report
  if (dryRun) {
    await out.line(['bold', 'dry run'], `  ${location}  ${changeText(report)}; nothing was changed`)
    for (const line of dropLines(report)) await out.line(`  ${line}`)
    if (plan?.files !== undefined && plan.files.length > 0) await showFiles(out, plan)
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

/** The id of a plan, how long it holds, and the command that carries it out. */
export async function showPlanId(
  out: Output,
  { id, at, through }: CompactionPlan,
  command: string,
): Promise<void> {
  await out.line('')
  await out.line(['bold', 'plan:'], `  ${id}`)
  await out.line(
    `  ages as of ${timeText(at)}, records up to seq ${through}; stale once the store is compacted or recovered`,
  )
  await out.line(['bold', 'to carry it out:'], `  ${command}`)
}

const FILES = ['FILE', 'ACTION', 'HOLDS', 'SIZE', 'KIND', 'REASON', 'LIMIT', 'GOES', 'BYTES', 'SEQ']

/** A row for each limit that takes from a file. */
async function showFiles(out: Output, { files }: CompactionPlan): Promise<void> {
  const rows = files.flatMap(({ path, action, records, bytes, dropped }) => {
    const file = [basename(path), action, countText(records), bytesText(bytes)]
    return dropped.map((one) => [...file, ...dropCells(one)])
  })
  const actions = [
    ['drop', 'to drop unread'],
    ['rewrite', 'to rewrite'],
  ].flatMap(([wanted, what]) => {
    const count = files.filter(({ action }) => action === wanted).length
    return count === 0 ? [] : [`${plural(count, 'file')} ${what}`]
  })
  await out.line('')
  await out.line(`  ${actions.join(', ')}`)
  for (const line of tableLines(FILES, rows.slice(0, ROWS_SHOWN))) await out.line(`  ${line}`)
  const hidden = rows.length - ROWS_SHOWN
  if (hidden > 0) await out.line(`  ... and ${plural(hidden, 'more row')} (--json has all)`)
}

function changeText({ records, bytes }: CompactionReport): string {
  return [
    `records ${countText(records.before)} -> ${countText(records.after)}`,
    `size ${bytesText(bytes.before)} -> ${bytesText(bytes.after)}`,
  ].join(', ')
}

function dropLines({ dropped }: CompactionReport): string[] {
  return dropped.length === 0 ? [] : tableLines(HEADER, dropped.map(dropCells))
}

function dropCells({ kind, reason, limit, records, bytes, seq }: DropSummary): string[] {
  return [kind, reason, limit, countText(records), bytesText(bytes), rangeText(seq)]
}
