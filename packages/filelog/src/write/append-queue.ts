import { type AppendFact, type AppendResult, isPapyraError, PapyraError } from '@papyra/contracts'
import { CallQueue, type Item, type SyncPoint, type Waiting } from './call-queue.js'
import { checkFacts } from './check-facts.js'
import type { AppendQueueOptions, AppendQueueState } from './append-options.js'
import type { AppendTarget } from './append-target.js'
import { LogWriter } from './log-writer.js'
import { unrefTimer } from './unref-timer.js'

/** A sync at least so often while records are acknowledged. */
const SYNC_MS = 1000
/** After so many batches without a wait, timers and sockets get their turn. */
const BATCHES_A_TURN = 32

/**
 * The only writer of a log. Calls that wait are written together, in call order, with one write call
 * and, at level `durable`, one sync for all. While one batch is on its way the next one gathers.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions
  readonly #writer: LogWriter
  readonly #queue: CallQueue = new CallQueue()
  #waitingBytes: number = 0
  #running: boolean = false
  #paused: boolean = false
  #closed: Promise<void> | null = null
  #batches: number = 0
  #cancelTimer: (() => void) | null = null
  readonly #idle: (() => void)[] = []
  readonly #ready: (() => void)[] = []

  constructor(options: AppendQueueOptions) {
    this.#options = options
    this.#writer = new LogWriter(options)
  }

  get state(): AppendQueueState {
    const { nextSeq, offset, acked, synced, latched } = this.#writer
    return { nextSeq, offset, acked, synced, latched, waitingBytes: this.#waitingBytes }
  }

  /** Checksum of all bytes of the file; `null` where none is kept up. */
  get sum(): number | null {
    return this.#writer.sum
  }

  /**
   * Appends all facts, with numbers one behind the other, or none. Resolves when the level holds for
   * all of them. Rejects with `invalid_argument`, `invalid_fact` or `record_too_large` (before any
   * byte is written), `write_failed` (none is stored, the numbers are given again, later calls may
   * succeed), `writer_latched` or `store_replaced` (no later call succeeds; `details.firstUnknown` to
   * `details.lastUnknown` are the numbers whose fate is unknown), or `closed`.
   */
  append(facts: readonly AppendFact[]): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const { latched } = this.#writer
      if (latched !== null) throw latched
      if (this.#closed !== null) throw new PapyraError('closed', 'The log is closed, or closing.')
      const { bytes, ascii } = checkFacts(facts, this.#options.maxRecordBytes ?? 1024 * 1024)
      this.#waitingBytes += bytes
      this.#push({ facts, bytes, ascii, resolve, reject })
    })
  }

  /** Resolves, in call order, when no more than `maxWaitingBytes` are waiting. Never rejects. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ready.length === 0 && !this.#full()) resolve()
      else this.#ready.push(resolve)
    })
  }

  /** Resolves when everything appended so far is synced, the mark too. Waits while paused. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { latched } = this.#writer
      if (latched !== null) throw latched
      if (this.#closed !== null) throw new PapyraError('closed', 'The log is closed, or closing.')
      this.#push({ facts: null, resolve, reject })
    })
  }

  /** Resolves when no batch is on its way; then nothing touches the file until `resume`. */
  pause(): Promise<void> {
    this.#paused = true
    return this.#untilIdle()
  }

  /** Goes on, with another file if one is given; its records must end with the same number. */
  resume(target?: AppendTarget): void {
    if (target !== undefined) this.#writer.retarget(target)
    this.#paused = false
    this.#schedule()
  }

  /** See `LogWriter.endBlock`. Only while paused, or from `Rotation.next`. */
  endBlock(): Promise<void> {
    return this.#writer.endBlock()
  }

  /** Goes on with another file that ends with the same number. Only when `endBlock` may be called. */
  retarget(target: AppendTarget): void {
    this.#writer.retarget(target)
  }

  /**
   * Stops the writer for good, for a cause outside of it; everything that waits is rejected with the
   * error given back (`writer_latched`), or with the one for which it stopped already.
   */
  latch(cause: unknown, doing: string): PapyraError {
    const error = this.#writer.latch(cause, doing)
    if (!this.#running) this.#rejectAll(error)
    return error
  }

  /**
   * Writes and syncs everything that was handed in, then both slots of the mark, and closes the mark.
   * The log's file stays open: it is its opener's. Later calls reject with `closed`. Idempotent.
   * Rejects with `writer_latched` if the last sync failed; a writer that was latched before is just
   * let go. Waits while paused.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    try {
      if (this.#writer.latched === null) {
        await new Promise<void>((resolve, reject) => {
          this.#push({ facts: null, resolve, reject })
        })
      }
    } finally {
      await this.#untilIdle()
      await this.#writer.mark.close(this.#writer.latched === null)
    }
  }

  #push(item: Item): void {
    this.#queue.push(item)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#running || this.#paused || this.#queue.first === undefined) return
    this.#running = true
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (!this.#paused && this.#writer.latched === null) {
      const item = this.#queue.first
      if (item === undefined) break
      try {
        if (item.facts === null) await this.#syncPoint(item)
        else await this.#batch()
      } catch (error) {
        this.#writer.latch(error, 'An unforeseen step')
      }
      if (++this.#batches % BATCHES_A_TURN === 0) await new Promise(setImmediate)
    }
    if (this.#writer.latched !== null) this.#rejectAll(this.#writer.latched)
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
    this.#schedule()
  }

  async #syncPoint(point: SyncPoint): Promise<void> {
    try {
      await this.#writer.sync()
    } catch {
      // The writer stopped: whoever waits is told below, this one included.
      return
    }
    this.#queue.take(1)
    point.resolve()
  }

  async #batch(): Promise<void> {
    let batch = this.#queue.gather(this.#options.maxBatchBytes ?? 256 * 1024)
    const { rotation } = this.#options
    if (rotation !== undefined) {
      let fits = rotation.room(batch, this.#writer.offset)
      if (fits === 0) {
        await rotation.next()
        if (this.#writer.latched !== null) return
        fits = Math.max(1, rotation.room(batch, this.#writer.offset))
      }
      if (fits < batch.length) batch = batch.slice(0, fits)
    }
    let bytes: number
    try {
      bytes = await this.#writer.commit(batch)
    } catch (error) {
      if (this.#writer.latched !== null) return
      if (!isPapyraError(error)) throw error
      this.#settle(batch)
      for (const { reject } of batch) reject(error)
      return
    }
    this.#settle(batch)
    let firstSeq = this.#writer.nextSeq - batch.reduce((sum, { facts }) => sum + facts.length, 0)
    this.#options.onCounted?.(this.#writer.nextSeq - firstSeq, bytes)
    for (const { facts, resolve } of batch) {
      resolve({ firstSeq, lastSeq: firstSeq + facts.length - 1 })
      firstSeq += facts.length
    }
    this.#cancelTimer ??= this.#startTimer()
  }

  #settle(batch: readonly Waiting[]): void {
    for (const { bytes } of batch) this.#waitingBytes -= bytes
    this.#queue.take(batch.length)
    if (this.#ready.length > 0 && !this.#full()) {
      for (const resolve of this.#ready.splice(0)) resolve()
    }
  }

  #rejectAll(error: PapyraError): void {
    const items = this.#queue.takeAll()
    this.#waitingBytes = 0
    this.#cancelTimer?.()
    this.#cancelTimer = null
    for (const { reject } of items) reject(error)
    for (const resolve of this.#ready.splice(0)) resolve()
  }

  #startTimer(): () => void {
    const timer = this.#options.timer ?? unrefTimer
    return timer(SYNC_MS, () => {
      this.#cancelTimer = null
      if (this.#closed !== null || this.#writer.allSynced || this.#writer.latched !== null) return
      // If that fails the writer stops, and `onLatched` says so.
      this.#push({ facts: null, resolve: () => undefined, reject: () => undefined })
    })
  }

  #untilIdle(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #full(): boolean {
    return this.#waitingBytes > (this.#options.maxWaitingBytes ?? 8 * 1024 * 1024)
  }
}
