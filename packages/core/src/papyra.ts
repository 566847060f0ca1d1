import type {
  AppendResult,
  AuditInput,
  AuditRecord,
  CompactionReport,
  CompactionTrigger,
  LongOperation,
  MetricsReadAt,
  MetricsReader,
  MetricsSnapshot,
  RetentionPolicy,
  ScanOptions,
  ScanReport,
  StoreDescription,
  Throttled,
} from '@papyra/contracts'
import type {
  DeadLetterRecords,
  DeadLettersOf,
  EventRecords,
  EventsOf,
  FactRecords,
  FactTypes,
  NamesOf,
  TypedDeadLetter,
  TypedEvent,
} from './facts.js'
import type { AccountsKept } from './account-book.js'
import type { Accounts } from './accounts.js'
import type { GateReport } from './gate-types.js'
import type { Intake } from './intake.js'
import type { LifecycleState } from './lifecycle.js'
import type { WriteFailure } from './write-watch.js'
import type { DeadLetterQuery, EventQuery, ListQuery } from './reader.js'

/** The number that a fact was given. */
export interface Recorded {
  readonly seq: AppendResult['firstSeq']
}

export interface CompactNowOptions extends LongOperation, Throttled {
  /** Default: the policy that the store was opened with; with a `plan` the one it was made with. */
  readonly policy?: RetentionPolicy
  /** Tell what would go, change nothing. */
  readonly dryRun?: boolean
  /** The id of a plan that a dry run made: just that goes. See `CompactOptions.plan`. */
  readonly plan?: string
  /** Who asked, for the history. Default `request`. */
  readonly trigger?: CompactionTrigger
  /** Go on where the clock is suspect, or where everything would go. */
  readonly force?: boolean
}

/**
 * An open store that passed the startup gate, owned by this process. Every method but `close`
 * rejects with `closed` once closing has begun.
 */
export interface Papyra<Facts extends FactTypes = FactTypes> {
  readonly systemId: string
  readonly logId: string
  readonly state: LifecycleState
  /** The policy that lists hide by and `compact` deletes by; `null` if there is none. */
  readonly retention: RetentionPolicy | null
  /** What the gate found when the store was opened. */
  readonly startupReport: GateReport
  /** The write side for runtimes: never throws, never waits, counts what it drops. */
  readonly intake: Intake
  /**
   * Why the store did not take the last append; `null` if it took it, or if there was none. An
   * append that was refused for what it holds (`record_too_large`, `invalid_fact`) says nothing
   * about the store. Costs nothing to ask.
   */
  readonly writeFailure: WriteFailure | null
  /**
   * What became of all facts that were handed in, by this owner and those before it, as far as it is
   * kept with the store. `offered` = `written` + `waiting` + all of `dropped`, at any moment. Of an
   * owner that was killed `written` is counted by the store; what else it may have been handed is
   * `unaccounted`.
   */
  readonly accounts: Accounts
  /** Whether they outlive this owner. Where not, the store is served all the same. */
  readonly accountsKept: AccountsKept
  /**
   * When somebody last read the numbers, kept with the store as `accounts` are; what @papyra/http and
   * @papyra/otel tell, they note here.
   */
  readonly metricsReadAt: MetricsReadAt
  /** Notes that the numbers are read now. Costs nothing; written down within a second. */
  noteMetricsRead(reader: MetricsReader): void

  /**
   * Stores an event. The payload is taken at the call: changing it afterwards changes nothing.
   * Resolves when the store's acknowledgement level holds. Rejects with `invalid_fact`,
   * `schema_refused`, `record_too_large`, `write_failed`, `writer_latched`; nothing is stored then
   * (of `writer_latched` that is not known).
   */
  recordEvent<Type extends NamesOf<EventsOf<Facts>>>(
    event: TypedEvent<EventsOf<Facts>, Type>,
  ): Promise<Recorded>
  /** Stores an audit. Promise and errors as `recordEvent`. */
  recordAudit(audit: AuditInput): Promise<Recorded>
  /** Stores a dead letter. Promise and errors as `recordEvent`. */
  recordDeadLetter<Type extends NamesOf<DeadLettersOf<Facts>>>(
    letter: TypedDeadLetter<DeadLettersOf<Facts>, Type>,
  ): Promise<Recorded>

  /**
   * Events that retention keeps, in the order of their numbers. Includes what was acknowledged
   * before the list began. The same before and after a compaction. Throws `invalid_argument`,
   * `aborted`, `anomalies_found`.
   */
  listEvents<Type extends NamesOf<EventsOf<Facts>> = NamesOf<EventsOf<Facts>>>(
    query?: EventQuery<EventRecords<EventsOf<Facts>, Type>, Type>,
  ): AsyncIterable<EventRecords<EventsOf<Facts>, Type>>
  /** Audits; otherwise as `listEvents`. */
  listAudits(query?: ListQuery<AuditRecord>): AsyncIterable<AuditRecord>
  /** Dead letters; otherwise as `listEvents`. */
  listDeadLetters<Type extends NamesOf<DeadLettersOf<Facts>> = NamesOf<DeadLettersOf<Facts>>>(
    query?: DeadLetterQuery<DeadLetterRecords<DeadLettersOf<Facts>, Type>, Type>,
  ): AsyncIterable<DeadLetterRecords<DeadLettersOf<Facts>, Type>>
  /** Facts of all kinds, told apart by `kind`; otherwise as `listEvents`. */
  list(query?: ListQuery<FactRecords<Facts>>): AsyncIterable<FactRecords<Facts>>

  /**
   * Deletes what retention hides. Rejects with `retention_missing` if there is no policy, and with
   * what the backend's `compact` rejects with; the store is then unchanged. Closing stops it.
   */
  compact(options?: CompactNowOptions): Promise<CompactionReport>
  /** Verifies the store without changing it. Closing stops it. */
  scan(options?: ScanOptions): Promise<ScanReport>
  describe(): Promise<StoreDescription>
  /** The numbers that the store keeps about itself. */
  metrics(): Promise<MetricsSnapshot>
  /** Resolves when all that was handed in before the call is written and synced. */
  flush(): Promise<void>
  /**
   * Takes no more, writes what was accepted, and lets go of the store. Idempotent; concurrent calls
   * share one promise. Lists under way end with `closed`.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
