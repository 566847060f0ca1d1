import type {
  HistoryEntry,
  CodeKey,
  MetricKey,
  RecordedLoss,
  RetentionPolicy,
  SeqRange,
} from '@papyra/contracts'
import { decodeSealedJson, encodeSealedJson } from './sealed-json.js'

/** What a file looked like when its owner closed it; if any of it differs, the file was touched. */
export interface Fingerprint {
  readonly inode: string
  readonly size: number
  readonly mtimeNs: string
  readonly ctimeNs: string
}

/** The figures of a store that was closed cleanly. */
export interface ClosedFigures {
  readonly at: number
  readonly lastSeq: number
  readonly records: number
  readonly bytes: number
  readonly fingerprint: Fingerprint
}

/** Counters kept with the store. `countedSeq` and `countedBytes` say how far appends are counted. */
export interface Totals {
  readonly values: { readonly [K in MetricKey | CodeKey]?: number }
  readonly countedSeq: number
  /** Offset in the log of `generation` up to which its bytes are counted in `bytesWritten`. */
  readonly countedBytes: number
}

/**
 * What a rewrite adds to the sidecar once its generation is in place: written before the rename, so
 * that whoever finishes an interrupted rewrite knows it.
 */
export interface PendingRewrite {
  readonly entry: HistoryEntry
  readonly losses: readonly RecordedLoss[]
  readonly nextSeq: number
  readonly compactedThrough: number
  readonly region: Sidecar['region']
  readonly totals: Totals
}

/** The small truth beside a log, replaced as a whole. */
export interface Sidecar {
  readonly format: number
  readonly logId: string
  readonly generation: number
  /** The generation that a rewrite is putting in place; `null` when none is going on. */
  readonly next: number | null
  /** What that rewrite adds; absent or `null` when none is going on. */
  readonly pending?: PendingRewrite | null
  /** True if the owner closed the store; then `closed` is there. */
  readonly clean: boolean
  readonly closed: ClosedFigures | null
  /** Who opened it last: to tell a killed process from a lost machine. */
  readonly opened: {
    readonly at: number
    readonly bootId: string
    readonly pid: number
    readonly hostname: string
  } | null
  /** The least number that the next record may get. */
  readonly nextSeq: number
  readonly compactedThrough: number
  /** The part up to `compactedThrough`: its figures, the bytes from the start of the file on. */
  readonly region: { readonly records: number; readonly bytes: number; readonly lastSeq: number }
  readonly created: number
  /** The policy of the last owner. */
  readonly retention: RetentionPolicy | null
  /** The newest entries, at most `HISTORY_LIMIT`. */
  readonly history: readonly HistoryEntry[]
  readonly losses: readonly RecordedLoss[]
  /** Numbers that were left out, never acknowledged, when an owner went on behind damage: no losses. */
  readonly skipped?: readonly SeqRange[]
  readonly totals: Totals
  /** When an owner last verified every byte, in ms; absent if none did. */
  readonly verifiedAt?: number | null
  /** The totals at the last reset; `null` if there was none. */
  readonly baseline: {
    readonly at: number
    readonly values: { readonly [K in MetricKey]?: number }
  } | null
}

export const HISTORY_LIMIT = 500

/** The sidecar's only line, end included. */
export function encodeSidecar(sidecar: Sidecar): string {
  return encodeSealedJson('_meta', sidecar)
}

export type SidecarResult =
  | { readonly state: 'missing' }
  | { readonly state: 'ok'; readonly sidecar: Sidecar }
  | { readonly state: 'newer'; readonly format: number }
  | { readonly state: 'damaged' }

/** Reads a sidecar; one that verifies is taken as it is, since only this code writes it. */
export function decodeSidecar(bytes: Uint8Array, formatRead: number): SidecarResult {
  const decoded = decodeSealedJson('_meta', bytes, formatRead)
  return decoded.state === 'ok'
    ? { state: 'ok', sidecar: decoded.value as object as Sidecar }
    : decoded
}

/** A first sidecar for a log that was just made or whose sidecar is gone. */
export function newSidecar(
  base: Pick<Sidecar, 'logId' | 'generation' | 'created' | 'format'>,
): Sidecar {
  return {
    ...base,
    next: null,
    clean: false,
    closed: null,
    opened: null,
    nextSeq: 1,
    compactedThrough: 0,
    region: { records: 0, bytes: 0, lastSeq: 0 },
    retention: null,
    history: [],
    losses: [],
    totals: { values: {}, countedSeq: 0, countedBytes: 0 },
    baseline: null,
  }
}
