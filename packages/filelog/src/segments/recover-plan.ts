import { PapyraError, type RecordedLoss, type SeqRange } from '@papyra/contracts'
import type { LogScan, Misplaced } from '../scan-types.js'
import {
  type Consent,
  forceRequired,
  planRepair,
  type RepairPlan,
  requireAcceptedLoss,
} from '../rewrite/repair-plan.js'
import type { Manifest } from './manifest.js'
import { segmentPath } from './names.js'
import { nextGeneration } from './next-generation.js'
import type { SegmentFinding, SegmentsScan } from './scan-types.js'

/** What becomes of one segment that the store has, or should have. */
export type SegmentStep =
  /** It stays as it is. */
  | { readonly do: 'keep'; readonly finding: SegmentFinding }
  /** The active one: it stays, a torn tail is cut off, its mark is written anew. */
  | { readonly do: 'renew'; readonly finding: SegmentFinding; readonly repair: LocalRepair }
  /** What is sound of it is copied into a new file; `null`: all of it, it only stands elsewhere. */
  | {
      readonly do: 'rewrite'
      readonly finding: SegmentFinding
      readonly repair: LocalRepair | null
      /** The numbers that the new file answers for. */
      readonly range: SeqRange
    }
  /** It is gone, and its entry goes too. */
  | { readonly do: 'forget'; readonly finding: SegmentFinding }

/** What has to be done to the bytes of one file. */
export interface LocalRepair {
  readonly scan: LogScan
  readonly plan: RepairPlan
}

/** What a recovery of a store of segments has to do. */
export interface RecoveryPlan {
  /** False if there is nothing to do. */
  readonly changes: boolean
  readonly store: Manifest
  /** The generation that it makes. */
  readonly generation: number
  /** Oldest first, the active segment last. */
  readonly steps: readonly SegmentStep[]
  /** Files that look like segments and are none of the store's: they are set aside. */
  readonly extras: readonly string[]
  /** True if the manifest is missing, damaged or too old: what is there of it is kept aside. */
  readonly manifestBad: boolean
  readonly losses: readonly RecordedLoss[]
  /** Those among them of which no segment tells: what is missing between them. */
  readonly lossesBetween: readonly RecordedLoss[]
  /** The number that the next record gets. */
  readonly nextSeq: number
  /** Records that stay. */
  readonly records: number
  /** Bytes that are taken out of segments. */
  readonly bytesSetAside: number
}

/**
 * Decides what has to be done; `names` is what the folder holds. Throws `newer_format` or `unreadable`
 * where nothing may be.
 */
export function planRecovery(
  scan: SegmentsScan,
  now: number,
  names: readonly string[],
): RecoveryPlan {
  const store = requireStore(scan)
  const losses = scan.losses.map((loss) => ({ ...loss, at: now }))
  const ofSegments = new Set<unknown>(
    scan.segments.flatMap((finding) => finding.scan?.losses ?? []),
  )
  const found = scan.segments.map((finding) => stepFor(scan, finding, now))
  const nextSeq = nextNumber(scan, store, losses, found)
  const sources = new Set(
    found.flatMap((step) => (step.do === 'forget' ? [] : [step.finding.path])),
  )
  const extras = scan.extras.filter(({ what, path }) => what !== 'trace' && !sources.has(path))
  const changes =
    scan.rebuilt ||
    losses.length > 0 ||
    extras.length > 0 ||
    store.suspect.length > 0 ||
    found.some((step) => step.do !== 'keep')
  const steps = changes ? found.map((step) => rollIfBehind(step, nextSeq, now)) : found
  return {
    changes,
    store,
    generation: nextGeneration(store, names),
    steps,
    extras: extras.map(({ path }) => path),
    manifestBad: scan.rebuilt,
    losses,
    lossesBetween: losses.filter((_, i) => !ofSegments.has(scan.losses[i])),
    nextSeq,
    records: steps.reduce((sum, step) => sum + recordsOf(step), 0),
    bytesSetAside: steps.reduce((sum, step) => sum + repairOf(step).bytesSetAside, 0),
  }
}

/** Throws unless the caller agreed to what the plan needs. */
export function requireSegmentsConsent(
  scan: SegmentsScan,
  plan: RecoveryPlan,
  consent: Consent,
): void {
  if (!plan.changes) return
  if (consent.force !== true && segmentsNeedForce(scan)) {
    throw forceRequired(
      scan.dir,
      scan.foreign
        ? 'segments of another log stand in the place of its own'
        : `${scan.lines.bad} of ${scan.lines.total} lines are bad`,
    )
  }
  requireAcceptedLoss(scan.dir, plan.losses, consent)
}

/** True if more than half of all lines are bad, or segments of another log stand in the place of ours. */
export function segmentsNeedForce({ foreign, lines }: SegmentsScan): boolean {
  return foreign || lines.bad * 2 > lines.total
}

function requireStore(scan: SegmentsScan): Manifest {
  const { dir, manifest, store, anomalyCounts, anomalies } = scan
  const details = { path: dir }
  if (manifest.state === 'newer' || (anomalyCounts.newer_format ?? 0) > 0) {
    throw new PapyraError('newer_format', `${dir} was written by a later version of Papyra.`, {
      details,
    })
  }
  const unreadable = anomalies.find(({ code }) => code === 'unreadable')
  if (unreadable !== undefined || (anomalyCounts.unreadable ?? 0) > 0) {
    const { path = dir, offset = null, detail = '' } = unreadable ?? {}
    throw new PapyraError('unreadable', `${path} cannot be read whole: ${detail}`, {
      details: { path, offset },
    })
  }
  if (store !== null) return store
  throw new PapyraError('unreadable', `Nothing in ${dir} tells which store it is.`, {
    details,
    hint: 'Restore the folder from a backup; or move what is left elsewhere and create a new store.',
  })
}

function stepFor(scan: SegmentsScan, finding: SegmentFinding, now: number): SegmentStep {
  const { state, sealed, path, entry } = finding
  if (state === 'missing') return { do: 'forget', finding }
  if (sealed) {
    return state === 'sound' || state === 'unread' ? { do: 'keep', finding } : rewrite(finding, now)
  }
  if (finding.scan === null || path !== segmentPath(scan.dir, entry)) return rewrite(finding, now)
  const plan = planRepair(finding.scan, now)
  if (plan.kind === 'nothing') return { do: 'keep', finding }
  if (plan.kind === 'rewrite') return rewrite(finding, now)
  return { do: 'renew', finding, repair: { scan: finding.scan, plan } }
}

/** A new file of what is sound in the one that was found, whatever a smaller repair would do. */
function rewrite(finding: SegmentFinding, now: number): SegmentStep & { readonly do: 'rewrite' } {
  const { entry, scan, lastSeq } = finding
  const first = entry.firstSeq
  const end = 'lastSeq' in entry ? entry.lastSeq : null
  if (scan === null) {
    const range = { first, last: Math.max(end ?? lastSeq, first - 1) }
    return { do: 'rewrite', finding, repair: null, range }
  }
  const plan = planRepair(scan, now)
  const range = { first, last: Math.max(end ?? plan.through, first - 1) }
  const setAside = inPlaceOrder([...scan.setAside, ...strangers(scan, range)])
  const bytesSetAside = setAside.reduce((sum, { offset, end: to }) => sum + to - offset, 0)
  return {
    do: 'rewrite',
    finding,
    repair: { scan: { ...scan, setAside }, plan: { ...plan, kind: 'rewrite', bytesSetAside } },
    range,
  }
}

/** Sound records whose numbers are those of another segment: they are not copied. */
function strangers({ keep }: LogScan, { first, last }: SeqRange): Misplaced[] {
  const own = (extent: SeqRange): boolean => extent.first >= first && extent.last <= last
  return keep
    .filter(({ firstSeq, lastSeq }) => !own({ first: firstSeq, last: lastSeq }))
    .map(({ offset, end }) => ({ offset, end, code: 'out_of_order' }))
}

function inPlaceOrder(ranges: readonly Misplaced[]): readonly Misplaced[] {
  return [...ranges].sort((a, b) => a.offset - b.offset)
}

/** The active segment is ended where the next number would leave a gap in it that nothing explains. */
function rollIfBehind(step: SegmentStep, nextSeq: number, now: number): SegmentStep {
  if (step.do !== 'keep' && step.do !== 'renew') return step
  const { finding } = step
  if (finding.sealed || finding.scan === null || reach(finding) >= nextSeq - 1) return step
  const ended = rewrite(finding, now)
  return { ...ended, range: { ...ended.range, last: nextSeq - 1 } }
}

function reach({ entry, lastSeq }: SegmentFinding): number {
  return Math.max(lastSeq, entry.firstSeq - 1)
}

function nextNumber(
  scan: SegmentsScan,
  store: Manifest,
  losses: readonly RecordedLoss[],
  steps: readonly SegmentStep[],
): number {
  const last = [store.nextSeq - 1, scan.lastSeq, scan.knownEnd, store.active.firstSeq - 1]
  for (const { seq } of losses) if (seq !== null) last.push(seq.last)
  for (const { lastSeq } of store.segments) last.push(lastSeq)
  for (const step of steps) if (step.do === 'rewrite') last.push(step.range.last)
  return Math.max(...last) + 1
}

function recordsOf(step: SegmentStep): number {
  if (step.do === 'forget') return 0
  if (step.do !== 'rewrite' || step.repair === null) return step.finding.records
  return step.repair.scan.records ?? step.finding.records
}

function repairOf(step: SegmentStep): { readonly bytesSetAside: number } {
  if (step.do === 'renew') return step.repair.plan
  return step.do === 'rewrite' && step.repair !== null ? step.repair.plan : { bytesSetAside: 0 }
}
