import {
  isPapyraError,
  PapyraError,
  type Backend,
  type CompactionReport,
  type CompactOptions,
  type RetentionPolicy,
  type StoreDescription,
} from '@papyra/contracts'
import { askConsent } from '../../consent.js'
import { eventLogger } from '../../event-logger.js'
import { withProgress, type Context } from '../../context.js'
import { loggedCompaction } from '@papyra/core'
import { EXIT } from '../../exit-codes.js'
import { showCompaction, showCompactionPlan, showPlanId } from '../../output/compaction-view.js'
import { findOwner, type LivingOwner } from '../../owner.js'
import { choosePolicy, flagPolicy, policyText } from '../../policy.js'
import { resolveStore, withBackend, type Store } from '../../store.js'

type Compact = (options: CompactOptions) => Promise<CompactionReport>

/** What is to be deleted: what a policy hides, or what an earlier plan says. */
type Wish = Pick<
  CompactOptions,
  'policy' | 'plan' | 'force' | 'bytesPerSecond' | 'ignoreGroups' | 'approximate'
>

/** `papyra persistence compact`: deletes what the policy hides, here or in the owner's process. */
export async function run(context: Context): Promise<number> {
  const { args } = context
  const flags = flagPolicy(args)
  const store = await resolveStore(context)
  requireCapable(context, store)
  const wish = await withBackend(context, store, 'read', async (reader) =>
    readWish(context, store, flags, await reader.describe()),
  )
  const ask = (waits: boolean): Promise<number | null> =>
    withBackend(context, store, 'read', (reader) =>
      compactThere(context, store, { reader, wish, waits }),
    )
  const there = await ask(waitsForLock(context, store))
  if (there !== null) return there
  try {
    return await withBackend(context, store, 'write', (backend) =>
      planAndCompact(context, store, wish, (options) => backend.compact(options)),
    )
  } catch (error) {
    if (!isPapyraError(error, 'store_locked')) throw error
    // Somebody came first, or has not gone while we waited; by now it may answer.
    const late = await ask(false)
    if (late === null) throw error
    return late
  }
}

interface Asking {
  readonly reader: Backend
  readonly wish: Wish
  /** True if an owner that does not answer is waited for. */
  readonly waits: boolean
}

/** Has the living owner compact the store; `null` if there is none that could be asked. */
async function compactThere(
  context: Context,
  store: Store,
  { reader, wish, waits }: Asking,
): Promise<number | null> {
  let owner: LivingOwner | null
  try {
    owner = await findOwner(reader)
  } catch (error) {
    if (!waits || !isPapyraError(error, 'store_locked')) throw error
    await context.out.warn(`${error.message} Waiting for it to go.`)
    return null
  }
  if (owner === null) return null
  const { client, name } = owner
  const does = context.args.flag('dry-run') ? 'makes the plan' : 'compacts'
  await context.out.note(`${name} holds the store and ${does}`)
  return planAndCompact(context, store, wish, (options) => client.compact(options))
}

function waitsForLock({ args }: Context, { settings }: Store): boolean {
  return (args.durationMs('wait-lock') ?? settings.waitLockMs ?? 0) > 0
}

function requireCapable({ args }: Context, { definition }: Store): void {
  const { name, capabilities } = definition
  if (!capabilities.compaction)
    throw new PapyraError('unsupported', `The backend ${name} has nothing to compact.`)
  for (const flag of ['ignore-groups', 'approximate']) {
    if (args.flag(flag) && name !== 'redis') {
      const text = `--${flag} is for stores on a Redis server; the backend ${name} has no such thing.`
      throw new PapyraError('unsupported', text)
    }
  }
  if (args.text('plan') !== undefined && !capabilities.plans)
    throw new PapyraError('unsupported', `The backend ${name} makes no plans to carry out later.`)
}

/** With a plan the policy is the plan's; one of the flags is handed on, to be compared with it. */
async function readWish(
  context: Context,
  store: Store,
  flags: RetentionPolicy | null,
  description: StoreDescription,
): Promise<Wish> {
  const { args } = context
  const plan = args.text('plan')
  const bytesPerSecond = args.bytes('throttle')
  const policy = plan === undefined ? await choosePolicy(context, store, flags, description) : flags
  return {
    ...(plan === undefined ? {} : { plan }),
    ...(policy === null ? {} : { policy }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    force: args.flag('force'),
    ...(args.flag('ignore-groups') ? { ignoreGroups: true } : {}),
    ...(args.flag('approximate') ? { approximate: true } : {}),
  }
}

async function planAndCompact(
  context: Context,
  store: Store,
  wish: Wish,
  compact: Compact,
): Promise<number> {
  const { args, out } = context
  const { definition } = store
  const dryRun = args.flag('dry-run')
  const logger = eventLogger(context, store)
  const run = (more: Pick<CompactOptions, 'dryRun' | 'plan'>): Promise<CompactionReport> =>
    withProgress(context, (operation) =>
      loggedCompaction(logger, { compact }, { ...operation, ...wish, ...more }),
    )
  let shown: CompactionReport | null = null
  // What an approximate run takes cannot be told before.
  if (definition.capabilities.dryRun && wish.approximate !== true) {
    shown = await run({ dryRun: true })
    if (wish.plan !== undefined)
      await out.note(`policy: ${policyText(shown.policy)}  (from the plan)`)
    if (dryRun) return finish(context, store, shown)
    await showCompactionPlan(out, shown)
    if (shown.records.before === shown.records.after)
      return finish(context, store, await run({ dryRun: false }))
  } else if (dryRun) {
    throw new PapyraError(
      'unsupported',
      `The backend ${definition.name} cannot tell beforehand what would go.`,
    )
  }
  const question = `Delete these records from ${definition.location} for good?`
  const asked = await askConsent(context, question)
  // Who was shown a plan and said yes to it gets that and no more, however long the answer took.
  const plan = asked ? shown?.plan?.id : undefined
  return finish(
    context,
    store,
    await run({ ...(plan === undefined ? {} : { plan }), dryRun: false }),
  )
}

async function finish(
  { args, out }: Context,
  store: Store,
  report: CompactionReport,
): Promise<number> {
  const exitCode = report.verified === false ? EXIT.anomalies : EXIT.ok
  await showCompaction(out, report)
  const { plan, dropped } = report
  if (plan?.id !== undefined && dropped.length > 0) {
    const force = args.flag('force') ? ['--force'] : []
    const words = ['persistence', 'compact', '--plan', plan.id, ...force]
    await showPlanId(out, plan, store.again(words))
  }
  if (exitCode !== EXIT.ok) {
    await out.problem(
      `papyra: the result did not verify. Next: ${store.again(['persistence', 'scan'])}`,
    )
  }
  await out.document('papyra.compact/1', exitCode, report)
  return exitCode
}
