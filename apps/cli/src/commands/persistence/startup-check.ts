import { checkStartup, type GateReport } from '@papyra/core'
import { eventLogger } from '../../event-logger.js'
import { withProgress, type Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { ageText, bytesText, plural, timeText } from '../../output/format.js'
import { showKeptAside, showLossesRecorded } from '../../output/recovery-view.js'
import { showNext, showNotices, showScan } from '../../output/scan-view.js'
import { gateOptions, readGateFlags } from '../../gate-options.js'
import { resolveStore, type Store } from '../../store.js'
import { nextSteps } from './scan.js'

/** `papyra persistence startup-check`: the gate of `openPapyra`, asked from outside. */
export async function run(context: Context): Promise<number> {
  const { out } = context
  const flags = readGateFlags(context)
  const store = await resolveStore(context)
  const options = await gateOptions(context, store, flags)
  const logger = eventLogger(context, store)
  const report = await withProgress(context, (operation) =>
    checkStartup(store.definition, {
      ...options,
      ...operation,
      ...(logger === undefined ? {} : { logger }),
    }),
  )
  const exitCode = report.allowed ? EXIT.ok : EXIT.refused
  await showGate(context, store, report)
  await out.document('papyra.startup-check/1', exitCode, report)
  return exitCode
}

/** How much was verified: what was not read, or why everything was. */
async function showDepth({ out, io }: Context, { depth, scan, after }: GateReport): Promise<void> {
  if (depth === null) return
  const unread = (after ?? scan)?.unread ?? null
  if (unread === null) {
    const why = depth.detail === null ? 'every byte was read' : depth.detail
    await out.line(`  ${depth.asked}: ${why}`)
    return
  }
  const { files, bytes, verifiedAt } = unread
  const when = `last verified ${timeText(verifiedAt)} (${ageText(io.clock.now() - verifiedAt)} ago)`
  const what = `${plural(files, 'file')}, ${bytesText(bytes)}`
  await out.line(
    `  ${depth.asked}: ${bytes === 0 ? 'nothing was left out' : `did not read ${what}`}, ${when}`,
  )
}

async function showGate(context: Context, store: Store, report: GateReport): Promise<void> {
  const { out } = context
  const { allowed, mode, location, reason, scan, recovery, after } = report
  await out.line(
    allowed ? ['green', 'may start'] : ['red', 'must not start'],
    `  ${location}  (mode ${mode})`,
  )
  await out.line(`  ${reason}`)
  await showDepth(context, report)
  if (recovery !== null) {
    await showKeptAside(out, recovery.keptAside)
    await showLossesRecorded(out, recovery.losses)
  }
  const last = after ?? scan
  if (last !== null && (!last.clean || !allowed)) await showScan(out, last, 20)
  else if (last !== null) await showNotices(out, last)
  if (!allowed && last !== null && !last.clean) await showNext(out, nextSteps(store, last))
  else if (!allowed) await showNext(out, [store.again(['persistence', 'scan'])])
  if (!allowed && out.quiet)
    await out.problem(['red', 'papyra: must not start:'], ` ${location}: ${reason}`)
}
