import { PapyraError } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import type { Manifest } from './manifest.js'
import { segmentPath } from './names.js'
import type { SegmentsScan } from './scan-types.js'

export function anomaliesInSegments(scan: SegmentsScan): number {
  return Object.values(scan.anomalyCounts).reduce((sum, n) => sum + n, 0)
}

/** The scan of the active segment; `null` if it is not in its place: another file may stand there. */
export function activeOf(scan: SegmentsScan): LogScan | null {
  const last = scan.segments.at(-1)
  if (last === undefined || last.sealed || last.scan === null) return null
  if (last.state === 'missing' || last.state === 'misplaced') return null
  return last.path === segmentPath(scan.dir, last.entry) ? last.scan : null
}

/** 1 + the greatest number that anything names. */
export function nextSeqOf(scan: SegmentsScan, { nextSeq, active, losses }: Manifest): number {
  const ends = losses.flatMap(({ seq }) => (seq === null ? [] : [seq.last]))
  return Math.max(scan.lastSeq, scan.knownEnd, nextSeq - 1, active.firstSeq - 1, ...ends) + 1
}

/** What is wrong, for the error that refuses to go on. */
export function refusedSegments(
  scan: SegmentsScan,
  doing: string = 'opened for appending',
): PapyraError {
  const { dir, manifest, anomalyCounts } = scan
  if (manifest.state === 'newer' || (anomalyCounts.newer_format ?? 0) > 0) {
    return new PapyraError('newer_format', `${dir} was written by a later version of Papyra.`, {
      details: { path: dir },
    })
  }
  const counts = Object.entries(anomalyCounts).map(([code, n]) => `${n} ${code}`)
  const first = scan.anomalies[0]
  return new PapyraError('anomalies_found', `${dir} was not ${doing}: ${counts.join(', ')}.`, {
    details: { path: first?.path ?? dir, offset: first?.offset ?? null, code: first?.code ?? null },
  })
}
