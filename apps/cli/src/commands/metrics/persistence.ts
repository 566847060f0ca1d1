import { accountsOf } from '../../accounts.js'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { showAccounts, showMetrics } from '../../output/metrics-view.js'
import { currentMetrics } from '../../owner.js'
import { resolveStore, withBackend } from '../../store.js'

/** `papyra metrics persistence`: from the living owner if there is one, else from the store. */
export async function run(context: Context): Promise<number> {
  const { io, out } = context
  const store = await resolveStore(context)
  const report = await withBackend(context, store, 'read', async (backend) => {
    const description = await backend.describe()
    const { metrics, source } = await currentMetrics(context, backend, description.metrics)
    const accounts = await accountsOf(backend, description, source, io.clock.now())
    return { source, ...metrics, accounts }
  })
  await showMetrics(out, report)
  if (report.accounts !== null) await showAccounts(out, report.accounts)
  await out.document('papyra.metrics/1', EXIT.ok, report)
  return EXIT.ok
}
