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
} from '@papyra/contracts'
import { PapyraError } from '@papyra/contracts'
import { begunOf, type OnBegun } from '../control/begun.js'
import { guarded } from '../rewrite/io.js'
import type { LongRead } from '../scan/read-options.js'
import { appendToSegments, beginSegments } from './begin.js'
import { closeSegments } from './close.js'
import { compactSegments } from './compact.js'
import { measureSegmentsPlan } from './compact-measure.js'
import type {
  SegmentsCompactRequest,
  SegmentsCompactResult,
  SegmentsPlan,
} from './compact-types.js'
import { describeSegments, resetSegmentsMetrics } from './describe.js'
import { readSegmentMetaBatches, readSegmentMetas, readSegmentRecords } from './read.js'
import { recoverSegments } from './recover.js'
import { scanSegmentStore, segmentsReport } from './store-scan.js'
import { lockBase } from './names.js'
import type { SegmentCore } from './segment-core.js'
import { segmentsView, type SegmentsView } from './view.js'

/**
 * One open store of segments. The methods have the duties that the contract's `Backend` gives them;
 * only compaction is asked for by a verdict on each segment instead of a policy.
 */
export class SegmentStore {
  readonly #core: SegmentCore
  #closed: Promise<void> | null = null

  /** Made by `openSegmentStore`. */
  constructor(core: SegmentCore) {
    this.#core = core
  }

  /** Absolute path of the folder, links resolved. */
  get path(): string {
    return this.#core.location
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
      const report = await beginSegments(this.#core, options)
      await onBegun?.(begunOf(this.#core, lockBase(this.path)))
      return report
    })
  }

  append(facts: readonly AppendFact[]): Promise<AppendResult> {
    return appendToSegments(this.#core, facts)
  }

  read(query: ReadQuery = {}): AsyncIterable<StoredRecord> {
    return readSegmentRecords(this.#core, query)
  }

  readMeta(options: LongRead = {}): AsyncIterable<RecordMeta> {
    return readSegmentMetas(this.#core, options)
  }

  /** The same, many at a time, which is several times faster. */
  readMetaBatches(options: LongRead = {}): AsyncIterable<readonly RecordMeta[]> {
    return readSegmentMetaBatches(this.#core, options)
  }

  /**
   * The segments as they are now, the newest first: what each holds of each kind, and its metas for
   * whoever has to look closer. A throttle holds for the metas, too.
   */
  async view(options: LongRead = {}): Promise<SegmentsView> {
    this.#core.requireOpen()
    return guarded(this.path, () => segmentsView(this.#core, options))
  }

  async describe(): Promise<StoreDescription> {
    this.#core.requireOpen()
    return guarded(this.path, () => describeSegments(this.#core))
  }

  async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const startedAt = this.clock.monotonic()
    const core = this.#core
    core.requireOpen()
    const run = (): Promise<ScanReport> =>
      guarded(this.path, async () =>
        segmentsReport(core, await scanSegmentStore(core, options), startedAt),
      )
    return core.lock === null ? run() : core.exclusive(run)
  }

  recover(options: RecoverOptions): Promise<RecoveryReport> {
    return this.#alone('recover', () => recoverSegments(this.#core, options))
  }

  /** Deletes what the plan does not keep; `null` if nothing has to go. See `Backend.compact`. */
  async compact(request: SegmentsCompactRequest): Promise<SegmentsCompactResult | null> {
    return this.#alone('compact', async () => {
      try {
        return await compactSegments(this.#core, request)
      } catch (error) {
        this.#core.countError('compactionErrors', error)
        throw error
      }
    })
  }

  /**
   * Bytes that the store would have after this plan, which was made of this view: exact as long as
   * nothing is appended.
   */
  async measure(view: SegmentsView, plan: SegmentsPlan, options: LongRead = {}): Promise<number> {
    this.#core.requireOpen()
    return guarded(this.path, () => measureSegmentsPlan(this.#core, view, plan, options))
  }

  resetMetrics(): Promise<MetricsSnapshot> {
    return this.#alone('resetMetrics', () => resetSegmentsMetrics(this.#core))
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
    await core.exclusive(() => guarded(this.path, () => closeSegments(core)))
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
