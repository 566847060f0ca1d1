import {
  PapyraError,
  isPapyraError,
  type AnomalyCode,
  type Clock,
  type MetricKey,
} from '@papyra/contracts'
import type { StoreLock } from '../write/lock.js'
import { type CountKey, type Counts, addCounts } from './ledger.js'

/** What every open store of files has: its lock, one long operation at a time, and its counts. */
export class OwnedCore {
  /** The file or folder that errors name. */
  readonly location: string
  readonly lock: StoreLock | null
  closing: boolean = false
  /** Appends that wait for room. */
  readonly blocked: Set<Promise<unknown>> = new Set()
  /** Both clocks when the store was opened. */
  readonly opened: { readonly wall: number; readonly monotonic: number }
  /** Outcomes that are not on the disk yet. */
  #counts: Counts = {}
  #tail: Promise<unknown> = Promise.resolve()

  constructor(location: string, clock: Clock, lock: StoreLock | null) {
    this.location = location
    this.lock = lock
    this.opened = { wall: clock.now(), monotonic: clock.monotonic() }
  }

  get counts(): Counts {
    return this.#counts
  }

  count(key: CountKey, by: number = 1): void {
    this.#counts = addCounts(this.#counts, { [key]: by })
  }

  /** Counts an error under its number, and by its code. */
  countError(key: MetricKey, error: unknown): void {
    const code = isPapyraError(error) ? error.code : 'internal'
    this.#counts = addCounts(this.#counts, { [key]: 1, [`error:${code}`]: 1 })
  }

  /** Counts a completed scan and what it found. */
  countScan(anomalyCounts: { readonly [Code in AnomalyCode]?: number }): void {
    this.count('scans')
    for (const [code, count] of Object.entries(anomalyCounts) as [AnomalyCode, number][]) {
      this.count('anomaliesDetected', count)
      this.count(`anomaly:${code}`, count)
    }
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
    if (this.closing) throw new PapyraError('closed', `${this.location} is closed.`)
  }

  /** The lock; rejects with `closed`, or with `read_only` if the store is not ours. */
  requireOwner(doing: string): StoreLock {
    this.requireOpen()
    if (this.lock !== null) return this.lock
    throw new PapyraError(
      'read_only',
      `${this.location} was opened for reading; ${doing} needs ownership.`,
    )
  }

  /** Runs `work` when nothing else runs that must not meet it. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(work)
    this.#tail = run.catch(() => undefined)
    return run
  }
}
