import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { showMetrics } from '../../output/metrics-view.js'
import { resolveStore, withBackend } from '../../store.js'

/** `papyra metrics reset`: a new baseline; the totals stay. */
export async function run(context: Context): Promise<number> {
  const { out } = context
  const store = await resolveStore(context)
  const metrics = await withBackend(context, store, 'write', (backend) => backend.resetMetrics())
  await out.line(['green', 'baseline recorded'], '; totals are kept')
  await showMetrics(out, metrics)
  await out.document('papyra.metrics/1', EXIT.ok, { source: 'store', ...metrics })
  return EXIT.ok
}
