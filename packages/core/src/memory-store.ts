import {
  METRIC_DEFINITIONS,
  PapyraError,
  type AppendFact,
  type Clock,
  type HistoryEntry,
  type MetricKey,
  type MetricsSnapshot,
  type MetricValues,
  type RecordMeta,
  type RetentionPolicy,
  type StoredRecord,
  codeCounts,
  type CodeKey,
  isPapyraError,
} from '@papyra/contracts'
import { assertSafe, planRetention, verdict, type RetentionPlan } from '@papyra/retention'
import { formatLine, utf8Length } from './line.js'
import { MemoryAccounts } from './memory-accounts.js'

const HISTORY_LENGTH = 100
/** Retention is applied when at least so much was appended since the last time. */
const TRIM_RECORDS = 64
const TRIM_BYTES = 1_048_576

type Totals = { -readonly [K in MetricKey]: number }

function zeroTotals(): Totals {
  const zero = Object.fromEntries(METRIC_DEFINITIONS.map(({ key }) => [key, 0]))
  return zero as Totals
}

/** The records of one memory store and the numbers about them. Knows nothing of who may use it. */
export class MemoryStore {
  readonly logId: string
  readonly createdAt: number
  readonly history: HistoryEntry[] = []
  readonly accounts: MemoryAccounts = new MemoryAccounts()
  readonly totals: Totals = zeroTotals()
  readonly #codes = new Map<CodeKey, number>()
  /** Oldest first. Replaced, never cut, so that who reads it goes on undisturbed. */
  records: readonly StoredRecord[] = []
  retention: RetentionPolicy | null
  generation = 1
  compactedThrough = 0
  #growing: StoredRecord[] = []
  #lastSeq = 0
  #baseline: MetricValues = zeroTotals()
  #resetAt: number | null = null
  #sinceTrim = { records: 0, bytes: 0 }
  #trimming: Promise<void> | null = null

  constructor(logId: string, createdAt: number, retention: RetentionPolicy | null) {
    this.logId = logId
    this.createdAt = createdAt
    this.retention = retention
    this.records = this.#growing
    this.remember('created', createdAt, {})
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Stores all facts or none; throws `record_too_large`. */
  append(facts: readonly AppendFact[], maxRecordBytes: number): void {
    const firstSeq = this.#lastSeq + 1
    const added = facts.map((fact, index) => this.#record(firstSeq + index, fact, maxRecordBytes))
    for (const record of added) {
      this.#growing.push(record)
      this.#count(record.bytes)
    }
    this.#lastSeq += added.length
  }

  /** Applies the recorded policy if enough was appended since the last time. */
  async trimIfGrown(clock: Clock): Promise<void> {
    if (this.retention === null) return
    const { records, bytes } = this.#sinceTrim
    const kept = { records: this.records.length - records, bytes: this.totals.bytesStored - bytes }
    const grown =
      records >= Math.max(TRIM_RECORDS, kept.records) || bytes >= Math.max(TRIM_BYTES, kept.bytes)
    if (!grown) return
    this.#trimming ??= this.#trim(this.retention, clock).finally(() => (this.#trimming = null))
    await this.#trimming
  }

  /** Takes out what a plan drops and tells how much that was. */
  drop(plan: RetentionPlan): { readonly records: number; readonly bytes: number } {
    const before = { records: this.records.length, bytes: this.totals.bytesStored }
    this.#growing = this.records.filter((record) => {
      if (verdict(plan, record) === null) return true
      this.totals.bytesStored -= record.bytes
      this.compactedThrough = Math.max(this.compactedThrough, record.seq)
      return false
    })
    this.records = this.#growing
    this.totals.recordsStored = this.records.length
    this.#sinceTrim = { records: 0, bytes: 0 }
    const gone = {
      records: before.records - this.records.length,
      bytes: before.bytes - this.totals.bytesStored,
    }
    this.totals.recordsDropped += gone.records
    this.totals.bytesReclaimed += gone.bytes
    return gone
  }

  async *metas(signal?: AbortSignal): AsyncGenerator<RecordMeta> {
    const { records } = this
    for (let i = records.length - 1; i >= 0; i -= 1) {
      if (signal?.aborted === true) return
      const record = records[i]
      if (record !== undefined) yield record
    }
  }

  /** Throws `internal` unless numbers ascend and the counts agree with the records. */
  verify(): void {
    let last = 0
    let bytes = 0
    for (const record of this.records) {
      if (record.seq <= last) break
      last = record.seq
      bytes += record.bytes
    }
    if (bytes === this.totals.bytesStored && last <= this.#lastSeq) return
    throw new PapyraError('internal', `The memory store is inconsistent behind record ${last}.`)
  }

  remember(
    what: HistoryEntry['what'],
    at: number,
    done: Pick<HistoryEntry, 'durationMs' | 'trigger' | 'dropped'> & {
      readonly records?: number
      readonly bytes?: number
      readonly detail?: string
    },
  ): void {
    const { records = 0, bytes = 0, detail = '', ...more } = done
    const { generation } = this
    this.history.push({
      what,
      at,
      generation,
      recordsRemoved: records,
      bytesRemoved: bytes,
      detail,
      ...more,
    })
    if (this.history.length > HISTORY_LENGTH) this.history.shift()
  }

  /**
   * Remembers a compaction that removed nothing. As long as nothing else happens in between, such
   * runs of one asker have one entry, that of the last: they must not push out what did happen.
   */
  rememberIdle(at: number, run: Required<Pick<HistoryEntry, 'durationMs' | 'trigger'>>): void {
    const { history } = this
    const before = history.findLastIndex((entry) => !isIdle(entry))
    const same = history.findIndex(({ trigger }, i) => i > before && trigger === run.trigger)
    if (same >= 0) history.splice(same, 1)
    this.remember('compaction', at, { ...run, dropped: [] })
  }

  resetMetrics(now: number): void {
    this.#baseline = { ...this.totals }
    this.#resetAt = now
    this.remember('reset', now, { detail: 'metrics baseline' })
  }

  metrics(): MetricsSnapshot {
    const sinceReset: Totals = { ...this.totals }
    for (const { key, type } of METRIC_DEFINITIONS) {
      if (type === 'counter') sinceReset[key] -= this.#baseline[key]
    }
    return {
      totals: { ...this.totals },
      sinceReset,
      createdAt: this.createdAt,
      resetAt: this.#resetAt,
      byCode: codeCounts((key) => this.#codes.get(key) ?? 0),
    }
  }

  countError(key: MetricKey, error: unknown): void {
    this.totals[key] += 1
    const code: CodeKey = `error:${isPapyraError(error) ? error.code : 'internal'}`
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1)
  }

  #record(seq: number, fact: AppendFact, maxRecordBytes: number): StoredRecord {
    const json = formatLine(seq, fact)
    const bytes = utf8Length(json) + 1
    if (bytes > maxRecordBytes) {
      throw new PapyraError(
        'record_too_large',
        `A fact takes ${bytes} bytes; the limit is ${maxRecordBytes}.`,
        { details: { kind: fact.kind, bytes, maxRecordBytes } },
      )
    }
    return { seq, kind: fact.kind, timestamp: fact.timestamp, json, bytes }
  }

  #count(bytes: number): void {
    this.totals.recordsWritten += 1
    this.totals.recordsStored += 1
    this.totals.bytesWritten += bytes
    this.totals.bytesStored += bytes
    this.#sinceTrim.records += 1
    this.#sinceTrim.bytes += bytes
  }

  async #trim(policy: RetentionPolicy, clock: Clock): Promise<void> {
    const plan = await this.#safePlan(policy, clock)
    if (plan !== null) this.drop(plan)
    // Nothing could be taken: wait until the store has doubled before trying again.
    else this.#sinceTrim = { records: 0, bytes: 0 }
  }

  /** A plan that a compaction would accept; without the age limits if the clock is suspect. */
  async #safePlan(policy: RetentionPolicy, clock: Clock): Promise<RetentionPlan | null> {
    for (const tried of [policy, withoutAge(policy)]) {
      try {
        const plan = await planRetention(() => this.metas(), tried, { now: clock.now() })
        assertSafe(plan)
        return plan
      } catch {
        // A suspect clock, or nothing would be left: the sizes alone can still be kept.
      }
    }
    return null
  }
}

function isIdle({ what, recordsRemoved, bytesRemoved, detail }: HistoryEntry): boolean {
  return what === 'compaction' && recordsRemoved === 0 && bytesRemoved === 0 && detail === ''
}

function withoutAge(policy: RetentionPolicy): RetentionPolicy {
  const perKind = Object.entries(policy.perKind ?? {}).map(([kind, limits]) => [
    kind,
    { ...limits, maxAgeSeconds: undefined },
  ])
  const { maxAgeSeconds: _age, ...rest } = policy
  return { ...rest, perKind: Object.fromEntries(perKind) }
}
