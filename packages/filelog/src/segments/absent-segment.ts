import type { Anomaly, PapyraError } from '@papyra/contracts'
import { many } from '../scan/findings.js'
import type { Loss } from '../scan-types.js'
import type { Vfs } from '../vfs.js'
import { readMarkFile } from '../write/mark-file.js'
import type { ActiveSegment, Manifest, SealedSegment } from './manifest.js'
import { segmentName, segmentPath } from './names.js'
import { anomalyOf, isSealed, type FoundSegment } from './scan-job.js'
import { numbersThere, WHY, type Stands } from './segment-anomalies.js'

/** The numbers of a segment that is not there, and how many records it held, as far as anything tells. */
export interface Extent {
  readonly first: number
  readonly last: number
  readonly records: number
  /** False if more may have been appended to it than anything tells. */
  readonly proven: boolean
}

export async function extentOf(
  { vfs, dir }: { readonly vfs: Vfs; readonly dir: string },
  manifest: Manifest,
  entry: SealedSegment | ActiveSegment,
): Promise<Extent> {
  const { firstSeq: first } = entry
  if (isSealed(entry)) return { first, last: entry.lastSeq, records: entry.records, proven: true }
  const { logId, nextSeq, clean, closed } = manifest
  const ends = [nextSeq - 1, first - 1, closed?.lastSeq ?? 0]
  const mark = await readMarkFile(vfs, segmentPath(dir, entry))
  const marked = mark.state === 'ok' && mark.mark.logId === logId
  if (marked) ends.push(mark.mark.acked)
  const last = Math.max(...ends)
  const proven = clean || (marked && mark.mark.generation === entry.generation)
  return { first, last, records: numbersThere(manifest, first, last), proven }
}

/** A segment that is nowhere in the folder. */
export function goneSegment(
  dir: string,
  entry: SealedSegment | ActiveSegment,
  stands: Stands,
  { first, last, records, proven }: Extent,
): FoundSegment {
  const path = segmentPath(dir, entry)
  const code = stands === 'foreign' ? 'foreign_log' : 'missing_segment'
  const seq = last < first ? null : { first, last }
  const loss = records > 0 || !proven
  const more = proven
    ? ''
    : ' What was appended to it besides cannot be told: its mark is gone too.'
  const detail = `${WHY[stands]} ${many(records, 'record')} of it missing.${more}`
  const anomalies: Anomaly[] = [anomalyOf(code, path, detail, { seq, records, loss })]
  const finding = {
    entry,
    sealed: isSealed(entry),
    path,
    state: 'missing' as const,
    scan: null,
    records: 0,
    lastSeq: last,
  }
  const losses: Loss[] = loss ? [{ seq, records, code }] : []
  const found = { finding, anomalies, losses, file: null }
  return proven ? found : { ...found, unproven: { after: first - 1 } }
}

/** A segment that the system does not let us read: what is in it, and what is lost, nobody knows. */
export function refusedSegment(
  dir: string,
  entry: SealedSegment | ActiveSegment,
  error: PapyraError,
  { first, last }: Extent,
): FoundSegment {
  const path = segmentPath(dir, entry)
  const seq = last < first ? null : { first, last }
  const finding = {
    entry,
    sealed: isSealed(entry),
    path,
    state: 'unreadable' as const,
    scan: null,
    records: 0,
    lastSeq: last,
  }
  const anomalies = [anomalyOf('unreadable', path, error.message, { seq })]
  return { finding, anomalies, losses: [], file: segmentName(entry) }
}
