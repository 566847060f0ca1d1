import type { MetricsSnapshot } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { showMetrics } from '../../output/metrics-view.js'
import { currentMetrics, type MetricsSource } from '../../owner.js'
import { resolveStore, withBackend } from '../../store.js'

/** `papyra metrics persistence`: from the living owner if there is one, else from the store. */
export async function run(context: Context): Promise<number> {
  const { out } = context
  const store = await resolveStore(context)
  const { metrics, source } = await withBackend(context, store, 'read', (backend) =>
    currentMetrics(context, backend, async () => (await backend.describe()).metrics),
  )
  await showMetrics(out, metrics)
  const report: MetricsSnapshot & { source: MetricsSource } = { source, ...metrics }
  await out.document('papyra.metrics/1', EXIT.ok, report)
  return EXIT.ok
}
