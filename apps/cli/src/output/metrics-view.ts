import { METRIC_DEFINITIONS, type MetricsSnapshot } from '@papyra/contracts'
import { countText, plural, timeText } from './format.js'
import type { StoredAccounts } from '../accounts.js'
import type { Output } from './output.js'
import { tableLines } from './table.js'

/** Every number of a store: in all, and since the last reset. */
export async function showMetrics(out: Output, metrics: MetricsSnapshot): Promise<void> {
  const rows = METRIC_DEFINITIONS.map(({ key, name, type }) => [
    name,
    type,
    countText(metrics.totals[key]),
    type === 'gauge' ? '-' : countText(metrics.sinceReset[key]),
  ])
  const since = metrics.resetAt === null ? 'never reset' : `reset ${timeText(metrics.resetAt)}`
  await out.line(`counted since ${timeText(metrics.createdAt)}, ${since}`)
  await out.lines(tableLines(['METRIC', 'TYPE', 'TOTAL', 'SINCE RESET'], rows))
  const { anomalies = {}, errors = {} } = metrics.byCode ?? {}
  for (const [what, counts] of Object.entries({ anomalies, errors })) {
    const each = Object.entries(counts).map(([code, count]) => `${countText(count)} ${code}`)
    if (each.length > 0) await out.line(`${what} by code: ${each.join(', ')}`)
  }
}

/** What became of the facts that were handed in; each line but the last adds up to the first. */
export async function showAccounts(out: Output, accounts: StoredAccounts): Promise<void> {
  const { since, asOf, offered, written, waiting, dropped, unaccounted, metricsReadAt } = accounts
  const rows = [
    ['offered', offered],
    ['written', written],
    ['waiting', waiting],
    ...Object.entries(dropped).map(([reason, count]) => [`dropped: ${reason}`, count] as const),
  ] as const
  const { scrape, export: exported } = metricsReadAt
  const when = (at: number | null): string => (at === null ? 'never' : timeText(at))
  await out.line(`numbers last scraped: ${when(scrape)}, last exported: ${when(exported)}`)
  await out.line('')
  await out.line(`facts handed in since ${timeText(since)}, as of ${timeText(asOf)}`)
  await out.lines(
    tableLines(
      ['FACTS', 'TOTAL'],
      rows.map(([name, count]) => [name, countText(count)]),
    ),
  )
  const { runs, atMost } = unaccounted
  if (runs === 0) return
  const bound = atMost === null ? 'an unknown number of facts' : `at most ${plural(atMost, 'fact')}`
  const owners = runs === 1 ? '1 owner' : `${countText(runs)} owners`
  await out.line(`unaccounted: ${bound}, of ${owners} that ended without closing`)
}
