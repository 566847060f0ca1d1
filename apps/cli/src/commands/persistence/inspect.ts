import type { Backend, StoreDescription } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { findExpired } from '../../expired.js'
import { showMetrics } from '../../output/metrics-view.js'
import { showLossesRecorded } from '../../output/recovery-view.js'
import { currentMetrics } from '../../owner.js'
import { showExpired, showHistory, storeFacts } from '../../output/store-view.js'
import { pairLines } from '../../output/table.js'
import { resolveStore, withBackend } from '../../store.js'

/** `papyra persistence inspect`: what a store says of itself, and what its retention hides. */
export async function run(context: Context): Promise<number> {
  const { args, io, out } = context
  const store = await resolveStore(context)
  const { description, expired, told } = await withBackend(
    context,
    store,
    'read',
    async (backend) => {
      const stored = await backend.describe()
      const told = await liveMetrics(context, backend, stored)
      const found = { ...stored, metrics: told?.metrics ?? stored.metrics }
      const expired = await findExpired(context, store, backend, found)
      return { description: found, expired, told }
    },
  )
  await out.lines(pairLines(storeFacts(description, expired, io.clock.now())))
  await showExpired(out, expired)
  await showHistory(out, description)
  if (description.losses.length > 0) {
    await out.line('')
    await out.line(['bold', 'recorded losses'])
    await showLossesRecorded(out, description.losses)
  }
  if (args.flag('show-metrics')) {
    await out.line('')
    await showMetrics(out, description.metrics)
  }
  const metricsSource = told === null ? {} : { metricsSource: told.source }
  await out.document('papyra.inspect/1', EXIT.ok, { ...description, expired, ...metricsSource })
  return EXIT.ok
}

/** Only who asks for the numbers bothers a living owner for them. */
async function liveMetrics(
  context: Context,
  backend: Backend,
  { metrics }: StoreDescription,
): Promise<Awaited<ReturnType<typeof currentMetrics>> | null> {
  if (!context.args.flag('show-metrics')) return null
  return currentMetrics(context, backend, metrics)
}
