import type { AckLevel, Clock } from '@papyra/contracts'
import type { Head } from '../format/head.js'
import type { Identity, LogScan } from '../scan-types.js'
import type { Sidecar } from '../format/sidecar.js'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import type { AppendQueue } from '../write/append-queue.js'
import type { StoreLock } from '../write/lock.js'
import type { MarkWriter } from '../write/mark-file.js'
import { OwnedCore } from './owned-core.js'

export interface StoreSettings {
  readonly vfs: Vfs
  /** Absolute path of the log, links resolved. */
  readonly log: string
  /** The name in reports. */
  readonly backend: string
  readonly access: 'read' | 'write'
  readonly clock: Clock
  readonly ack: AckLevel
  readonly maxRecordBytes: number
  readonly maxWaitingBytes: number
  /** Convert a sound plain log on `begin`. */
  readonly upgrade: boolean
}

/** A scan made while the store was locked, and what the log looked like then. */
export interface KnownScan {
  readonly scan: LogScan
  readonly stat: VfsStat | null
}

/** What a store has once it takes appends. */
export interface Live {
  readonly queue: AppendQueue
  mark: MarkWriter
  readonly identity: Identity
  /** The head of the generation in place. */
  head: Head
  /** Records in the log when its last number was `at`. */
  records: { readonly count: number; readonly at: number }
  /** As it stands on the disk. */
  sidecar: Sidecar
  readonly keptAside: readonly string[]
}

/** The state that the parts of one open store share. */
export class StoreCore extends OwnedCore {
  readonly settings: StoreSettings
  /** The log's own file while we own it: its lock lives as long as it is open. */
  logFile: VfsFile | null
  known: KnownScan | null = null
  live: Live | null = null
  /**
   * What the last scan of every byte by this owner found: when it began (wall time in ms), `null` if
   * there was damage or the log is a new file since, `undefined` if there was no such scan.
   */
  verifiedAt: number | null | undefined = undefined

  constructor(settings: StoreSettings, lock: StoreLock | null, logFile: VfsFile | null) {
    super(settings.log, settings.clock, lock)
    this.settings = settings
    this.logFile = logFile
  }

  /** From now on the log is this file, which is locked. What was known of the old one is forgotten. */
  async replaceLogFile(file: VfsFile): Promise<void> {
    const old = this.logFile
    this.logFile = file
    this.known = null
    this.verifiedAt = null
    await old?.close()
  }
}
