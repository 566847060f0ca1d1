import {
  PapyraError,
  RECOVERY_MODES,
  recoveryPlanMode,
  type Backend,
  type RecoverOptions,
  type RecoveryReport,
} from '@papyra/contracts'
import { askConsent } from '../../consent.js'
import { eventLogger } from '../../event-logger.js'
import { withProgress, type Context } from '../../context.js'
import { loggedRecovery } from '@papyra/core'
import { EXIT } from '../../exit-codes.js'
import { plural, bytesText } from '../../output/format.js'
import { showKeptAside, showLossesRecorded } from '../../output/recovery-view.js'
import { showScan, verdict } from '../../output/scan-view.js'
import { resolveStore, withBackend, type Store } from '../../store.js'
import { absolutePath } from '../../config/paths.js'

/** `papyra persistence recover`: the plan, the consent, the repair, the second scan. */
export async function run(context: Context): Promise<number> {
  const { args } = context
  const stated = args.choice('mode', RECOVERY_MODES)
  const dryRun = args.flag('dry-run')
  const store = await resolveStore(context)
  const options = recoverOptions(context, store, stated)
  return withBackend(context, store, 'write', async (backend) => {
    const told = await recover(context, store, backend, { ...options, dryRun: true })
    await showPlan(context, told)
    requireConsent(told, options)
    if (told.before.clean || dryRun) return finish(context, store, told)
    const question = `Recover ${store.definition.location} in ${options.mode} mode?`
    const asked = await askConsent(context, question)
    // Who was shown a plan and said yes to it gets that and nothing else, however long the answer took.
    const shown = asked && told.plan !== null ? { plan: told.plan.id } : {}
    return finish(context, store, await recover(context, store, backend, { ...options, ...shown }))
  })
}

function recoverOptions(
  { args, io }: Context,
  { settings }: Store,
  stated: RecoverOptions['mode'] | undefined,
): RecoverOptions {
  const plan = args.text('plan')
  const planned = plan === undefined ? settings.recoveryMode : recoveryPlanMode(plan)
  const mode = stated ?? planned
  const named = args.text('quarantine-dir')
  const quarantineDir = named === undefined ? settings.quarantineDir : absolutePath(io.cwd, named)
  if (mode === 'quarantine' && quarantineDir === undefined) {
    throw new PapyraError(
      'quarantine_dir_required',
      'Recovery in quarantine mode needs a folder for the originals.',
    )
  }
  return {
    mode,
    acceptLoss: args.flag('accept-loss'),
    force: args.flag('force'),
    ...(plan === undefined ? {} : { plan }),
    ...(quarantineDir === undefined ? {} : { quarantineDir }),
  }
}

/** What the real run would refuse is refused with the plan on the table, before anything is asked. */
function requireConsent({ before }: RecoveryReport, { acceptLoss, force }: RecoverOptions): void {
  if (before.clean) return
  const { location, consent } = before
  if (consent.acceptLoss && acceptLoss !== true) {
    throw new PapyraError(
      'accept_loss_required',
      `Acknowledged records of ${location} are gone; nothing was changed.`,
    )
  }
  if (consent.force && force !== true) {
    throw new PapyraError(
      'force_required',
      `More than half of the lines of ${location} would be taken out, or it names another log; nothing was changed.`,
    )
  }
}

function recover(
  context: Context,
  store: Store,
  backend: Backend,
  options: RecoverOptions,
): Promise<RecoveryReport> {
  return withProgress(context, (operation) =>
    loggedRecovery(eventLogger(context, store), backend, { ...operation, ...options }),
  )
}

/** The plan goes to standard error: what was found, what will be done about it. */
async function showPlan({ out }: Context, plan: RecoveryReport): Promise<void> {
  if (out.json || plan.before.clean) return
  await out.note(['bold', 'found:'], ' ', ...verdict(plan.before))
  await out.note(
    ['bold', 'plan:'],
    `  keep ${plural(plan.recordsKept, 'record')}, set aside ${bytesText(plan.bytesSetAside)}, mode ${plan.mode}`,
  )
  for (const loss of plan.losses) {
    await out.note(
      ['yellow', '       record as lost:'],
      ` ${plural(loss.records, 'record')} (${loss.code})`,
    )
  }
}

/** The id of the plan, and the command that carries it out. */
async function showPlanned(
  { args, out }: Context,
  store: Store,
  { mode, plan }: RecoveryReport,
): Promise<void> {
  const dir = args.text('quarantine-dir')
  const words = [
    ...(plan === null ? ['--mode', mode] : ['--plan', plan.id]),
    ...(dir === undefined ? [] : ['--quarantine-dir', dir]),
    ...['accept-loss', 'force'].filter((flag) => args.flag(flag)).map((flag) => `--${flag}`),
  ]
  await out.line('dry run: nothing was changed')
  if (plan !== null) {
    await out.line(['bold', 'plan:'], `  ${plan.id}; stale once the store is anything but as it is`)
  }
  await out.line(
    ['bold', 'to carry it out:'],
    `  ${store.again(['persistence', 'recover', ...words])}`,
  )
}

async function finish(context: Context, store: Store, report: RecoveryReport): Promise<number> {
  const { out } = context
  const { before, after, dryRun } = report
  // A plan that was not refused mends everything it names.
  const exitCode = before.clean || dryRun || after?.clean === true ? EXIT.ok : EXIT.anomalies
  if (before.clean)
    await out.line(
      ['green', 'clean'],
      `  ${before.location}  nothing to recover; not a byte was changed`,
    )
  else if (dryRun) await showPlanned(context, store, report)
  else {
    await out.line(
      ['bold', 'recovered'],
      `  ${plural(report.recordsKept, 'record')} kept, ${bytesText(report.bytesSetAside)} set aside`,
    )
    await showKeptAside(out, report.keptAside)
    await showLossesRecorded(out, report.losses)
    if (after !== null) await showScan(out, after, 20)
    if (exitCode !== EXIT.ok && after !== null)
      await out.problem('papyra: anomalies are left: ', ...verdict(after))
  }
  await out.document('papyra.recover/1', exitCode, report)
  return exitCode
}
