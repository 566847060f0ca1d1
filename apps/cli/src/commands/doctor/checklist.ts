import { PapyraError } from '@papyra/contracts'
import { runChecklist, type ChecklistCheck, type ChecklistReport } from '@papyra/doctor'
import { absolutePath } from '../../config/paths.js'
import { withProgress, type Context } from '../../context.js'
import { countsLine, mendText, showChecks } from '../../output/checks-view.js'
import { timeText } from '../../output/format.js'
import type { Output } from '../../output/output.js'
import { resolveStore, type Store } from '../../store.js'

/** `papyra doctor checklist`: the operator's page, evaluated. */
export async function run(context: Context): Promise<number> {
  const { args, io, out } = context
  const markdown = args.flag('markdown')
  if (markdown && out.json) {
    throw new PapyraError('invalid_argument', '--markdown and --json exclude each other.')
  }
  const store = await resolveStore(context)
  const { environment, mode, recoveryMode, retention, quarantineDir } = store.settings
  const settings = {
    ...{ environment, mode, recoveryMode, retention, quarantineDir },
    ...store.config,
  }
  const [only, skip, strict] = [args.list('only'), args.list('skip'), args.given('strict')]
  const folder = args.text('reports')
  const reports = folder === undefined ? store.reports : absolutePath(io.cwd, folder)
  const report = await withProgress(context, (operation) =>
    runChecklist(store.definition, {
      ...operation,
      ...{ settings, clock: io.clock, skip, reports },
      ...(only.length === 0 ? {} : { only }),
      ...(strict === undefined ? {} : { strict }),
    }),
  )
  if (markdown) await showMarkdown(out, store, report)
  else await showText(out, store, report)
  await out.document('papyra.checklist/1', report.exit, report)
  return report.exit
}

async function showText(out: Output, store: Store, report: ChecklistReport): Promise<void> {
  const { location, environment, checks, counts, strict, deadWaivers } = report
  await out.line(`${location}  (${environment}${strict ? ', unknowns count' : ''})`)
  for (const chapter of chapters(checks)) {
    await out.line(['bold', `chapter ${chapter}`])
    await showChecks(
      out,
      store,
      checks.filter((check) => check.chapter === chapter),
    )
  }
  await out.line(countsLine(counts))
  for (const { id, expires } of deadWaivers) {
    await out.warn(`The waiver of ${id} does not hold (until ${expires}).`)
  }
  if (report.exit !== 0 && out.quiet) await out.problem(['red', 'papyra: '], countsLine(counts))
}

const chapters = (checks: readonly ChecklistCheck[]): number[] => [
  ...new Set(checks.map(({ chapter }) => chapter)),
]

async function showMarkdown(out: Output, store: Store, report: ChecklistReport): Promise<void> {
  const { location, environment, at, checks, counts } = report
  const cell = (text: string): string => out.safe(text).replaceAll('|', '\\|')
  const rows = checks.map(({ id, chapter, state, evidence, mend, waived }) => {
    const next = state === 'pass' || state === 'skip' || mend === null ? '' : mendText(store, mend)
    const said = waived === null ? state : `${state}, waived until ${waived.expires}`
    return `| ${[String(chapter), id, said, cell(evidence), cell(next)].join(' | ')} |`
  })
  await out.lines([
    `# Production checklist of ${out.safe(location)}`,
    '',
    `${timeText(at)}, ${environment}: ${countsLine(counts)}.`,
    '',
    '| chapter | item | state | evidence | what mends it |',
    '|---|---|---|---|---|',
    ...rows,
  ])
}
