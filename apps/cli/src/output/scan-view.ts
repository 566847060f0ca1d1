import { ANOMALY_CODES, NOTICE_CODES, type Anomaly, type ScanReport } from '@papyra/contracts'
import { bytesText, countText, durationText, plural, rangeText } from './format.js'
import type { Output, Span } from './output.js'
import { tableLines } from './table.js'

const COVERAGE = {
  full: 'every byte verified',
  quick: 'closed cleanly and untouched since: what was verified before was not read again',
  structure: 'a plain log has no checksums: structure only',
} as const

/** The state in one line: `clean` or the anomalies by code. */
export function verdict(report: ScanReport): Span[] {
  if (report.clean) return [['green', 'clean'], `  ${report.location}`]
  const counts = Object.entries(report.anomalyCounts).map(
    ([code, count]) => `${countText(count)} ${code}`,
  )
  return [
    ['red', plural(report.anomaliesTotal, 'anomaly')],
    `  ${report.location}  (${counts.join(', ')})`,
  ]
}

/** What a scan found, for a person at three in the morning: the state, the places, what they mean. */
export async function showScan(out: Output, report: ScanReport, listAtMost: number): Promise<void> {
  await out.line(...verdict(report))
  await out.line(`  ${factsText(report)}`)
  if (report.unproven !== null) {
    await out.line(
      ['yellow', '  not proven:'],
      ` the store was not closed; that nothing beyond seq ${report.unproven.after} was acknowledged cannot be shown`,
    )
  }
  if (report.anomalies.length > 0) await showAnomalies(out, report, listAtMost)
  await showNotices(out, report)
}

function factsText(report: ScanReport): string {
  const facts = [
    report.records === null ? null : plural(report.records, 'record'),
    bytesText(report.bytes),
    report.lastSeq === null
      ? null
      : `seq ${rangeText({ first: report.firstSeq ?? report.lastSeq, last: report.lastSeq })}`,
    report.generation === null ? null : `generation ${report.generation}`,
    report.logId === null ? null : `log ${report.logId}`,
    COVERAGE[report.coverage],
    durationText(report.durationMs),
  ]
  return facts.filter((fact) => fact !== null).join(', ')
}

async function showAnomalies(out: Output, report: ScanReport, listAtMost: number): Promise<void> {
  const listed = report.anomalies.slice(0, listAtMost)
  const rows = listed.map((anomaly) => [
    anomaly.code,
    placeText(anomaly),
    anomaly.seq === null ? '-' : rangeText(anomaly.seq),
    anomaly.detail,
  ])
  await out.line('')
  await out.lines(tableLines(['CODE', 'PLACE', 'SEQ', 'DETAIL'], rows))
  const hidden = report.anomaliesTotal - listed.length
  if (hidden > 0)
    await out.line(
      `... and ${countText(hidden)} more (--max-anomalies N lists more; counts above are complete)`,
    )
  for (const [code, count] of Object.entries(report.anomalyCounts)) {
    const explained = Object.hasOwn(ANOMALY_CODES, code)
      ? ANOMALY_CODES[code as keyof typeof ANOMALY_CODES]
      : null
    if (explained === null) continue
    await out.line('')
    await out.line(['bold', code], ` (${countText(count)}): ${explained.meaning}`)
    await out.line(`  repair:     ${explained.repair}`)
    await out.line(`  what to do: ${explained.action}`)
  }
}

/** `path:offset+length`, ready for `dd` or `tail -c`. */
export function placeText({
  path,
  offset,
  length,
}: Pick<Anomaly, 'path' | 'offset' | 'length'>): string {
  if (offset === null) return path
  return length === null ? `${path}:${offset}` : `${path}:${offset}+${length}`
}

const NOTICES_SHOWN = 20

type Remarks = Pick<ScanReport, 'notices' | 'losses'>

/** Notices are remarks: they do not count against the store. Losses are told all in one. */
export async function showNotices(out: Output, { notices, losses }: Remarks): Promise<void> {
  if (out.json) return
  const others = notices.filter(({ code }) => code !== 'recorded_loss')
  for (const { code, detail } of others.slice(0, NOTICES_SHOWN)) {
    const action = Object.hasOwn(NOTICE_CODES, code) ? NOTICE_CODES[code].action : ''
    const advice = action.startsWith('Nothing to do') ? '' : ` ${action}`
    await out.note(['cyan', `notice: ${code}:`], ` ${detail}${advice}`)
  }
  const hidden = others.length - NOTICES_SHOWN
  if (hidden > 0) await out.note(`... and ${countText(hidden)} more notices (--json has all)`)
  if (losses.length === 0) return
  const lost = losses.reduce((sum, { records }) => sum + records, 0)
  await out.note(
    ['cyan', 'notice: recorded_loss:'],
    ` earlier recoveries recorded ${plural(lost, 'record')} as lost, in ${plural(losses.length, 'entry')}; \`papyra persistence inspect\` lists them`,
  )
}

/** The command that comes next, as it can be typed. */
export async function showNext(out: Output, steps: readonly string[]): Promise<void> {
  await out.line('')
  await out.line(['bold', 'next:'])
  for (const step of steps) await out.line(`  ${step}`)
}
