import {
  PapyraError,
  isPapyraError,
  throwIfAborted,
  type AppendFact,
  type AppendResult,
  type Backend,
  type BeginOptions,
  type BeginReport,
  type Capabilities,
  type Clock,
  type CompactionReport,
  type CompactOptions,
  type Finding,
  type MetricsSnapshot,
  type OwnerClient,
  type ReadQuery,
  type RecordMeta,
  type RecoverOptions,
  type RecoveryReport,
  type ScanOptions,
  type ScanReport,
  type StoreDescription,
  type StoredRecord,
} from '@papyra/contracts'
import { compactStore, soundParts, type CompactParts } from './compact.js'
import { findDamage, reportOn, type Found } from './inspect.js'
import { recoverStore, soundRecoverParts, type RecoverParts } from './recover.js'
import {
  bytesOfLines,
  closedLines,
  isUntouched,
  snapshot,
  soundRecords,
  type ArrayStore,
  type Line,
  type Place,
} from './store.js'

const DAY_MS = 86_400_000

/** How an array backend was opened. */
export interface Handle {
  readonly name: string
  readonly location: string
  readonly capabilities: Capabilities
  readonly access: 'read' | 'write'
  readonly clock: Clock
  readonly maxRecordBytes: number
  readonly store: ArrayStore
  readonly place: Place
  release(): void
}

interface Waiting {
  readonly facts: readonly AppendFact[]
  readonly done: (result: AppendResult) => void
  readonly failed: (error: unknown) => void
}

/**
 * A backend over an array that keeps every promise of the contract. Its parts are methods, so that
 * a broken backend is this one with one method replaced.
 */
export class ArrayBackend implements Backend {
  readonly name: string
  readonly capabilities: Capabilities
  readonly handle: Handle
  readonly store: ArrayStore
  readonly openedAt: { readonly wall: number; readonly monotonic: number }
  begun = false
  closed = false
  waiting: Waiting[] = []
  compactParts: CompactParts = soundParts
  recoverParts: RecoverParts = soundRecoverParts

  constructor(handle: Handle) {
    this.name = handle.name
    this.capabilities = handle.capabilities
    this.handle = handle
    this.store = handle.store
    this.openedAt = { wall: handle.clock.now(), monotonic: handle.clock.monotonic() }
  }

  async begin(options: BeginOptions = {}): Promise<BeginReport> {
    this.checkWriter()
    if (this.begun) return { nextSeq: this.store.nextSeq, keptAside: [] }
    const keptAside = options.onDamage === 'set_tail_aside' ? this.setTailAside() : []
    if (this.damage().length > 0) throw new PapyraError('anomalies_found', 'Not on this store.')
    if (options.retention !== undefined) this.store.retention = options.retention
    this.store.closed = null
    this.begun = true
    return { nextSeq: this.store.nextSeq, keptAside }
  }

  setTailAside(): readonly string[] {
    const { lines } = this.store
    this.store.lines = lines.filter((line) => line.state !== 'torn')
    return lines.length > this.store.lines.length ? [`${this.handle.location}.tail`] : []
  }

  async append(facts: readonly AppendFact[]): Promise<AppendResult> {
    this.checkWriter()
    if (!this.begun) throw new PapyraError('not_begun', 'The store has not begun.')
    if (facts.length === 0) throw new PapyraError('invalid_argument', 'There is nothing to append.')
    const taken = this.take(facts)
    return new Promise<AppendResult>((done, failed) => {
      this.waiting.push({ facts: taken, done, failed })
      if (this.waiting.length === 1) this.startDraining()
    })
  }

  /** Takes over the facts of a call, so that nothing that the caller does later can reach them. */
  take(facts: readonly AppendFact[]): readonly AppendFact[] {
    return [...facts]
  }

  startDraining(): void {
    queueMicrotask(() => this.drain())
  }

  drain(): void {
    const batch = this.waiting
    this.waiting = []
    for (const { facts, done, failed } of batch) {
      try {
        done(this.write(facts))
      } catch (error) {
        this.store.totals.writeErrors += 1
        failed(error)
      }
    }
  }

  /** Stores all facts or none. */
  write(facts: readonly AppendFact[]): AppendResult {
    const { store } = this
    const firstSeq = this.nextNumber()
    const lines = facts.map((fact, index) => this.line(firstSeq + index, fact))
    if (lines.some(({ record }) => record.bytes > this.handle.maxRecordBytes)) this.refuseLarge()
    store.lines.push(...lines)
    store.nextSeq += lines.length
    store.totals.recordsWritten += lines.length
    const bytes = bytesOfLines(lines)
    store.totals.bytesWritten += bytes
    store.totals.recordsStored += lines.length
    store.totals.bytesStored += bytes
    return { firstSeq, lastSeq: firstSeq + lines.length - 1 }
  }

  refuseLarge(): never {
    throw new PapyraError('record_too_large', 'A record is over the limit.')
  }

  nextNumber(): number {
    return this.store.nextSeq
  }

  line(seq: number, fact: AppendFact): Line {
    const { kind, timestamp } = fact
    const json = this.encode(seq, fact)
    return { record: { seq, kind, timestamp, json, bytes: this.sizeOf(json) }, state: 'sound' }
  }

  encode(seq: number, { kind, timestamp, members }: AppendFact): string {
    return `{"seq":${String(seq)},"kind":"${kind}","timestamp":${String(timestamp / 1000)},${members}}`
  }

  sizeOf(json: string): number {
    return Buffer.byteLength(json) + 1
  }

  read(query: ReadQuery = {}): AsyncIterable<StoredRecord> {
    return this.walk(this.visible(), query)
  }

  /** The lines that a read that starts now is about. */
  visible(): readonly Line[] {
    return [...this.store.lines]
  }

  async *walk(lines: readonly Line[], query: ReadQuery): AsyncGenerator<StoredRecord> {
    this.checkOpen()
    const { limit } = query
    this.checkLimit(limit)
    let given = 0
    const seen = new Set<number>()
    for (const { record, state } of query.order === 'newest' ? this.reversed(lines) : lines) {
      throwIfAborted(query.signal)
      this.checkOpen()
      if (state !== 'sound') {
        if (query.onDamage === undefined) throw new PapyraError('anomalies_found', 'Damage.')
        query.onDamage({ path: this.handle.location, offset: 0, length: record.bytes })
        continue
      }
      if (seen.has(record.seq) || !this.matches(record, query)) continue
      seen.add(record.seq)
      yield record
      given += 1
      if (given === limit) return
    }
    throwIfAborted(query.signal)
  }

  checkLimit(limit: number | undefined): void {
    if (limit === undefined || limit > 0) return
    throw new PapyraError('invalid_argument', `limit is ${String(limit)}`)
  }

  reversed(lines: readonly Line[]): readonly Line[] {
    return [...lines].reverse()
  }

  matches(record: StoredRecord, query: ReadQuery): boolean {
    const { kinds, since, until, afterSeq, beforeSeq } = query
    if (kinds !== undefined && !kinds.includes(record.kind)) return false
    if (since !== undefined && !(record.timestamp >= since)) return false
    if (until !== undefined && !(record.timestamp < until)) return false
    if (afterSeq !== undefined && record.seq <= afterSeq) return false
    return beforeSeq === undefined || record.seq < beforeSeq
  }

  async *readMeta(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<RecordMeta> {
    for await (const record of this.read({ order: 'newest', ...options })) {
      const { seq, kind, timestamp, bytes } = record
      yield { seq, kind, timestamp, bytes }
    }
  }

  async owner(): Promise<OwnerClient | null> {
    this.checkOpen()
    const { store } = this
    if (this.handle.access === 'write' || this.handle.place.owner === null) return null
    return this.clientOf(store)
  }

  clientOf(store: ArrayStore): OwnerClient {
    const since = this.openedAt.wall
    return {
      who: () => Promise.resolve({ pid: process.pid, host: null, since }),
      metrics: () => Promise.resolve(snapshot(store)),
      flush: () => this.flush(),
      compact: (options) => this.compact(options),
      scan: (options) => this.scan(options),
    }
  }

  async *diagnose(): AsyncGenerator<Finding> {
    this.checkOpen()
    const evidence = `${String(this.store.lines.length)} lines`
    yield { id: 'array.lines', state: 'pass', evidence, mend: null }
  }

  async describe(): Promise<StoreDescription> {
    this.checkOpen()
    const { store } = this
    const { logId, generation, createdAt, retention, compactedThrough } = store
    return {
      backend: this.name,
      location: this.handle.location,
      exists: true,
      format: 'memory',
      logId,
      generation,
      createdAt,
      clean: null,
      bytes: bytesOfLines(store.lines),
      lastSeq: soundRecords(store).at(-1)?.seq ?? null,
      retention,
      compactedThrough,
      history: [...store.history],
      losses: [...store.losses],
      metrics: snapshot(store),
      owner: null,
      verifiedAt: store.verifiedAt,
      segments: null,
    }
  }

  damage(): Found[] {
    return findDamage(this.store, this.handle.location)
  }

  async scan(options: ScanOptions = {}): Promise<ScanReport> {
    this.checkOpen()
    throwIfAborted(options.signal)
    const verifiedAt = options.coverage === 'auto' ? this.verifiedLately(options) : null
    const damage = verifiedAt === null ? this.damage() : []
    this.tell(options.onProgress)
    if (this.handle.access === 'write') {
      this.store.totals.scans += 1
      this.store.totals.anomaliesDetected += damage.length
      if (verifiedAt === null) this.noteVerified(damage)
    }
    const report = this.report(damage, options.maxAnomalies)
    return verifiedAt === null ? report : this.quickReport(report, verifiedAt)
  }

  /** When every line was last verified, if that is enough for a look at the rest alone. */
  verifiedLately({ maxVerifiedAgeMs = DAY_MS }: ScanOptions): number | null {
    const { store } = this
    if (store.verifiedAt === null || !this.isUntouched()) return null
    const age = this.handle.clock.now() - store.verifiedAt
    return age >= 0 && age < maxVerifiedAgeMs ? store.verifiedAt : null
  }

  isUntouched(): boolean {
    return isUntouched(this.store)
  }

  noteVerified(damage: readonly Found[]): void {
    this.store.verifiedAt = damage.length === 0 ? this.handle.clock.now() : null
  }

  quickReport(report: ScanReport, verifiedAt: number): ScanReport {
    const unread = { files: 1, bytes: report.bytes, verifiedAt }
    return { ...report, coverage: 'quick', records: null, unread }
  }

  tell(onProgress: ScanOptions['onProgress']): void {
    const totalBytes = bytesOfLines(this.store.lines)
    const records = this.store.lines.length
    onProgress?.({ phase: 'scan', doneBytes: 0, totalBytes, records: 0 })
    onProgress?.({ phase: 'scan', doneBytes: totalBytes, totalBytes, records })
  }

  report(damage: readonly Found[], maxAnomalies = 1000): ScanReport {
    const { location } = this.handle
    return reportOn(this.store, { backend: this.name, location }, damage, maxAnomalies)
  }

  async recover(options: RecoverOptions): Promise<RecoveryReport> {
    this.checkWriter()
    if (!this.capabilities.recovery || this.begun) {
      throw new PapyraError('unsupported', 'This store cannot be recovered, or not now.')
    }
    throwIfAborted(options.signal)
    return recoverStore(this, options, this.recoverParts)
  }

  async compact(options: CompactOptions): Promise<CompactionReport> {
    this.checkWriter()
    const { compaction, dryRun, plans } = this.capabilities
    if (!compaction || (options.dryRun === true && !dryRun)) this.cannot('compact')
    if (options.plan !== undefined && !plans) this.cannot('carry out plans')
    throwIfAborted(options.signal)
    try {
      return await compactStore(this, options, this.compactParts)
    } catch (error) {
      if (isPapyraError(error)) this.store.totals.compactionErrors += 1
      throw error
    }
  }

  cannot(what: string): void {
    throw new PapyraError('unsupported', `This backend cannot ${what}.`)
  }

  async resetMetrics(): Promise<MetricsSnapshot> {
    this.checkWriter()
    this.store.baseline = { ...this.store.totals }
    this.store.resetAt = this.handle.clock.now()
    return snapshot(this.store)
  }

  async flush(): Promise<void> {
    this.checkOpen()
    this.drain()
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.drain()
    if (this.begun) this.store.closed = closedLines(this.store)
    this.handle.release()
  }

  checkOpen(): void {
    if (this.closed) throw new PapyraError('closed', 'The store is closed.')
  }

  checkWriter(): void {
    this.checkOpen()
    if (this.handle.access === 'read') throw new PapyraError('read_only', 'Opened for reading.')
  }
}
