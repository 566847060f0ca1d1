import { runDoctor } from '@papyra/doctor'
import { withProgress, type Context } from '../../context.js'
import { gateOptions, readGateFlags } from '../../gate-options.js'
import { countsLine, showChecks } from '../../output/checks-view.js'
import { showKeptAside } from '../../output/recovery-view.js'
import { resolveStore } from '../../store.js'

/** `papyra doctor run`: what the gate of a start finds and decides, check by check. */
export async function run(context: Context): Promise<number> {
  const { out } = context
  const flags = readGateFlags(context)
  const store = await resolveStore(context)
  const options = await gateOptions(context, store, flags)
  const report = await withProgress(context, (operation) =>
    runDoctor(store.definition, { ...options, ...operation }),
  )
  const { location, mode, checks, counts, exit, gate } = report
  await out.line(`${location}  (mode ${mode})`)
  await showChecks(out, store, checks)
  if (gate.recovery !== null) await showKeptAside(out, gate.recovery.keptAside)
  await out.line(countsLine(counts))
  if (exit !== 0 && out.quiet)
    await out.problem(['red', 'papyra: must not start:'], ` ${location}: ${gate.reason}`)
  await out.document('papyra.doctor/1', exit, report)
  return exit
}
