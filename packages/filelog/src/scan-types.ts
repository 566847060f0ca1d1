import type { Anomaly, Notice, SeqRange, UnreadPart } from '@papyra/contracts'
import type { AckMarkResult } from './format/ack-mark.js'
import type { Head } from './format/head.js'
import type { SidecarResult } from './format/sidecar.js'

/** Sound record lines that stand one behind the other, with growing numbers; no mark among them. */
export interface Extent {
  readonly offset: number
  readonly end: number
  readonly firstSeq: number
  readonly lastSeq: number
  readonly records: number
}

/** Bytes that do not belong into the log, and why. */
export interface Misplaced {
  readonly offset: number
  readonly end: number
  readonly code: Anomaly['code']
}

/** Records that are gone. */
export interface Loss {
  /** The numbers, or the range in which `records` of them are missing; `null` if not even that is known. */
  readonly seq: SeqRange | null
  readonly records: number
  readonly code: Anomaly['code']
}

/** The block that is open at the end of a sound log: what is needed to go on appending to it. */
export interface OpenBlock {
  readonly offset: number
  readonly bytes: number
  readonly records: number
  readonly after: number
  readonly firstSeq: number
  /** Records of the log up to now, this block included. */
  readonly total: number
  readonly prev: string
  /** Running checksum of the block's bytes. */
  readonly sum: number
}

/** Which log this is. */
export interface Identity {
  readonly logId: string
  readonly seed: number
  readonly generation: number
  readonly created: number
  readonly compactedThrough: number
  readonly blockBytes: number
  /** Numbers below this one were never in this log. */
  readonly firstSeq: number
  /** Where the identity comes from. */
  readonly source: 'head' | 'sidecar' | 'mark' | 'lines'
}

/** All that a scan of one log found: enough for the report, for repair and for going on appending. */
export interface LogScan {
  /** Absolute path, links resolved. */
  readonly path: string
  readonly state: 'checksummed' | 'plain' | 'newer' | 'unrecognised'
  readonly coverage: 'full' | 'quick' | 'structure'
  /** What a `quick` scan did not look at. */
  readonly unread: UnreadPart | null
  /** `null` for plain logs, for later formats and where nothing tells. */
  readonly identity: Identity | null
  readonly head: Head | null
  readonly sidecar: SidecarResult
  readonly mark: AckMarkResult
  /** Size of the log when the scan began; what was appended since was not looked at. */
  readonly size: number
  /** Behind the last sound line. Equal to `size` if the log ends with one. */
  readonly soundEnd: number
  /** In the order of their place; capped, `anomalyCounts` is not. */
  readonly anomalies: readonly Anomaly[]
  readonly anomalyCounts: Readonly<Partial<Record<Anomaly['code'], number>>>
  readonly notices: readonly Notice[]
  readonly records: number | null
  readonly firstSeq: number | null
  /** The last number that the log answers for: last sound record or block mark. 0 if none. */
  readonly lastSeq: number
  /** The last number that mark, sidecar and head say there is or was. */
  readonly knownEnd: number
  /** What a repaired log holds: in the order of the numbers, none twice. */
  readonly keep: readonly Extent[]
  /** What a repair takes out: damaged stretches, copies, foreign lines, damaged marks. */
  readonly setAside: readonly Misplaced[]
  readonly losses: readonly Loss[]
  /** True if cutting the log at `soundEnd` mends everything that is wrong with its bytes. */
  readonly cutMends: boolean
  /** True if the log's own bytes need no repair (mark or sidecar may). */
  readonly bytesSound: boolean
  readonly lines: { readonly total: number; readonly bad: number }
  readonly foreign: boolean
  readonly unproven: { readonly after: number } | null
  /** Numbers between sound records that are not there and were never proven: no losses. */
  readonly skipped: readonly SeqRange[]
  /** `null` unless the bytes are sound up to `soundEnd`. */
  readonly openBlock: OpenBlock | null
}
