import { basename } from 'node:path'
import type { Anomaly, Notice, UnreadPart } from '@papyra/contracts'
import { counted } from '../scan/empty-scan.js'
import { noticesOfKinds, noticesOfLosses } from '../scan/notices.js'
import type { UnknownKind } from '../scan/unknown-kinds.js'
import type { ManifestResult } from './manifest.js'
import { manifestPath, segmentPath } from './names.js'
import { anomalyOf, type FoundSegment, type FoundStore, type SegmentsJob } from './scan-job.js'
import type { SegmentFinding, SegmentsScan } from './scan-types.js'

const KNOWN: ReadonlySet<string> = new Set(['event', 'audit', 'dead_letter'])
const MOST_KINDS = 100

/** Puts what was found together to one scan. */
export function assemble(
  job: SegmentsJob,
  result: ManifestResult,
  found: FoundStore,
  unread: UnreadPart | null = null,
): SegmentsScan {
  const { manifest, segments, extras } = found
  const findings = segments.map(({ finding }) => finding)
  const active = findings.at(-1)
  const anomalies = [
    ...found.anomalies,
    ...segments.flatMap((segment) => segment.anomalies),
    ...extras.anomalies,
  ]
  const losses = [
    ...found.losses,
    ...segments.flatMap((segment) => segment.losses),
    ...extras.losses,
  ]
  const proven = extras.losses.map(({ seq }) => seq?.last ?? 0)
  const firsts = findings.flatMap((finding) => firstOf(finding))
  const lastSeq = Math.max(0, ...findings.map((finding) => finding.lastSeq))
  return {
    dir: job.dir,
    manifest: result,
    store: manifest,
    rebuilt: found.rebuilt,
    coverage: unread === null ? 'full' : 'quick',
    unread,
    segments: findings,
    extras: extras.extras,
    traces: extras.traces,
    ...counted(anomalies, job.options),
    notices: noticesOf(job, found),
    losses,
    records: findings.reduce((sum, { records }) => sum + records, 0),
    bytes: findings.reduce((sum, finding) => sum + bytesOf(finding), 0),
    firstSeq: firsts.length === 0 ? null : Math.min(...firsts),
    lastSeq,
    knownEnd: Math.max(lastSeq, manifest.nextSeq - 1, active?.scan?.knownEnd ?? 0, ...proven),
    lines: linesOf(findings),
    foreign: found.foreign || segments.some(isForeign),
    unproven: active?.scan?.unproven ?? segments.at(-1)?.unproven ?? null,
  }
}

function isForeign({ finding, anomalies }: FoundSegment): boolean {
  return finding.scan?.foreign === true || anomalies.some(({ code }) => code === 'foreign_log')
}

function firstOf({ entry, scan, records }: SegmentFinding): number[] {
  if (records === 0) return []
  if (scan !== null) return scan.firstSeq === null ? [] : [scan.firstSeq]
  return 'kinds' in entry ? entry.kinds.map(({ firstSeq }) => firstSeq) : []
}

function bytesOf({ entry, scan, state }: SegmentFinding): number {
  if (state === 'missing') return 0
  return scan?.size ?? ('bytes' in entry ? entry.bytes : 0)
}

/** Lines of all segments; what was never acknowledged says nothing against the store. */
function linesOf(findings: readonly SegmentFinding[]): SegmentsScan['lines'] {
  let total = 0
  let bad = 0
  for (const { scan, records, state } of findings) {
    if (scan === null) total += state === 'missing' || state === 'unreadable' ? 0 : records + 1
    else {
      const { cutMends, mark, soundEnd, lines } = scan
      const onlyTail = cutMends && mark.state === 'ok' && mark.mark.offset <= soundEnd
      total += lines.total
      bad += onlyTail ? 0 : lines.bad
    }
  }
  return { total, bad }
}

function noticesOf(job: SegmentsJob, { manifest, segments, extras }: FoundStore): Notice[] {
  const { dir, options } = job
  const base = { path: dir, offset: null, seq: null, count: 1 }
  const out: Notice[] = []
  if (options.ownerAlive === true) {
    const detail = 'A living process has the store open for writing.'
    out.push({ ...base, code: 'owner_alive', detail })
  } else {
    const traces = [
      ...extras.extras.flatMap(({ path, what }) => (what === 'trace' ? [path] : [])),
      ...extras.traces,
    ].map((path) => basename(path))
    if (traces.length > 0) {
      const detail = `Left behind by interrupted work: ${traces.slice(0, 5).join(', ')}.`
      out.push({ ...base, code: 'interrupted_work', count: traces.length, detail })
    }
  }
  out.push(...noticesOfLosses(manifestPath(dir), manifest.losses))
  out.push(...sealedKinds(dir, segments))
  // What the lines of the active segment tell; of a sealed one its manifest entry does.
  const active = segments.at(-1)?.finding
  return [...out, ...(active?.scan?.notices ?? [])]
}

/** Unknown kinds in sealed segments, by what the manifest says. */
function sealedKinds(dir: string, segments: readonly FoundSegment[]): Notice[] {
  const kinds = new Map<string, { count: number; first: number; path: string }>()
  for (const { finding } of segments) {
    const { entry } = finding
    if (!('kinds' in entry) || finding.state === 'missing') continue
    for (const { kind, records, firstSeq } of entry.kinds) {
      if (KNOWN.has(kind)) continue
      const there = kinds.get(kind)
      if (there !== undefined) there.count += records
      else if (kinds.size < MOST_KINDS) {
        kinds.set(kind, { count: records, first: firstSeq, path: segmentPath(dir, entry) })
      }
    }
  }
  return [...kinds].flatMap(([kind, { count, first, path }]) => {
    const said: UnknownKind = { count, offset: 0, seq: first }
    const detail = `Records of the kind ${JSON.stringify(kind.slice(0, 64))}; the first is number ${first}.`
    return noticesOfKinds(path, new Map([[kind, said]])).map((notice) => ({
      ...notice,
      offset: null,
      detail,
    }))
  })
}

/** A scan that did not look into the store, and why. */
export function refusedScan(
  job: Pick<SegmentsJob, 'dir' | 'options'>,
  manifest: ManifestResult,
  anomalies: readonly Anomaly[],
): SegmentsScan {
  return {
    dir: job.dir,
    manifest,
    store: null,
    rebuilt: false,
    coverage: 'full',
    unread: null,
    segments: [],
    extras: [],
    traces: [],
    ...counted(anomalies, job.options),
    notices: [],
    losses: [],
    records: null,
    bytes: 0,
    firstSeq: null,
    lastSeq: 0,
    knownEnd: 0,
    lines: { total: 0, bad: 0 },
    foreign: false,
    unproven: null,
  }
}

export function newerFormat(dir: string, format: number): Anomaly {
  const detail = `It is of format ${format}, which this version does not know.`
  return anomalyOf('newer_format', manifestPath(dir), detail, { offset: 0 })
}
