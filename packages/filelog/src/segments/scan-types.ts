import type { Anomaly, Notice, ScanReport } from '@papyra/contracts'
import type { LogScan, Loss } from '../scan-types.js'
import type { ActiveSegment, Manifest, ManifestResult, SealedSegment } from './manifest.js'

/** What was found of one segment that the manifest names. */
export interface SegmentFinding {
  readonly entry: SealedSegment | ActiveSegment
  readonly sealed: boolean
  /** Where its bytes are: under its own name, or where they were found. Where it should be if it is missing. */
  readonly path: string
  /**
   * `sound`: every byte verified, by the whole-file checksum or line by line. `unread`: only its
   * size was looked at. `misplaced`: sound, under another name. `damaged`: see `scan`.
   * `unreadable`: the system does not let us read it.
   */
  readonly state: 'sound' | 'unread' | 'damaged' | 'misplaced' | 'missing' | 'unreadable'
  /** The scan line by line: always of the active segment, of a sealed one only if it is damaged. */
  readonly scan: LogScan | null
  readonly records: number
  readonly lastSeq: number
  /** What the file of a sealed segment looked like when this scan verified its checksum. */
  readonly stamp?: string
}

/** A file in the folder that looks like a segment, and that the manifest does not name. */
export interface ExtraFile {
  readonly path: string
  /** `trace`: of our own interrupted work, may be removed. The others are set aside by recovery. */
  readonly what: 'trace' | 'orphan' | 'foreign'
}

/** All that a scan of a store of segments found: enough for the report and for recovery. */
export interface SegmentsScan {
  readonly dir: string
  readonly manifest: ManifestResult
  /**
   * What the store is taken to be: the manifest if it holds, else one rebuilt from the segments;
   * `null` if not even that can be told.
   */
  readonly store: Manifest | null
  /** True if `store` was rebuilt: recovery has to write it. */
  readonly rebuilt: boolean
  readonly coverage: 'full' | 'quick'
  readonly unread: ScanReport['unread']
  /** In the order of the manifest, the active one last. */
  readonly segments: readonly SegmentFinding[]
  readonly extras: readonly ExtraFile[]
  /** Temporary files and marks that belong to nothing. */
  readonly traces: readonly string[]
  readonly anomalies: readonly Anomaly[]
  readonly anomalyCounts: Readonly<Partial<Record<Anomaly['code'], number>>>
  readonly notices: readonly Notice[]
  readonly losses: readonly Loss[]
  readonly records: number | null
  readonly bytes: number
  readonly firstSeq: number | null
  readonly lastSeq: number
  /** The last number that anything says there is or was. */
  readonly knownEnd: number
  readonly lines: { readonly total: number; readonly bad: number }
  /** True if segments of other logs stand in the place of ours. */
  readonly foreign: boolean
  readonly unproven: { readonly after: number } | null
}
