import type { MetricsSnapshot } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { showMetrics } from '../../output/metrics-view.js'
import { resolveStore, withBackend } from '../../store.js'

/** `papyra metrics persistence`: from the living owner if there is one, else from the store. */
export async function run(context: Context): Promise<number> {
  const { out } = context
  const store = await resolveStore(context)
  const { metrics, source } = await withBackend(context, store, 'read', async (backend) => {
    const owner = (await backend.owner?.()) ?? null
    if (owner !== null) return { metrics: await owner.metrics(), source: 'owner' as const }
    return { metrics: (await backend.describe()).metrics, source: 'store' as const }
  })
  if (source === 'owner' && !out.json) await out.note('told by the living owner of the store')
  await showMetrics(out, metrics)
  const report: MetricsSnapshot & { source: 'owner' | 'store' } = { source, ...metrics }
  await out.document('papyra.metrics/1', EXIT.ok, report)
  return EXIT.ok
}
