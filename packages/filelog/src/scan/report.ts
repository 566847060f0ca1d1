import type { ScanReport } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'

/** The report of a scan, as everybody is shown it. */
export function toScanReport(
  scan: LogScan,
  { backend, durationMs }: { readonly backend: string; readonly durationMs: number },
): ScanReport {
  const { anomalies, anomalyCounts, identity, sidecar } = scan
  const anomaliesTotal = Object.values(anomalyCounts).reduce((sum, n) => sum + n, 0)
  return {
    backend,
    location: scan.path,
    logId: identity?.logId ?? null,
    generation: identity?.generation ?? null,
    coverage: scan.coverage,
    unread: scan.unread,
    clean: anomaliesTotal === 0,
    anomalies,
    anomalyCounts: { ...anomalyCounts },
    anomaliesTotal,
    notices: scan.notices,
    records: scan.records,
    bytes: scan.size,
    firstSeq: scan.firstSeq,
    lastSeq: scan.lastSeq === 0 ? null : scan.lastSeq,
    unproven: scan.unproven,
    losses: sidecar.state === 'ok' ? sidecar.sidecar.losses : [],
    consent: {
      acceptLoss: scan.losses.length > 0,
      force: needsForce(scan),
    },
    durationMs,
  }
}

/** True if a repair would take out more than half of the lines, or work on a log that names another. */
export function needsForce({ foreign, lines, cutMends, mark, soundEnd }: LogScan): boolean {
  // What was never acknowledged says nothing against the log.
  const onlyTail = cutMends && mark.state === 'ok' && mark.mark.offset <= soundEnd
  return foreign || (!onlyTail && lines.bad * 2 > lines.total)
}
