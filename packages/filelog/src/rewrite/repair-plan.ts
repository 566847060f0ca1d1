import { PapyraError, type RecordedLoss } from '@papyra/contracts'
import { markPath, sidecarPath } from '../format/names.js'
import type { LogScan } from '../scan-types.js'
import { type Sidecar, newSidecar } from '../format/sidecar.js'
import { FORMAT } from '../format/head.js'
import { needsForce } from '../scan/report.js'
import { settled } from './ledger.js'

/** A file beside the log that cannot stay as it is. */
export interface BadFile {
  readonly what: 'sidecar' | 'mark'
  readonly path: string
  /** What is wrong with it; the bytes are kept aside unless it is missing. */
  readonly code: string
  readonly missing: boolean
}

/**
 * What a repair of this scan has to do. `beside` only renews sidecar or mark; `cut` cuts the tail
 * off; `rewrite` writes a new generation; `plain` the same for a log without checksums.
 */
export interface RepairPlan {
  readonly kind: 'nothing' | 'beside' | 'cut' | 'rewrite' | 'plain'
  readonly bad: readonly BadFile[]
  readonly losses: readonly RecordedLoss[]
  /** Bytes that are taken out of the log. */
  readonly bytesSetAside: number
  /** The last number that the repaired log answers for. */
  readonly through: number
}

/** Decides what has to be done. Throws `newer_format` or `unreadable` where nothing may be. */
export function planRepair(scan: LogScan, now: number): RepairPlan {
  refuseWhatIsNotOurs(scan)
  const losses = scan.losses.map((loss) => ({ ...loss, at: now }))
  const ends = losses.flatMap((loss) => (loss.seq === null ? [] : [loss.seq.last]))
  const through = Math.max(scan.lastSeq, scan.knownEnd, ...ends)
  const bad = scan.state === 'plain' ? [] : badFiles(scan)
  const setAside = scan.setAside.reduce((sum, { offset, end }) => sum + end - offset, 0)
  const base = { bad, losses, through, bytesSetAside: setAside }
  const bytesFine = scan.bytesSound && losses.length === 0
  if (bytesFine && bad.length === 0) return { ...base, kind: 'nothing', bytesSetAside: 0 }
  if (bytesFine) return { ...base, kind: 'beside', bytesSetAside: 0 }
  if (scan.cutMends && losses.length === 0) {
    return { ...base, kind: 'cut', bytesSetAside: scan.size - scan.soundEnd }
  }
  return { ...base, kind: scan.state === 'plain' ? 'plain' : 'rewrite' }
}

function refuseWhatIsNotOurs(scan: LogScan): void {
  const { path, state, sidecar, anomalyCounts } = scan
  const details = { path }
  if (state === 'newer' || sidecar.state === 'newer') {
    throw new PapyraError('newer_format', `${path} was written by a later version of Papyra.`, {
      details,
    })
  }
  if (state === 'unrecognised') {
    throw new PapyraError('unreadable', `Nothing in ${path} can be recognised as a log.`, {
      details,
    })
  }
  if ((anomalyCounts.unreadable ?? 0) === 0) return
  const first = scan.anomalies.find((anomaly) => anomaly.code === 'unreadable')
  throw new PapyraError('unreadable', `${path} cannot be read whole: ${first?.detail ?? ''}`, {
    details: { path, offset: first?.offset ?? null },
  })
}

/** True if the sidecar is of the log, but of a generation before it that no rewrite explains. */
function isBehind({ sidecar, identity }: LogScan): boolean {
  if (sidecar.state !== 'ok' || identity === null) return false
  const { logId, generation, next } = sidecar.sidecar
  return (
    logId === identity.logId && generation < identity.generation && next !== identity.generation
  )
}

/** What stands beside the log and cannot stay as it is. */
export function badFiles(scan: LogScan): readonly BadFile[] {
  const { path, sidecar, mark, identity } = scan
  const bad: BadFile[] = []
  const side = (code: string, missing = false): void => {
    bad.push({ what: 'sidecar', path: sidecarPath(path), code, missing })
  }
  if (sidecar.state === 'missing') side('sidecar_missing', true)
  else if (sidecar.state === 'damaged') side('sidecar_damaged')
  else if (sidecar.state === 'ok' && sidecar.sidecar.logId !== identity?.logId) side('foreign_log')
  else if (isBehind(scan)) side('sidecar_damaged')
  const slots = (code: string, missing = false): void => {
    bad.push({ what: 'mark', path: markPath(path), code, missing })
  }
  if (mark.state === 'missing') slots('mark_missing', true)
  else if (mark.state === 'damaged' || (scan.anomalyCounts.mark_damaged ?? 0) > 0)
    slots('mark_damaged')
  else if (mark.mark.logId !== identity?.logId) slots('foreign_log')
  return bad
}

/** What the caller agrees to. */
export interface Consent {
  readonly acceptLoss?: boolean | undefined
  readonly force?: boolean | undefined
}

/** Throws unless the caller agreed to what the plan needs. */
export function requireConsent(scan: LogScan, plan: RepairPlan, consent: Consent): void {
  const { path, lines, foreign } = scan
  if (plan.kind === 'nothing') return
  if (consent.force !== true && needsForce(scan)) {
    throw forceRequired(
      path,
      foreign
        ? 'the log and what stands beside it belong to different logs'
        : `${lines.bad} of ${lines.total} lines are bad`,
    )
  }
  requireAcceptedLoss(path, plan.losses, consent)
}

export function forceRequired(path: string, why: string): PapyraError {
  return new PapyraError('force_required', `${path} was not repaired: ${why}.`, {
    details: { path },
  })
}

/** Throws `accept_loss_required` unless there is no loss, or the caller agreed to record it. */
export function requireAcceptedLoss(
  path: string,
  recorded: readonly RecordedLoss[],
  { acceptLoss }: Consent,
): void {
  if (acceptLoss === true || recorded.length === 0) return
  const losses = recorded.map(({ seq, records, code }) => ({
    code,
    records,
    seq: seq === null ? null : { first: seq.first, last: seq.last },
  }))
  const lost = losses.reduce((sum, loss) => sum + loss.records, 0)
  throw new PapyraError(
    'accept_loss_required',
    lost === 0
      ? `${path} was not repaired: what was in the part that is gone cannot be told, and would be recorded as lost.`
      : `${path} was not repaired: ${lost} acknowledged records are gone and would be recorded as lost.`,
    { details: { path, records: lost, losses: losses.slice(0, 100) } },
  )
}

/** The sidecar to go on from: the one that is there if it belongs to the log, else a rebuilt one. */
export function sidecarToGoOnFrom(scan: LogScan): Sidecar {
  const { identity, sidecar, head } = scan
  if (identity === null) throw new PapyraError('internal', `${scan.path} has no identity`)
  if (sidecar.state === 'ok' && sidecar.sidecar.logId === identity.logId) {
    const there = sidecar.sidecar
    const done =
      there.next === identity.generation ? settled(there) : { ...there, next: null, pending: null }
    if (!isBehind(scan)) {
      return { ...done, generation: Math.max(done.generation, identity.generation) }
    }
    // Its history and losses still hold; its figures are those of a file that is no more.
    return {
      ...done,
      generation: identity.generation,
      compactedThrough: identity.compactedThrough,
      region: regionOf(scan),
      totals: { ...done.totals, countedBytes: scan.soundEnd },
    }
  }
  const { logId, generation, created, compactedThrough } = identity
  const end = Math.max(scan.lastSeq, scan.knownEnd)
  return {
    ...newSidecar({ logId, generation, created, format: FORMAT }),
    nextSeq: head?.nextSeq ?? 1,
    compactedThrough,
    region: regionOf(scan),
    totals: {
      values: { recordsWritten: end, bytesWritten: scan.soundEnd },
      countedSeq: end,
      countedBytes: scan.soundEnd,
    },
  }
}

function regionOf({ head, identity }: LogScan): Sidecar['region'] {
  return { records: head?.records ?? 0, bytes: 0, lastSeq: identity?.compactedThrough ?? 0 }
}

/** The generation that a rewrite of this log makes: above every one that was ever named. */
export function nextGeneration(scan: LogScan): number {
  const { identity, sidecar, mark } = scan
  const named = [identity?.generation ?? 0]
  if (sidecar.state === 'ok') named.push(sidecar.sidecar.generation, sidecar.sidecar.next ?? 0)
  if (mark.state === 'ok') named.push(mark.mark.generation)
  return Math.max(...named) + 1
}
