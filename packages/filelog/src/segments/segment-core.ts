import type { AckLevel, Clock } from '@papyra/contracts'
import { OwnedCore } from '../rewrite/owned-core.js'
import type { Vfs } from '../vfs.js'
import type { VfsFile } from '../vfs.js'
import type { AppendQueue } from '../write/append-queue.js'
import type { StoreLock } from '../write/lock.js'
import type { FiguresMeter } from '../format/figures.js'
import type { ManifestKeeper } from './manifest-file.js'
import type { Manifest } from './manifest.js'
import type { Rotator } from './rotate.js'
import type { SegmentsScan } from './scan-types.js'
import type { SealLimits } from './seal-limits.js'

export type { SealLimits } from './seal-limits.js'

export interface SegmentSettings {
  readonly vfs: Vfs
  /** Absolute path of the folder, links resolved. */
  readonly dir: string
  /** The name in reports. */
  readonly backend: string
  readonly access: 'read' | 'write'
  readonly clock: Clock
  readonly ack: AckLevel
  readonly maxRecordBytes: number
  readonly maxWaitingBytes: number
  readonly seal: SealLimits
}

/** A scan made while the store was locked, and the manifest and the names that it saw. */
export interface KnownSegments {
  readonly scan: SegmentsScan
  /** What must be the same for the scan to hold still: see `fingerprintOf`. */
  readonly fingerprint: string
  /** Wall time in ms at which the scan began: of a clean one of every byte, what `verifiedAt` becomes. */
  readonly began?: number
}

/** What a store has once it takes appends. */
export interface SegmentsLive {
  readonly queue: AppendQueue
  readonly manifest: ManifestKeeper
  /** Of the active segment: what its records are, kept up with every batch. */
  readonly figures: FiguresMeter
  /** Knows the active segment, seals it and begins the next. */
  readonly rotator: Rotator
  /** The active segment's open file. */
  readonly file: VfsFile
  readonly keptAside: readonly string[]
}

/** The state that the parts of one open store of segments share. */
export class SegmentCore extends OwnedCore {
  readonly settings: SegmentSettings
  known: KnownSegments | null = null
  live: SegmentsLive | null = null
  /** The open folder while we own it: its lock lives as long as it is open. */
  folder: VfsFile | null = null

  constructor(settings: SegmentSettings, lock: StoreLock | null) {
    super(settings.dir, settings.clock, lock)
    this.settings = settings
  }

  /** The manifest of a store that takes appends, as it stands on the disk. */
  get manifest(): Manifest | null {
    return this.live?.manifest.current ?? null
  }
}
