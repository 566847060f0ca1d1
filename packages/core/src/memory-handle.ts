import {
  PapyraError,
  isRecordKind,
  recoveryPlanOf,
  requireRecoveryPlan,
  throwIfAborted,
  type AccountsPort,
  type AppendFact,
  type AppendResult,
  type Backend,
  type BeginOptions,
  type BeginReport,
  type Capabilities,
  type Clock,
  type CompactionReport,
  type CompactOptions,
  type MetricsSnapshot,
  type OwnerInfo,
  type ReadQuery,
  type RecordMeta,
  type RecoverOptions,
  type RecoveryReport,
  type RetentionPolicy,
  type ScanOptions,
  type ScanReport,
  type StoreDescription,
  type StoredRecord,
} from '@papyra/contracts'
import { assertSafe, planRetention, validatePolicy } from '@papyra/retention'
import { memoryCapabilities } from './memory-capabilities.js'
import { checkReadQuery, readRecords } from './memory-read.js'
import { compactionReport, describeStore, scanReport } from './memory-reports.js'
import type { MemoryStore } from './memory-store.js'

/** How a memory store was opened. */
export interface HandleOptions {
  readonly access: 'read' | 'write'
  readonly clock: Clock
  readonly location: string
  readonly maxRecordBytes: number
  owner(): OwnerInfo | null
  /** Lets go of the store. */
  release(): void
}

/** A memory store, open. */
export class MemoryHandle implements Backend {
  readonly name = 'memory'
  readonly capabilities: Capabilities = memoryCapabilities
  readonly accounts: AccountsPort
  readonly #store: MemoryStore
  readonly #options: HandleOptions
  readonly #opened: { readonly wall: number; readonly monotonic: number }
  #begun = false
  #closed = false
  #compacting: Promise<unknown> = Promise.resolve()

  constructor(store: MemoryStore, options: HandleOptions) {
    this.#store = store
    this.accounts = store.accounts
    this.#options = options
    this.#opened = { wall: options.clock.now(), monotonic: options.clock.monotonic() }
  }

  async begin(options: BeginOptions = {}): Promise<BeginReport> {
    this.#checkWriter()
    if (!this.#begun) {
      const { retention } = options
      if (retention !== undefined) {
        this.#store.retention = retention === null ? null : validatePolicy(retention)
      }
      this.#begun = true
    }
    return { nextSeq: this.#store.lastSeq + 1, keptAside: [] }
  }

  async append(facts: readonly AppendFact[]): Promise<AppendResult> {
    this.#checkWriter()
    if (!this.#begun)
      throw new PapyraError('not_begun', 'The store takes no appends before `begin`.')
    if (facts.length === 0) throw new PapyraError('invalid_argument', 'There is nothing to append.')
    for (const fact of facts) checkFact(fact)
    const store = this.#store
    const firstSeq = store.lastSeq + 1
    try {
      store.append(facts, this.#options.maxRecordBytes)
    } catch (thrown) {
      store.countError('writeErrors', thrown)
      throw thrown
    }
    const lastSeq = store.lastSeq
    await store.trimIfGrown(this.#options.clock)
    return { firstSeq, lastSeq }
  }

  read(query: ReadQuery = {}): AsyncIterable<StoredRecord> {
    const checkOpen = (): void => this.#checkOpen()
    // What was acknowledged before the call is included, whatever happens before the first step.
    const { records } = this.#store
    const seen: ReadQuery = {
      ...query,
      beforeSeq: Math.min(query.beforeSeq ?? Infinity, this.#store.lastSeq + 1),
    }
    return (async function* () {
      checkOpen()
      checkReadQuery(query)
      yield* readRecords(records, seen, checkOpen)
    })()
  }

  async *readMeta(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<RecordMeta> {
    for await (const { seq, kind, timestamp, bytes } of this.#store.metas()) {
      this.#checkOpen()
      throwIfAborted(options.signal)
      yield { seq, kind, timestamp, bytes }
    }
    this.#checkOpen()
  }

  async describe(): Promise<StoreDescription> {
    this.#checkOpen()
    return describeStore(this.#store, this.#options.location, this.#options.owner())
  }

  async scan(options: ScanOptions = {}): Promise<ScanReport> {
    this.#checkOpen()
    const started = this.#options.clock.monotonic()
    throwIfAborted(options.signal)
    this.#store.verify()
    const bytes = this.#store.totals.bytesStored
    const records = this.#store.records.length
    options.onProgress?.({ phase: 'scan', doneBytes: bytes, totalBytes: bytes, records })
    if (this.#options.access === 'write') this.#store.totals.scans += 1
    const durationMs = this.#options.clock.monotonic() - started
    return scanReport(this.#store, this.#options.location, durationMs)
  }

  async recover(options: RecoverOptions): Promise<RecoveryReport> {
    this.#checkWriter()
    if (this.#begun) {
      throw new PapyraError('unsupported', 'A store that has begun cannot be recovered.', {
        hint: 'Close it and recover before the start.',
      })
    }
    if (options.mode === 'quarantine' && !options.quarantineDir) {
      throw new PapyraError('quarantine_dir_required', 'Quarantine needs a folder.')
    }
    const before = await this.scan(options)
    const report = {
      mode: options.mode,
      dryRun: options.dryRun ?? false,
      changed: false,
      before,
      after: options.dryRun === true ? null : await this.scan(options),
      recordsKept: this.#store.records.length,
      bytesSetAside: 0,
      keptAside: [],
      losses: [],
      durationMs: before.durationMs,
    }
    requireRecoveryPlan(options, report)
    return { ...report, plan: report.dryRun ? recoveryPlanOf(report) : null }
  }

  async compact(options: CompactOptions): Promise<CompactionReport> {
    this.#checkWriter()
    const policy = statedPolicy(options)
    const turn = this.#compacting.then(() => this.#compact({ ...options, policy }))
    this.#compacting = turn.catch(() => undefined)
    return turn
  }

  async resetMetrics(): Promise<MetricsSnapshot> {
    this.#checkWriter()
    this.#store.resetMetrics(this.#options.clock.now())
    return this.#store.metrics()
  }

  async flush(): Promise<void> {
    this.#checkOpen()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#compacting
    this.#options.release()
  }

  async #compact(
    options: CompactOptions & { readonly policy: RetentionPolicy },
  ): Promise<CompactionReport> {
    this.#checkOpen()
    const { clock, location } = this.#options
    const store = this.#store
    const [started, now] = [clock.monotonic(), clock.now()]
    const { policy, signal, dryRun = false, force = false, trigger = 'request' } = options
    try {
      const plan = await planRetention(() => store.metas(), policy, {
        now,
        ...(signal === undefined ? {} : { signal }),
      })
      assertSafe(plan, { force, elapsed: { opened: this.#opened, monotonicNow: started } })
      const report = compactionReport(store, plan, { location, dryRun })
      if (!dryRun) {
        const durationMs = clock.monotonic() - started
        if (report.changed) {
          store.generation += 1
          const done = { ...store.drop(plan), trigger, dropped: report.dropped, durationMs }
          store.remember('compaction', now, done)
          store.verify()
        } else if (trigger !== 'request') store.rememberIdle(now, { trigger, durationMs })
        store.totals.compactions += 1
      }
      return { ...report, durationMs: clock.monotonic() - started }
    } catch (thrown) {
      if (!dryRun) store.countError('compactionErrors', thrown)
      throw thrown
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new PapyraError('closed', 'The store is closed.')
  }

  #checkWriter(): void {
    this.#checkOpen()
    if (this.#options.access === 'write') return
    throw new PapyraError('read_only', 'The store was opened for reading.')
  }
}

/** The policy to compact by; a memory store makes no plans, so it must be stated. */
function statedPolicy({ plan, policy }: CompactOptions): RetentionPolicy {
  if (plan !== undefined) {
    throw new PapyraError('unsupported', 'A memory store makes no plans that could be carried out.')
  }
  if (policy !== undefined) return validatePolicy(policy)
  throw new PapyraError('invalid_argument', '`policy` is missing: what is to be kept?')
}

function checkFact({ kind, timestamp, members }: AppendFact): void {
  if (
    isRecordKind(kind) &&
    Number.isFinite(timestamp) &&
    members !== '' &&
    !members.includes('\n')
  ) {
    return
  }
  throw new PapyraError(
    'invalid_argument',
    'A fact needs a kind, a finite time and members on one line.',
  )
}
