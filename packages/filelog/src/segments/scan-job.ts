import type { Anomaly } from '@papyra/contracts'
import type { LogScan, Loss } from '../scan-types.js'
import { progressTeller, type LogScanOptions } from '../scan/scan-options.js'
import type { Vfs, VfsStat } from '../vfs.js'
import type { Folder } from './folder.js'
import type { LaterManifest } from './later-manifest.js'
import type { ActiveSegment, Manifest, SealedSegment } from './manifest.js'
import { segmentName } from './names.js'
import type { ExtraFile, SegmentFinding, SegmentsScan } from './scan-types.js'

export interface SegmentScanOptions extends LogScanOptions {
  /**
   * Sealed segments that were verified a moment ago, by name, and what their files looked like then:
   * a scan that is taken again does not read them again. Filled by the scan.
   */
  readonly verified?: Map<string, VerifiedFile>
}

export interface VerifiedFile {
  readonly stat: VfsStat
  readonly checksum: string
}

/** One scan of a store while it goes on. */
export interface SegmentsJob {
  readonly vfs: Vfs
  readonly dir: string
  readonly folder: Folder
  readonly options: SegmentScanOptions
  /** What a living owner has done since the manifest was read; `null` if there is none. */
  readonly later: LaterManifest | null
}

/** Sealed segments that a living owner compacted away before they could be verified. */
export interface Vanished {
  readonly files: number
  readonly bytes: number
}

/** A finding with what it adds to the report. */
export interface FoundSegment {
  readonly finding: SegmentFinding
  readonly anomalies: readonly Anomaly[]
  readonly losses: readonly Loss[]
  /** The file in the folder that holds it; `null` if it is missing. */
  readonly file: string | null
  /** Of one that is missing, if nothing tells how far it went; else its scan tells. */
  readonly unproven?: SegmentsScan['unproven']
}

/** What stands in the folder beside the named segments. */
export interface FoundExtras {
  readonly extras: readonly ExtraFile[]
  readonly traces: readonly string[]
  readonly anomalies: readonly Anomaly[]
  /** What they prove to be missing. */
  readonly losses: readonly Loss[]
}

/** What a scan found, before it is put together. */
export interface FoundStore {
  readonly manifest: Manifest
  readonly segments: readonly FoundSegment[]
  readonly extras: FoundExtras
  /** What is wrong with the manifest, or between segments. */
  readonly anomalies: readonly Anomaly[]
  readonly losses: readonly Loss[]
  readonly rebuilt: boolean
  readonly foreign: boolean
  readonly vanished?: Vanished
}

export function isSealed(entry: SealedSegment | ActiveSegment): entry is SealedSegment {
  return 'kinds' in entry
}

/** The names of all segments that a manifest names, the active one last. */
export function namedSegments(
  manifest: Manifest,
): readonly { readonly entry: SealedSegment | ActiveSegment; readonly name: string }[] {
  return [...manifest.segments, manifest.active].map((entry) => ({
    entry,
    name: segmentName(entry),
  }))
}

/** How a segment is scanned by its lines: quietly, and all that is wrong is listed. */
export function lineOptions(job: SegmentsJob, ownerAlive: boolean): LogScanOptions {
  const { signal, pacer } = job.options
  return { signal, pacer, ownerAlive, maxAnomalies: Number.MAX_SAFE_INTEGER }
}

/** The number of records that are kept. */
export function keptIn({ keep }: LogScan): number {
  return keep.reduce((sum, { records }) => sum + records, 0)
}

/** Tells of progress, step by step, over all segments. */
export class SegmentProgress {
  readonly #tell: (bytes: number, records: number) => void
  #bytes: number = 0
  #records: number = 0

  constructor(totalBytes: number, options: LogScanOptions) {
    this.#tell = progressTeller(totalBytes, options)
  }

  bytes(bytes: number): void {
    this.#bytes += bytes
    this.#tell(this.#bytes, this.#records)
  }

  records(records: number): void {
    this.#records += records
  }
}

/** An anomaly of a whole file; what is not said is nothing. */
export function anomalyOf(
  code: Anomaly['code'],
  path: string,
  detail: string,
  more: Partial<Anomaly> = {},
): Anomaly {
  const none = { offset: null, length: null, seq: null, records: 0, loss: false }
  return { code, path, detail, ...none, ...more }
}
