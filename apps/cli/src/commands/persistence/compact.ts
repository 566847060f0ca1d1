import {
  PapyraError,
  type CompactionReport,
  type CompactOptions,
  type RetentionPolicy,
} from '@papyra/contracts'
import { askConsent } from '../../consent.js'
import { withProgress, type Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { showCompaction, showCompactionPlan } from '../../output/compaction-view.js'
import { choosePolicy, flagPolicy } from '../../policy.js'
import { resolveStore, withBackend, type Store } from '../../store.js'

type Compact = (options: CompactOptions) => Promise<CompactionReport>

/** `papyra persistence compact`: deletes what the policy hides, here or in the owner's process. */
export async function run(context: Context): Promise<number> {
  const { args } = context
  const flags = flagPolicy(args)
  const store = await resolveStore(context)
  if (!store.definition.capabilities.compaction) {
    throw new PapyraError(
      'unsupported',
      `The backend ${store.definition.name} has nothing to compact.`,
    )
  }
  const done = await withBackend(context, store, 'read', async (reader) => {
    const description = await reader.describe()
    const policy = await choosePolicy(context, store, flags, description)
    const owner = (await reader.owner?.()) ?? null
    if (owner === null) return { policy, exitCode: null }
    const { pid = null } = description.owner ?? {}
    const who = pid === null ? 'a living owner' : `process ${pid}`
    await context.out.note(`${who} holds the store and is asked to compact it`)
    const compact: Compact = (options) => owner.compact(options)
    return { policy, exitCode: await planAndCompact(context, store, policy, compact) }
  })
  if (done.exitCode !== null) return done.exitCode
  return withBackend(context, store, 'write', (backend) =>
    planAndCompact(context, store, done.policy, (options) => backend.compact(options)),
  )
}

async function planAndCompact(
  context: Context,
  store: Store,
  policy: RetentionPolicy,
  compact: Compact,
): Promise<number> {
  const { args, out } = context
  const { definition } = store
  const dryRun = args.flag('dry-run')
  const options = { policy, force: args.flag('force') }
  const run = (more: { readonly dryRun: boolean }): Promise<CompactionReport> =>
    withProgress(context, (operation) => compact({ ...operation, ...options, ...more }))
  if (definition.capabilities.dryRun) {
    const plan = await run({ dryRun: true })
    if (dryRun) return finish(context, store, plan)
    await showCompactionPlan(out, plan)
    if (plan.records.before === plan.records.after)
      return finish(context, store, await run({ dryRun: false }))
  } else if (dryRun) {
    throw new PapyraError(
      'unsupported',
      `The backend ${definition.name} cannot tell beforehand what would go.`,
    )
  }
  await askConsent(context, `Delete these records from ${definition.location} for good?`)
  return finish(context, store, await run({ dryRun: false }))
}

async function finish({ out }: Context, store: Store, report: CompactionReport): Promise<number> {
  const exitCode = report.verified === false ? EXIT.anomalies : EXIT.ok
  await showCompaction(out, report)
  if (exitCode !== EXIT.ok) {
    await out.problem(
      `papyra: the result did not verify. Next: ${store.again(['persistence', 'scan'])}`,
    )
  }
  await out.document('papyra.compact/1', exitCode, report)
  return exitCode
}
