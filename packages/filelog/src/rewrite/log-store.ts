import type {
  AppendFact,
  AppendResult,
  BeginOptions,
  BeginReport,
  Clock,
  MetricsSnapshot,
  ReadQuery,
  RecordMeta,
  RecoverOptions,
  RecoveryReport,
  ScanOptions,
  ScanReport,
  StoredRecord,
  StoreDescription,
  UpgradeOptions,
  UpgradeReport,
} from '@papyra/contracts'
import { PapyraError } from '@papyra/contracts'
import { appendTo, beginStore } from './store-begin.js'
import { closeStore } from './store-close.js'
import type { LongRead } from '../scan/read-options.js'
import { begunOf, type OnBegun } from '../control/begun.js'
import { guarded } from './io.js'
import { measureKept, type MeasureOptions } from './measure.js'
import type { Keep } from './keep.js'
import { type CompactRequest, type CompactResult, compactStore } from './store-compact.js'
import type { StoreCore } from './store-core.js'
import { describeStore, resetStoreMetrics } from './store-metrics.js'
import { readRecordMetaBatches, readRecordMetas, readRecords } from './store-read.js'
import { recoverStore } from './store-recover.js'
import { reportOf, scanStore } from './store-scan.js'
import { upgradeStore } from './store-upgrade.js'
import { withLogParts, type LogPart } from './summaries.js'

/**
 * One open log with all that belongs to it. The methods have the duties that the contract's
 * `Backend` gives them; only compaction is asked for by a verdict on each record instead of a policy.
 */
export class LogStore {
  readonly #core: StoreCore
  #closed: Promise<void> | null = null

  /** Made by `openLogStore`. */
  constructor(core: StoreCore) {
    this.#core = core
  }

  /** Absolute path of the log, links resolved. */
  get path(): string {
    return this.#core.settings.log
  }

  /** True if the store was opened for writing, and so is ours. */
  get owned(): boolean {
    return this.#core.lock !== null
  }

  get clock(): Clock {
    return this.#core.settings.clock
  }

  /** Both clocks, in ms, when the store was opened. */
  get opened(): { readonly wall: number; readonly monotonic: number } {
    return this.#core.opened
  }

  /** `onBegun` is told how to announce that the owner can be asked, each time, before this resolves. */
  begin(options: BeginOptions = {}, onBegun?: OnBegun): Promise<BeginReport> {
    return this.#alone('begin', async () => {
      const report = await beginStore(this.#core, options)
      await onBegun?.(begunOf(this.#core))
      return report
    })
  }

  append(facts: readonly AppendFact[]): Promise<AppendResult> {
    return appendTo(this.#core, facts)
  }

  read(query: ReadQuery = {}): AsyncIterable<StoredRecord> {
    return readRecords(this.#core, query)
  }

  readMeta(options: LongRead = {}): AsyncIterable<RecordMeta> {
    return readRecordMetas(this.#core, options)
  }

  /** The same, many at a time, which is several times faster. */
  readMetaBatches(options: LongRead = {}): AsyncIterable<readonly RecordMeta[]> {
    return readRecordMetaBatches(this.#core, options)
  }

  /**
   * Lets `work` plan over the log as it is now, newest first, as often as it likes; blocks that need
   * not be read are not.
   */
  withParts<T>(
    options: LongRead,
    work: (parts: () => AsyncIterable<LogPart>) => Promise<T>,
  ): Promise<T> {
    return guarded(this.path, () => withLogParts(this.#core, options, work))
  }

  async describe(): Promise<StoreDescription> {
    return guarded(this.path, () => describeStore(this.#core))
  }

  async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const startedAt = this.clock.monotonic()
    const core = this.#core
    core.requireOpen()
    const run = (): Promise<ScanReport> =>
      guarded(this.path, async () => reportOf(core, await scanStore(core, options), startedAt))
    return core.lock === null ? run() : core.exclusive(run)
  }

  recover(options: RecoverOptions): Promise<RecoveryReport> {
    return this.#alone('recover', () => recoverStore(this.#core, options))
  }

  /** Deletes what the plan does not keep; `null` if nothing has to go. See `Backend.compact`. */
  async compact(request: CompactRequest): Promise<CompactResult | null> {
    return this.#alone('compact', async () => {
      try {
        return await compactStore(this.#core, request)
      } catch (error) {
        this.#core.countError('compactionErrors', error)
        throw error
      }
    })
  }

  /** Bytes that the log would have if only these records were kept; `through` is its last number. */
  async measure(keep: Keep, options: MeasureOptions): Promise<number> {
    this.#core.requireOpen()
    return guarded(this.path, () => measureKept(this.#core, keep, options))
  }

  upgrade(options: UpgradeOptions = {}): Promise<UpgradeReport> {
    return this.#alone('upgrade', () => upgradeStore(this.#core, options))
  }

  resetMetrics(): Promise<MetricsSnapshot> {
    return this.#alone('resetMetrics', () => resetStoreMetrics(this.#core))
  }

  /** Waits until everything appended so far is synced. */
  async flush(): Promise<void> {
    this.#core.requireOpen()
    await this.#core.live?.queue.flush()
  }

  /** Drains, syncs and lets go. Idempotent; the store is let go of even if it rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const core = this.#core
    core.closing = true
    await core.exclusive(() => guarded(this.path, () => closeStore(core)))
  }

  /** Runs what must not meet another such operation. What was waiting when `close` came is refused. */
  async #alone<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const core = this.#core
    core.requireOwner(doing)
    return core.exclusive(() => {
      if (core.closing) throw new PapyraError('closed', `${this.path} was closed meanwhile.`)
      return guarded(this.path, work)
    })
  }
}
