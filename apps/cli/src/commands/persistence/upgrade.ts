import { PapyraError, type UpgradeReport } from '@papyra/contracts'
import { absolutePath } from '../../config/paths.js'
import { askConsent } from '../../consent.js'
import { withProgress, type Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { bytesText, plural } from '../../output/format.js'
import { resolveStore } from '../../store.js'

/** `papyra persistence upgrade`: a plain log becomes a checksummed one. */
export async function run(context: Context): Promise<number> {
  const { args, io, out } = context
  const dryRun = args.flag('dry-run')
  const named = args.text('out')
  const target = named === undefined ? {} : { out: absolutePath(io.cwd, named) }
  const { definition } = await resolveStore(context)
  const upgrade = definition.upgrade?.bind(definition)
  if (upgrade === undefined) {
    throw new PapyraError(
      'unsupported',
      `The backend ${definition.name} has no plain logs to upgrade.`,
    )
  }
  const plan = await withProgress(context, (operation) =>
    upgrade({ ...operation, ...target, dryRun: true }),
  )
  if (dryRun || !plan.changed) return finish(context, plan)
  if (!out.json) await out.note(['bold', 'plan:'], `  ${sizes(plan)} -> ${plan.out}`)
  await askConsent(context, `Upgrade ${definition.location}?`)
  return finish(
    context,
    await withProgress(context, (operation) => upgrade({ ...operation, ...target })),
  )
}

async function finish({ out }: Context, report: UpgradeReport): Promise<number> {
  const { changed, dryRun, originalKeptAs } = report
  if (!changed) await out.line('nothing to upgrade', `  ${report.location} is not a plain log`)
  else
    await out.line(
      dryRun ? 'dry run: nothing was changed' : ['green', 'upgraded'],
      `  ${sizes(report)} -> ${report.out}`,
    )
  if (originalKeptAs !== null)
    await out.line(`  the original ${dryRun ? 'would be' : 'is'} kept as ${originalKeptAs}`)
  await out.document('papyra.upgrade/1', EXIT.ok, report)
  return EXIT.ok
}

const sizes = ({ records, bytes }: UpgradeReport): string =>
  `${plural(records, 'record')}, ${bytesText(bytes.before)} -> ${bytesText(bytes.after)}`
