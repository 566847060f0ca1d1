import type { Backend, ScanOptions, ScanReport } from '@papyra/contracts'
import { eventLogger } from '../../event-logger.js'
import { withProgress, type Context } from '../../context.js'
import { loggedScan } from '@papyra/core'
import { EXIT } from '../../exit-codes.js'
import { showNext, showScan, verdict } from '../../output/scan-view.js'
import { findOwner } from '../../owner.js'
import { resolveStore, withBackend, type Store } from '../../store.js'

/** `papyra persistence scan`: every byte verified, nothing written. */
export async function run(context: Context): Promise<number> {
  const { args, out } = context
  const listed = args.count('max-anomalies')
  const store = await resolveStore(context)
  const report = await withBackend(context, store, 'read', async (backend) => {
    const scan = args.flag('via-owner') ? await scanOfOwner(context, backend) : null
    return withProgress(context, (operation) =>
      loggedScan(
        eventLogger(context, store),
        { scan: scan ?? ((o) => backend.scan(o)) },
        {
          ...operation,
          coverage: 'full',
          ...(listed === undefined ? {} : { maxAnomalies: listed }),
        },
      ),
    )
  })
  const exitCode = report.clean ? EXIT.ok : EXIT.anomalies
  await showScan(out, report, listed ?? 20)
  if (!report.clean) await showNext(out, nextSteps(store, report))
  if (!report.clean && out.quiet) await out.problem(...verdict(report))
  await out.document('papyra.scan/1', exitCode, report)
  return exitCode
}

type Scan = (options: ScanOptions) => Promise<ScanReport>

/** The scan of the living owner; `null`, which it says, where nobody holds the store. */
async function scanOfOwner({ out }: Context, backend: Backend): Promise<Scan | null> {
  const owner = await findOwner(backend)
  const who = owner === null ? 'nobody holds the store, so it is scanned from here' : null
  await out.note(who ?? `${owner?.name} holds the store and scans`)
  return owner === null ? null : (options) => owner.client.scan(options)
}

/** The commands that follow, with the consents that a recovery would ask for. */
export function nextSteps(store: Store, report: ScanReport): string[] {
  if (report.anomalyCounts['newer_format'] !== undefined)
    return ['npm install --global @papyra/cli@latest   # written by a later version']
  const consents = [
    ...(report.consent.acceptLoss ? ['--accept-loss'] : []),
    ...(report.consent.force ? ['--force'] : []),
  ]
  const recover = store.again(['persistence', 'recover', ...consents])
  return [
    `${store.again(['persistence', 'recover', ...consents, '--dry-run'])}   # the plan, nothing changed`,
    ...(report.consent.acceptLoss
      ? [`# acknowledged records are gone: look for a copy of the log first; if there is none:`]
      : ['# with the service stopped:']),
    `${recover}   # keeps aside what it takes out, then scans again`,
  ]
}
