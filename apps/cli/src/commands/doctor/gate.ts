import { keepReport, runReleaseGate, signReport, verifyReport, writeReport } from '@papyra/doctor'
import { absolutePath } from '../../config/paths.js'
import { askConsent } from '../../consent.js'
import { withProgress, type Context } from '../../context.js'
import { copyOptions } from '../../copy-options.js'
import { countsLine, showChecks } from '../../output/checks-view.js'
import { signingKey } from '../../signing.js'
import { resolveStore } from '../../store.js'

/** `papyra doctor gate`: all that has to hold before a release, one verdict, one report. */
export async function run(context: Context): Promise<number> {
  const { args, io, out } = context
  const copies = copyOptions(context)
  const key = signingKey(context)
  const apply = args.flag('apply')
  const store = await resolveStore(context)
  if (apply) await askConsent(context, `Compact ${store.definition.location} for good?`)
  const { environment, mode, retention } = store.settings
  const report = await withProgress(context, (operation) =>
    runReleaseGate(store.definition, {
      ...operation,
      ...copies,
      ...{ settings: { environment, mode, retention }, apply, clock: io.clock },
    }),
  )
  const kept = signReport('papyra.gate/1', report, key)
  const folder = args.text('reports')
  const reports = folder === undefined ? store.reports : absolutePath(io.cwd, folder)
  const path = await keepReport(reports, 'gate', kept)
  const copy = args.text('out')
  if (copy !== undefined) await writeReport(absolutePath(io.cwd, copy), kept)
  const { location, checks, counts, exit } = report
  await out.line(`${location}  (${environment}${apply ? ', applied' : ''})`)
  await showChecks(out, store, checks)
  await out.line(
    [exit === 0 ? 'green' : 'red', exit === 0 ? 'go' : 'no go'],
    `  ${countsLine(counts)}`,
  )
  await out.line(`report  ${path}  (${verifyReport(kept).detail})`)
  if (exit !== 0 && out.quiet) await out.problem(['red', 'papyra: no go: '], countsLine(counts))
  await out.document('papyra.gate/1', exit, { ...report, path, signed: key !== null })
  return exit
}
