import { BLOCK_BYTES, type Head } from '../format/head.js'
import { seedOf } from '../format/checksum.js'
import { markPath, sidecarPath } from '../format/names.js'
import type { AckMark } from '../format/ack-mark.js'
import type { Identity } from '../scan-types.js'
import type { Sidecar } from '../format/sidecar.js'
import type { Findings } from './findings.js'
import type { Region } from './losses.js'
import type { OpenedLog } from './open-log.js'
import type { Recognised } from './recognise.js'

/** Which log it is, and what of the files beside it is about this log. */
export interface Known {
  readonly identity: Identity
  readonly head: Head | null
  /** `null` if missing, damaged, or of another log. */
  readonly sidecar: Sidecar | null
  readonly mark: AckMark | null
  /** True if both files beside the log are of another one. */
  readonly foreign: boolean
  /** The id in the head, if that alone is of another log. */
  readonly foreignHead: string | null
  /** True if the log is of an older generation than what stands beside it. */
  readonly olderCopy: boolean
  /** `null` if only its marks can tell. */
  readonly region: Region | null
}

type Parts = Pick<OpenedLog, 'sidecar' | 'mark' | 'given'>

/** The identity of a log whose head is gone, from the files beside it or from its lines. */
export function identityWithoutHead(parts: Parts, recognised: Recognised | null): Identity | null {
  const { sidecar, mark, given } = parts
  const { firstSeq = 1, blockBytes = BLOCK_BYTES } = given ?? {}
  const ack = mark.state === 'ok' ? mark.mark : null
  if (sidecar.state === 'ok') {
    const { logId, generation, next, created, compactedThrough, pending } = sidecar.sidecar
    const renewed = next !== null && ack?.logId === logId && ack.generation === next
    return {
      logId,
      seed: seedOf(logId),
      generation: renewed ? next : generation,
      created,
      compactedThrough: renewed
        ? (pending?.compactedThrough ?? compactedThrough)
        : compactedThrough,
      blockBytes,
      firstSeq,
      source: 'sidecar',
    }
  }
  const base = { created: 0, compactedThrough: 0, blockBytes, firstSeq }
  if (ack !== null) {
    const { logId, generation } = ack
    return { ...base, logId, seed: seedOf(logId), generation, source: 'mark' }
  }
  if (recognised?.what !== 'checksummed') return null
  const { logId, seed } = recognised
  return { ...base, logId, seed, generation: 0, source: 'lines' }
}

export function identityOf(head: Head): Identity {
  const { logId, generation, created, compactedThrough, blockBytes, firstSeq } = head
  return {
    logId,
    seed: seedOf(logId),
    generation,
    created,
    compactedThrough,
    blockBytes,
    firstSeq,
    source: 'head',
  }
}

/** Sets log, sidecar and mark side by side. */
export function sideBySide(
  path: string,
  identity: Identity,
  head: Head | null,
  parts: Parts,
  { findings, bootId }: { findings: Findings; bootId: string },
): Known {
  const { logId, generation } = identity
  const sidecar = parts.sidecar.state === 'ok' ? parts.sidecar.sidecar : null
  const mark = parts.mark.state === 'ok' ? parts.mark.mark : null
  const foreign = sidecar !== null && sidecar.logId !== logId && mark?.logId === sidecar.logId
  if (foreign) {
    const detail = `The log is ${logId}; what stands beside it is of ${sidecar.logId}.`
    findings.log('foreign_log', { offset: 0 }, { detail })
  } else {
    besideSidecar(path, parts, logId, findings)
    besideMark(path, parts, { identity, bootId }, findings)
  }
  const ownSidecar = sidecar?.logId === logId ? sidecar : null
  const ownMark = mark?.logId === logId ? mark : null
  const olderCopy = generation < Math.max(ownSidecar?.generation ?? 0, ownMark?.generation ?? 0)
  const behind =
    ownSidecar !== null && ownSidecar.generation < generation && ownSidecar.next !== generation
  if (behind) {
    const detail = `It is of generation ${ownSidecar.generation}, older than the log's ${generation}.`
    findings.beside('sidecar_damaged', sidecarPath(path), 0, detail)
  }
  return {
    identity,
    head,
    sidecar: ownSidecar,
    mark: ownMark,
    foreign,
    foreignHead: null,
    olderCopy,
    region: regionOf(identity, head, ownSidecar),
  }
}

function besideSidecar(path: string, { sidecar }: Parts, logId: string, findings: Findings): void {
  const at = sidecarPath(path)
  if (sidecar.state === 'missing')
    findings.beside('sidecar_missing', at, null, 'There is no such file.')
  else if (sidecar.state === 'damaged') {
    findings.beside('sidecar_damaged', at, 0, 'It does not match its checksum.')
  } else if (sidecar.state === 'ok' && sidecar.sidecar.logId !== logId) {
    findings.beside(
      'sidecar_damaged',
      at,
      0,
      `It belongs to another log, ${sidecar.sidecar.logId}.`,
    )
  }
}

/** True if this generation was closed by its owner: a rewrite, too, leaves its store closed. */
function closedSince({ clean, closed, generation, history }: Sidecar, own: number): boolean {
  if (!clean || closed === null || generation !== own) return false
  const last = history.at(-1)
  // The rewrite may have been interrupted before it renewed the mark.
  return last === undefined || last.generation !== own || last.at !== closed.at
}

function besideMark(
  path: string,
  { mark, sidecar }: Parts,
  { identity, bootId }: { identity: Identity; bootId: string },
  findings: Findings,
): void {
  const at = markPath(path)
  const { logId, generation } = identity
  if (mark.state === 'missing') findings.beside('mark_missing', at, null, 'There is no such file.')
  else if (mark.state === 'damaged')
    findings.beside('mark_damaged', at, 0, 'Neither slot matches its checksum.')
  else if (mark.mark.logId !== logId) {
    findings.beside('mark_damaged', at, 0, `It belongs to another log, ${mark.mark.logId}.`)
  } else {
    const own = sidecar.state === 'ok' && sidecar.sidecar.logId === logId ? sidecar.sidecar : null
    if (own !== null && mark.mark.generation < generation && closedSince(own, generation)) {
      const detail = `It is of generation ${mark.mark.generation}, older than the log's ${generation}.`
      findings.beside('mark_damaged', at, 0, detail)
      return
    }
    // Where the store was not closed, a power cut may have torn the slot that was being written.
    const mayBeTorn = own !== null && !own.clean && own.opened?.bootId !== bootId
    for (const offset of mayBeTorn ? [] : mark.damaged) {
      findings.beside(
        'mark_damaged',
        at,
        offset,
        'This slot does not match its checksum; the other one does.',
        512,
      )
    }
  }
}

function regionOf(identity: Identity, head: Head | null, sidecar: Sidecar | null): Region | null {
  const { compactedThrough, generation, firstSeq } = identity
  const after = Math.max(0, firstSeq - 1)
  if (head !== null) return { after, through: compactedThrough, records: head.records }
  if (sidecar === null) return null
  const region = sidecar.generation === generation ? sidecar.region : sidecar.pending?.region
  return { after, through: compactedThrough, records: region?.records ?? null }
}

/** The last number that mark, sidecar and head say there is or was. */
export function knownEndOf({
  head,
  sidecar,
  mark,
}: Pick<Known, 'head' | 'sidecar' | 'mark'>): number {
  const ends = [0]
  if (mark !== null) ends.push(mark.acked)
  if (head !== null) ends.push(head.nextSeq - 1)
  if (sidecar !== null) {
    ends.push(sidecar.nextSeq - 1)
    if (sidecar.clean && sidecar.closed !== null) ends.push(sidecar.closed.lastSeq)
    for (const { seq } of sidecar.losses) if (seq !== null) ends.push(seq.last)
  }
  return Math.max(...ends)
}
