import { PapyraError, type AckLevel, type Clock, type MetricKey } from '@papyra/contracts'
import type { Head } from '../format/head.js'
import type { Identity, LogScan } from '../scan-types.js'
import type { Sidecar } from '../format/sidecar.js'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import type { AppendQueue } from '../write/append-queue.js'
import type { StoreLock } from '../write/lock.js'
import type { MarkWriter } from '../write/mark-file.js'
import { type Counts, addCounts } from './ledger.js'

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
export class StoreCore {
  readonly settings: StoreSettings
  readonly lock: StoreLock | null
  /** The log's own file while we own it: its lock lives as long as it is open. */
  logFile: VfsFile | null
  known: KnownScan | null = null
  live: Live | null = null
  closing: boolean = false
  /** Appends that wait for room. */
  readonly blocked: Set<Promise<unknown>> = new Set()
  /** Outcomes that are not in the sidecar yet. */
  #counts: Counts = {}
  #tail: Promise<unknown> = Promise.resolve()
  /** Both clocks when the store was opened. */
  readonly opened: { readonly wall: number; readonly monotonic: number }

  constructor(settings: StoreSettings, lock: StoreLock | null, logFile: VfsFile | null) {
    this.settings = settings
    this.lock = lock
    this.logFile = logFile
    this.opened = { wall: settings.clock.now(), monotonic: settings.clock.monotonic() }
  }

  get counts(): Counts {
    return this.#counts
  }

  count(key: MetricKey, by: number = 1): void {
    this.#counts = addCounts(this.#counts, { [key]: by })
  }

  /** Takes the outcomes out, for a sidecar that is about to be written. */
  takeCounts(): Counts {
    const counts = this.#counts
    this.#counts = {}
    return counts
  }

  /** Puts outcomes back whose sidecar could not be written. */
  putCountsBack(counts: Counts): void {
    this.#counts = addCounts(this.#counts, counts)
  }

  /** Rejects with `closed` once `close` was called. */
  requireOpen(): void {
    if (this.closing) throw new PapyraError('closed', `${this.settings.log} is closed.`)
  }

  /** The lock; rejects with `closed`, or with `read_only` if the store is not ours. */
  requireOwner(doing: string): StoreLock {
    this.requireOpen()
    if (this.lock !== null) return this.lock
    throw new PapyraError(
      'read_only',
      `${this.settings.log} was opened for reading; ${doing} needs ownership.`,
    )
  }

  /** From now on the log is this file, which is locked. What was known of the old one is forgotten. */
  async replaceLogFile(file: VfsFile): Promise<void> {
    const old = this.logFile
    this.logFile = file
    this.known = null
    await old?.close()
  }

  /** Runs `work` when nothing else runs that must not meet it. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(work)
    this.#tail = run.catch(() => undefined)
    return run
  }
}
