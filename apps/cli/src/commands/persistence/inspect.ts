import type { StoreDescription } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { bytesText, countText, timeText } from '../../output/format.js'
import { showMetrics } from '../../output/metrics-view.js'
import { showLossesRecorded } from '../../output/recovery-view.js'
import { pairLines, tableLines } from '../../output/table.js'
import { policyText } from '../../policy.js'
import { resolveStore, withBackend } from '../../store.js'

const HISTORY_SHOWN = 20

/** `papyra persistence inspect`: what a store says of itself, without being read through. */
export async function run(context: Context): Promise<number> {
  const { args, out } = context
  const store = await resolveStore(context)
  const description = await withBackend(context, store, 'read', (backend) => backend.describe())
  await out.lines(pairLines(facts(description)))
  await showHistory(context, description)
  if (description.losses.length > 0) {
    await out.line('')
    await out.line(['bold', 'recorded losses'])
    await showLossesRecorded(out, description.losses)
  }
  if (args.flag('show-metrics')) {
    await out.line('')
    await showMetrics(out, description.metrics)
  }
  await out.document('papyra.inspect/1', EXIT.ok, description)
  return EXIT.ok
}

function facts(description: StoreDescription): [string, string][] {
  const { owner, clean, lastSeq } = description
  return [
    ['store', description.location],
    ['backend', `${description.backend}, ${description.format}`],
    ['log', `${description.logId ?? '-'}, generation ${description.generation ?? '-'}`],
    ['created', timeText(description.createdAt)],
    ['size', bytesText(description.bytes)],
    ['records', countText(description.metrics.totals.recordsStored)],
    ['last seq', lastSeq === null ? '-' : String(lastSeq)],
    ['compacted through', String(description.compactedThrough)],
    ['closed cleanly', clean === null ? 'unknown' : clean ? 'yes' : 'no'],
    [
      'retention',
      `${policyText(description.retention)}${description.retention === null ? '' : ' (recorded by its last owner)'}`,
    ],
    [
      'owner',
      owner === null
        ? 'none'
        : `pid ${owner.pid ?? '?'} on ${owner.host ?? '?'} since ${timeText(owner.since)}`,
    ],
  ]
}

async function showHistory({ out }: Context, { history }: StoreDescription): Promise<void> {
  if (history.length === 0) return
  const rows = history
    .slice(-HISTORY_SHOWN)
    .map(({ at, what, generation, recordsRemoved, bytesRemoved, detail }) => [
      timeText(at),
      what,
      String(generation),
      countText(recordsRemoved),
      bytesText(bytesRemoved),
      detail,
    ])
  await out.line('')
  await out.lines(
    tableLines(['TIME', 'WHAT', 'GENERATION', 'RECORDS REMOVED', 'BYTES', 'DETAIL'], rows),
  )
  const hidden = history.length - rows.length
  if (hidden > 0) await out.line(`... and ${countText(hidden)} earlier entries (--json has all)`)
}
