import type { HistoryEntry, RecordedLoss, RetentionPolicy, SeqRange } from '@papyra/contracts'
import type { KindFigures } from '../format/figures.js'
import { decodeSealedJson, encodeSealedJson } from '../format/sealed-json.js'
import type { Sidecar, Totals } from '../format/sidecar.js'
import type { SegmentId } from './names.js'

/** A segment that is complete: its file never changes again. */
export interface SealedSegment extends SegmentId {
  /** The last number that it answers for; above its last record where compaction took the end. */
  readonly lastSeq: number
  /** Up to here gaps between its numbers are the work of compaction; 0 if it was never rewritten. */
  readonly compactedThrough: number
  readonly records: number
  /** Size of the file. */
  readonly bytes: number
  /**
   * CRC-32 of all bytes of the file, seeded like a line's, as 8 hex digits. Empty if it was sealed
   * over damage that an owner had let pass: then only its lines can be verified.
   */
  readonly checksum: string
  /** One entry a kind. */
  readonly kinds: readonly KindFigures[]
  readonly created: number
  readonly sealed: number
  /**
   * What the file looked like when its bytes were last known to be right, see `stampOf`. Absent if
   * that was never noted: then only reading it tells.
   */
  readonly stamp?: string
}

/** The segment that takes the appends. How far it reaches, its mark says. */
export interface ActiveSegment extends SegmentId {
  readonly created: number
}

/** What the active segment was when the owner closed the store. */
export interface ClosedSegments {
  readonly at: number
  readonly lastSeq: number
  /** Of the active segment. */
  readonly records: number
  readonly bytes: number
  readonly checksum: string
  /** One entry a kind. */
  readonly kinds: readonly KindFigures[]
}

/** The small truth of a store of segments, replaced as a whole. */
export interface Manifest {
  readonly format: number
  readonly logId: string
  /** Raised by each compaction and recovery. */
  readonly generation: number
  /** Raised by every write of the manifest. */
  readonly edit: number
  readonly created: number
  readonly blockBytes: number
  /** True if the owner closed the store; then `closed` is there. */
  readonly clean: boolean
  readonly closed: ClosedSegments | null
  /** Who opened it last: to tell a killed process from a lost machine. */
  readonly opened: Sidecar['opened']
  /** The least number that the next record may get. */
  readonly nextSeq: number
  /** Oldest first; between two of them numbers are missing only where compaction dropped segments. */
  readonly segments: readonly SealedSegment[]
  readonly active: ActiveSegment
  /** Names of files that no longer belong to the store and may be removed. */
  readonly obsolete: readonly string[]
  /** Segments in which an owner found damage that was not mended yet: compaction refuses. */
  readonly suspect: readonly string[]
  readonly retention: RetentionPolicy | null
  readonly history: readonly HistoryEntry[]
  readonly losses: readonly RecordedLoss[]
  readonly skipped: readonly SeqRange[]
  readonly totals: Totals
  readonly baseline: Sidecar['baseline']
  /** When an owner last verified every byte, in ms; `null` if none did. */
  readonly verifiedAt: number | null
}

export type ManifestResult =
  | { readonly state: 'missing' }
  | { readonly state: 'ok'; readonly manifest: Manifest }
  | { readonly state: 'newer'; readonly format: number }
  | { readonly state: 'damaged' }

/** The manifest's only line, end included. */
export function encodeManifest(manifest: Manifest): string {
  return encodeSealedJson('_manifest', manifest)
}

/** Reads a manifest; one that verifies is taken as it is, since only this code writes it. */
export function decodeManifest(bytes: Uint8Array, formatRead: number): ManifestResult {
  const decoded = decodeSealedJson('_manifest', bytes, formatRead)
  return decoded.state === 'ok'
    ? { state: 'ok', manifest: decoded.value as object as Manifest }
    : decoded
}
