import type { Anomaly } from '@papyra/contracts'
import { basename } from 'node:path'
import type { Extent, LogScan, Misplaced } from '../scan-types.js'
import { many } from '../scan/findings.js'
import { forEachLine } from '../scan/for-each-line.js'
import { within } from '../scan/intervals.js'
import type { Given } from '../scan/open-log.js'
import { scanSegment } from '../scan/scan-log.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { anomalyOf, keptIn, lineOptions, type SegmentsJob } from './scan-job.js'
import { givenOfSealed } from './segment-beside.js'

/**
 * Scans a sealed segment whose bytes are not those that were sealed, line by line. What it gives
 * always has an anomaly. `null` if the file is gone.
 */
export async function scanDamaged(
  job: SegmentsJob,
  manifest: Manifest,
  entry: SealedSegment,
  path: string,
): Promise<LogScan | null> {
  const { vfs, dir, folder } = job
  const look = await folder.look(basename(path))
  const given = withGenerationOf(givenOfSealed(dir, manifest, entry), look)
  const scan = await scanSegment(vfs, path, given, lineOptions(job, false))
  if (scan?.state !== 'checksummed' || scan.foreign) return scan
  return settle(entry, await withoutOthers(job, entry, scan))
}

/** A file of a later generation than its name says is judged as what it is. */
function withGenerationOf(
  given: Given,
  look: { readonly head: { generation: number; logId: string } | null; size: number } | null,
): Given {
  const { sidecar, mark } = given
  const head = look?.head ?? null
  if (head === null || mark === null || look === null || head.logId !== sidecar.logId) return given
  const { generation } = head
  if (generation <= sidecar.generation) return given
  return {
    ...given,
    sidecar: { ...sidecar, generation },
    mark: { ...mark, generation, offset: look.size },
  }
}

/** Sound records with numbers of other segments do not belong here. */
async function withoutOthers(
  job: SegmentsJob,
  { lastSeq }: SealedSegment,
  scan: LogScan,
): Promise<LogScan> {
  const gaps = scan.anomalies.filter(
    ({ loss, seq }) => !(!loss && seq !== null && seq.first > lastSeq),
  )
  const skipped = within(scan.skipped, 1, lastSeq)
  if (scan.keep.every((extent) => extent.lastSeq <= lastSeq))
    return { ...scan, anomalies: gaps, skipped }
  const keep: Extent[] = []
  const others: Extent[] = []
  for (const extent of scan.keep) {
    if (extent.lastSeq <= lastSeq) keep.push(extent)
    else if (extent.firstSeq > lastSeq) others.push(extent)
    else {
      const [own, other] = await split(job, scan, extent, lastSeq)
      keep.push(own)
      others.push(other)
    }
  }
  const aside: Misplaced[] = others.map(({ offset, end }) => ({
    offset,
    end,
    code: 'duplicate_record',
  }))
  const found = others.map(({ offset, end, firstSeq, lastSeq: last, records }) =>
    anomalyOf(
      'duplicate_record',
      scan.path,
      `${many(records, 'record')} with numbers of a later segment.`,
      { offset, length: end - offset, seq: { first: firstSeq, last }, records },
    ),
  )
  return {
    ...scan,
    keep,
    setAside: [...scan.setAside, ...aside].sort((a, b) => a.offset - b.offset),
    anomalies: [...gaps, ...found],
    records: keep.reduce((n, { records }) => n + records, 0),
    lastSeq: Math.min(scan.lastSeq, lastSeq),
    skipped,
    bytesSound: false,
    cutMends: false,
    openBlock: null,
  }
}

/** The two parts of an extent, before and behind the record with number `lastSeq`. */
async function split(
  { vfs, options }: SegmentsJob,
  { path, identity }: LogScan,
  extent: Extent,
  lastSeq: number,
): Promise<[Extent, Extent]> {
  let at = extent.offset
  let own = 0
  let last = extent.firstSeq
  let next = extent.lastSeq
  const file = await vfs.open(path, 'read')
  try {
    const { signal } = options
    const range = {
      from: extent.offset,
      to: extent.end,
      seed: identity?.seed ?? 0,
      ...(signal && { signal }),
    }
    await forEachLine(file, range, (_chunk, _start, _end, offset, header, _sound, length) => {
      const seq = header?.seq ?? 0
      if (seq > lastSeq) next = Math.min(next, seq)
      else {
        own++
        last = seq
        at = offset + length
      }
    })
  } finally {
    await file.close()
  }
  return [
    { offset: extent.offset, end: at, firstSeq: extent.firstSeq, lastSeq: last, records: own },
    {
      offset: at,
      end: extent.end,
      firstSeq: next,
      lastSeq: extent.lastSeq,
      records: extent.records - own,
    },
  ]
}

/** Holds what was found against what was sealed: nothing may be missing without a word. */
function settle(entry: SealedSegment, scan: LogScan): LogScan {
  const lost = scan.losses.reduce((sum, { records }) => sum + records, 0)
  const unexplained = entry.records - keptIn(scan) - lost
  const anomalies: Anomaly[] = [...scan.anomalies]
  const losses = [...scan.losses]
  if (unexplained > 0) {
    const seq = { first: entry.firstSeq, last: entry.lastSeq }
    const detail = `${many(unexplained, 'more record')} had been sealed; which, nothing tells.`
    const more = { seq, records: unexplained, loss: true }
    anomalies.push(anomalyOf('block_mismatch', scan.path, detail, more))
    losses.push({ seq, records: unexplained, code: 'block_mismatch' })
  } else if (anomalies.length === 0) {
    const detail =
      'Every line verifies and no record is missing, but it is not the file that was sealed.'
    anomalies.push(anomalyOf('block_mismatch', scan.path, detail))
  }
  const counts: Partial<Record<Anomaly['code'], number>> = {}
  for (const { code } of anomalies) counts[code] = (counts[code] ?? 0) + 1
  return { ...scan, anomalies, losses, anomalyCounts: counts }
}
