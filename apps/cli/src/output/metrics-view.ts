import { METRIC_DEFINITIONS, type MetricsSnapshot } from '@papyra/contracts'
import { countText, timeText } from './format.js'
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
}
