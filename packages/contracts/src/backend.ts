import type { AccountsPort } from './accounts.js'
import type { Capabilities } from './capabilities.js'
import type { Clock } from './clock.js'
import type { GroupsPort } from './groups.js'
import type { MetricsSnapshot } from './metrics.js'
import type { LongOperation, Throttled } from './operations.js'
import type { AckLevel, RecoveryMode, RetentionPolicy } from './policy.js'
import type { AppendFact, RecordMeta, StoredRecord } from './records.js'
import type {
  CompactionReport,
  CompactionTrigger,
  OwnerInfo,
  RecoveryReport,
  ScanReport,
  StoreDescription,
} from './reports.js'

export interface ScanOptions extends LongOperation, Throttled {
  /**
   * `full` (the default) verifies every byte. `auto` verifies what came since the last clean close,
   * and of the rest only what stands beside it (mark, sidecar, manifest, sizes and times): allowed
   * only after a clean close, while the files are as they were then and the last full verification
   * is younger than `maxVerifiedAgeMs`; else it is `full`. The report says which.
   */
  readonly coverage?: 'full' | 'auto'
  /** For `auto`: how old the last full verification may be, in ms. Default 24 hours. */
  readonly maxVerifiedAgeMs?: number
  /** How many anomalies the report lists (it counts all). Default 1000. */
  readonly maxAnomalies?: number
}

export interface RecoverOptions extends LongOperation {
  readonly mode: RecoveryMode
  /** Required by mode `quarantine`: where the whole damaged originals go. */
  readonly quarantineDir?: string
  /** Consent to record acknowledged records that are gone as lost. */
  readonly acceptLoss?: boolean
  /** Consent to take out more than half of the lines, or to work on a log that names another. */
  readonly force?: boolean
  /** Tell what would be done, change nothing. The report then has a plan with an id. */
  readonly dryRun?: boolean
  /**
   * The id of a plan that a dry run in the same mode made: just that is done. Rejects with `stale_plan`
   * if it would be anything else, because another act came between, and with `invalid_argument` if it
   * is no id or one of another mode.
   */
  readonly plan?: string
}

export interface CompactOptions extends LongOperation, Throttled {
  /** What to keep. Required unless `plan` is given, which holds the policy it was made with. */
  readonly policy?: RetentionPolicy
  /** Tell what would go, change nothing. The report then has a plan with an id. */
  readonly dryRun?: boolean
  /**
   * The id of a plan that a dry run made: just that goes, whatever was appended since. Rejects with
   * `stale_plan` if a compaction or a recovery came between, with `invalid_argument` if it is no id,
   * or if `policy` is given as well and is another one.
   */
  readonly plan?: string
  /** Who asked, for the history. Default `request`. */
  readonly trigger?: CompactionTrigger
  /** Go on where the clock is suspect, or where everything would go. */
  readonly force?: boolean
  /**
   * Of a backend with consumer groups: delete also what a group has not handled yet. What that took
   * is counted and told. Without it such records stay, and the report names the group that holds them.
   */
  readonly ignoreGroups?: boolean
  /**
   * Of a backend that can do it more cheaply: only what goes at next to no cost, which may be less
   * than the policy hides, never more. The report says what is left. Others do it exactly.
   */
  readonly approximate?: boolean
}

export interface BeginOptions {
  /**
   * What to do about damage that the gate let pass (modes `ignore` and `scan_only`): `refuse` (the
   * default), or `set_tail_aside`, which moves an unfinished tail beyond the mark aside so that
   * nothing is ever appended behind bytes that are not understood.
   */
  readonly onDamage?: 'refuse' | 'set_tail_aside'
  /** The policy of the owner, recorded with the store. `null` records none. */
  readonly retention?: RetentionPolicy | null
  /** How it compacts and scans when another process asks the owner to. Default: as when it is called. */
  readonly forOthers?: Pick<Backend, 'compact' | 'scan'>
}

export interface BeginReport {
  /** The number that the next record gets. */
  readonly nextSeq: number
  /** Files that hold what had to be moved aside. */
  readonly keptAside: readonly string[]
}

export interface ReadQuery {
  /** Only these kinds; absent means all kinds, the unknown ones included. */
  readonly kinds?: readonly string[]
  /** Only records at or after this time, in ms. Records without a usable time match no time limit. */
  readonly since?: number
  /** Only records before this time, in ms. */
  readonly until?: number
  /** Only numbers above this one. */
  readonly afterSeq?: number
  /** Only numbers below this one. */
  readonly beforeSeq?: number
  /** Default `oldest`. */
  readonly order?: 'oldest' | 'newest'
  /** At most so many records, counted after the filters of this query. Positive. */
  readonly limit?: number
  readonly signal?: AbortSignal
  /** Told of each stretch of damage that the read had to pass over. Default: the read throws `anomalies_found` there. */
  readonly onDamage?: (damage: { path: string; offset: number; length: number }) => void
}

/** The numbers that one append was given. */
export interface AppendResult {
  readonly firstSeq: number
  readonly lastSeq: number
}

/** What the owner of a store answers to another process. */
export interface OwnerClient {
  who(): Promise<OwnerInfo>
  metrics(): Promise<MetricsSnapshot>
  /** Resolves when everything that the owner had accepted is synced. */
  flush(): Promise<void>
  /** The owner compacts, beside its appends. Aborting `signal` stops it. */
  compact(options: CompactOptions): Promise<CompactionReport>
  /** The owner scans, and counts the run. */
  scan(options?: ScanOptions): Promise<ScanReport>
}

/** Something that only this backend can know about its surroundings. */
export interface Finding {
  /** Stable id, such as `redis.eviction`. */
  readonly id: string
  readonly state: 'pass' | 'warn' | 'fail' | 'unknown'
  /** What was seen, for a person. */
  readonly evidence: string
  /** The command that mends it; `null` if there is none. */
  readonly mend: string | null
}

/** A throw-away copy of a store that drills may damage. */
export interface ScratchStore {
  readonly definition: BackendDefinition
  /** What it is, for a person: `a copy of 3 files on …`, `… records on a redis-server of its own`. */
  readonly made: string
  /** The kinds of damage that it can do to itself. */
  readonly damages: readonly string[]
  /**
   * Damages the copy in a reproducible way and says what it did. `unsupported` for a kind that is not
   * among `damages`. Nobody may have the copy open, unless the kind says otherwise.
   */
  damage(kind: string, seed: number): Promise<string>
  dispose(): Promise<void>
}

/**
 * One open store. Law for every method: nothing is acknowledged before its promise holds; nothing is
 * repaired, dropped or skipped without being reported; errors are `PapyraError`s. After `close`
 * every method but `close` rejects with `closed`. What a backend cannot do is `unsupported`.
 */
export interface Backend {
  readonly name: string
  readonly capabilities: Capabilities

  /**
   * Ends the gate: makes the store ready for appends and records the owner's policy. Rejects with
   * `read_only` unless opened for writing, with `upgrade_required` on a plain log, and with
   * `anomalies_found` where appending would not be safe. A second call changes nothing.
   */
  begin(options?: BeginOptions): Promise<BeginReport>

  /**
   * Appends all facts, in order, or none. The numbers are given in call order without gaps. The
   * promise resolves when the acknowledgement level holds for all of them. It rejects with
   * `write_failed` (none is stored; later appends may succeed), `writer_latched` (fate unknown; no
   * later append succeeds), `record_too_large`, `not_begun`, `read_only` or `closed`; a backend with
   * a server also with a code `backend_…` (none is stored), `store_replaced` (as `writer_latched`)
   * or `under_replicated` (all are stored). An empty list is `invalid_argument`. Waits, rather than
   * drops, when too many bytes are waiting.
   */
  append(facts: readonly AppendFact[]): Promise<AppendResult>

  /**
   * Reads records in the order of their numbers. What was acknowledged before the call is included;
   * each record at most once, also while compaction or appends go on. Stopping early releases all
   * resources. The format's own lines are never shown.
   */
  read(query?: ReadQuery): AsyncIterable<StoredRecord>

  /**
   * What retention needs of each record, newest first; stops reading when the caller does. Bytes are
   * bytes as stored.
   */
  readMeta(options?: { readonly signal?: AbortSignal }): AsyncIterable<RecordMeta>

  /** Describes the store without reading it through. Never writes. */
  describe(): Promise<StoreDescription>

  /** Verifies the store. Never writes to it (the owner counts the run among its metrics). */
  scan(options?: ScanOptions): Promise<ScanReport>

  /**
   * Mends what a scan finds. Exclusive, atomic, restartable; a second run changes nothing. Never
   * destroys the only copy of any bytes, and never applies retention. Rejects with
   * `accept_loss_required`, `force_required`, `quarantine_dir_required`, `stale_plan`, `newer_format`,
   * `unreadable`, `read_only`, or `unsupported` after `begin`.
   */
  recover(options: RecoverOptions): Promise<RecoveryReport>

  /**
   * Deletes what the policy hides. Exclusive, verified by a scan; atomic, or in a store of several
   * files a row of atomic steps, each of which leaves everything that the policy keeps. Rejects with
   * `anomalies_found`, `clock_suspect`, `drop_all_refused`, `invalid_policy`, `stale_plan` or
   * `read_only`, and then has changed nothing, or no more than the whole steps before it met the
   * damage, which the history tells.
   */
  compact(options: CompactOptions): Promise<CompactionReport>

  /** Records the present totals as the baseline of `sinceReset`. History is kept. */
  resetMetrics(): Promise<MetricsSnapshot>

  /** Waits until everything appended so far is synced. */
  flush(): Promise<void>

  /** Drains appends, syncs, and lets go of the store. Idempotent; never loses what was accepted. */
  close(): Promise<void>

  /**
   * The process that holds the store, if another does and answers within 2 s; `null` if nobody holds
   * it, or it is this process. Rejects with `store_locked` if somebody holds it and does not answer.
   */
  owner?(): Promise<OwnerClient | null>
  /** What only this backend can know about its surroundings. */
  diagnose?(): AsyncIterable<Finding>
  /** The groups that consume its records. */
  readonly groups?: GroupsPort
  /** Where it keeps what its owner has counted. */
  readonly accounts?: AccountsPort
  /** A throw-away copy in `dir`; `sample` is the most bytes to copy. */
  scratch?(options: { readonly dir: string; readonly sample: number }): Promise<ScratchStore>
}

export interface OpenOptions {
  /**
   * `read` never locks and never writes. `write` takes exclusive ownership (where the backend has
   * it) and then still takes no appends before `begin`.
   */
  readonly access: 'read' | 'write'
  /** What to do if there is no store. `never` (the default) rejects with `store_not_found`. */
  readonly create?: 'if-missing' | 'never'
  /**
   * Reject with `wrong_log` if the store has another id. A missing store is `store_not_found` then,
   * whatever `create` says: a new one would not be the one that is expected.
   */
  readonly expectLogId?: string
  /** How long to wait for a living owner to go, in ms. Default 500. */
  readonly waitLockMs?: number
  /** Convert a sound plain log on `begin`, keeping the original aside. Default false. */
  readonly upgrade?: boolean
  readonly clock?: Clock
}

/** A backend as it is named in a configuration: what it is, and how to open it. Opens nothing by itself. */
export interface BackendDefinition {
  readonly name: string
  /** Absolute path, or URL without credentials. */
  readonly location: string
  readonly capabilities: Capabilities
  open(options: OpenOptions): Promise<Backend>
  /** Makes a new, empty store. Rejects with `store_exists` if something is there. */
  create?(): Promise<{ readonly logId: string }>
  /**
   * The same backend with the same options at another absolute path: for scratch copies and restores.
   * Absent where a store is not at a path.
   */
  at?(location: string): BackendDefinition
  /** Converts a plain log. Absent where there is no such thing. */
  upgrade?(options: UpgradeOptions): Promise<UpgradeReport>
}

export interface UpgradeOptions extends LongOperation {
  readonly dryRun?: boolean
  /** Write the new log here and leave the original alone. */
  readonly out?: string
}

export interface UpgradeReport {
  readonly location: string
  readonly out: string
  readonly dryRun: boolean
  readonly changed: boolean
  readonly records: number
  readonly bytes: { readonly before: number; readonly after: number }
  readonly logId: string | null
  /** Where the original is kept; `null` if it was left in place. */
  readonly originalKeptAs: string | null
}

/** Options that all file backends share. */
export interface AckOptions {
  /** What a resolved append promises. Default `durable`. */
  readonly ack?: AckLevel
}
