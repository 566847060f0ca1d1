import type { AnomalyCode, NoticeCode } from './anomalies.js'
import type { MetricsSnapshot } from './metrics.js'
import type { RecoveryMode, RetentionPolicy } from './policy.js'

/** Numbers from `first` to `last`, both included. */
export interface SeqRange {
  readonly first: number
  readonly last: number
}

/** One thing that is wrong with a store, and where. Never holds payloads. */
export interface Anomaly {
  readonly code: AnomalyCode
  /** Absolute path of the file (or the key) it is in. */
  readonly path: string
  /** Byte offset of its first byte; `null` where there is no such place. */
  readonly offset: number | null
  /** Length in bytes; `null` where there is none. */
  readonly length: number | null
  /** The numbers concerned, as far as they are known: for losses those that are gone. */
  readonly seq: SeqRange | null
  /** How many records are concerned; for losses how many are gone; 0 if none is. */
  readonly records: number
  /** True if mending it means to record acknowledged records as lost. */
  readonly loss: boolean
  /** One sentence for a person. */
  readonly detail: string
}

/** Something worth telling that does not count against the store. */
export interface Notice {
  readonly code: NoticeCode
  readonly path: string
  readonly offset: number | null
  readonly seq: SeqRange | null
  readonly count: number
  readonly detail: string
}

/** Numbers that a recovery recorded as lost. They stay on record for ever. */
export interface RecordedLoss {
  /** The range in which the records are missing; `null` where only their number is known. */
  readonly seq: SeqRange | null
  readonly records: number
  readonly code: AnomalyCode
  /** Wall time in ms of the recovery. */
  readonly at: number
}

/** The part of a store that a scan did not read, and when that was last verified. */
export interface UnreadPart {
  readonly files: number
  readonly bytes: number
  /** Wall time in ms of the last verification of every byte. */
  readonly verifiedAt: number
}

/** What a scan found. Plain JSON: `papyra persistence scan --json` prints this object. */
export interface ScanReport {
  readonly backend: string
  /** Absolute path, or URL without credentials. */
  readonly location: string
  readonly logId: string | null
  readonly generation: number | null
  /**
   * What was verified: `full` every byte; `quick` what came since the last clean close, and of the
   * rest what stands beside it; `structure` a plain log, which has no checksums.
   */
  readonly coverage: 'full' | 'quick' | 'structure'
  /** What a `quick` scan did not look at; `null` if it looked at everything. */
  readonly unread: UnreadPart | null
  /** True if there is no anomaly. */
  readonly clean: boolean
  /** The first anomalies in the order of their place, at most `maxAnomalies` of them. */
  readonly anomalies: readonly Anomaly[]
  /** How many there are of each code, the ones not listed included. */
  readonly anomalyCounts: { readonly [code: string]: number }
  readonly anomaliesTotal: number
  readonly notices: readonly Notice[]
  /** Sound records, the format's own lines not counted; `null` if not counted (`quick`). */
  readonly records: number | null
  readonly bytes: number
  readonly firstSeq: number | null
  readonly lastSeq: number | null
  /**
   * For a store that was not closed: nothing up to `after` is missing, but records beyond it may
   * have been acknowledged and be gone. `null` if nothing is unproven, as after a mere kill.
   */
  readonly unproven: { readonly after: number } | null
  readonly losses: readonly RecordedLoss[]
  /** What a recovery would ask for before it mends this. */
  readonly consent: { readonly acceptLoss: boolean; readonly force: boolean }
  readonly durationMs: number
}

/** What a recovery would do, to be carried out later with `RecoverOptions.plan`. */
export interface RecoveryPlan {
  /** Stands for all that the report of the dry run says: no plan is stored anywhere. */
  readonly id: string
}

/** What a recovery did. */
export interface RecoveryReport {
  readonly mode: RecoveryMode
  readonly dryRun: boolean
  /** False if there was nothing to do; then not a byte was changed. */
  readonly changed: boolean
  readonly before: ScanReport
  /** The scan that followed; `null` on a dry run. */
  readonly after: ScanReport | null
  readonly recordsKept: number
  /** Bytes taken out of the log and kept aside. */
  readonly bytesSetAside: number
  /** Files that now hold what was taken out, or the originals. */
  readonly keptAside: readonly string[]
  /** Losses that this recovery recorded (on a dry run: would record). */
  readonly losses: readonly RecordedLoss[]
  /** Of a dry run; `null` after a recovery. */
  readonly plan: RecoveryPlan | null
  readonly durationMs: number
}

/** Why retention drops a record. */
export type DropReason = 'age' | 'count' | 'bytes'

/** What one limit takes from one kind. */
export interface DropSummary {
  readonly kind: string
  readonly reason: DropReason
  /** The limit that decided, such as `perKind.event.maxRecords` or `maxAgeSeconds`. */
  readonly limit: string
  readonly records: number
  readonly bytes: number
  readonly seq: SeqRange
}

/**
 * A size limit that what is kept still exceeds: the kinds that it may take from are not enough, or
 * the newest record, which a limit in bytes never drops, is larger than the limit.
 */
export interface UnmetLimit {
  /** Such as `maxRecords` or `perKind.event.maxTotalBytes`. */
  readonly limit: string
  readonly wanted: number
  readonly actual: number
  readonly detail: string
}

/** Who asked for a compaction. */
export type CompactionTrigger = 'request' | 'schedule' | 'control'

/** What a plan does with one file of the store. */
export interface PlannedFile {
  /** Absolute path. */
  readonly path: string
  /** `drop` removes the file unread; `rewrite` copies what is kept into a new one. */
  readonly action: 'drop' | 'rewrite'
  /** The file as it is: records and bytes, its head and its marks counted. */
  readonly records: number
  readonly bytes: number
  /** What goes out of it. */
  readonly dropped: readonly DropSummary[]
}

/** What a compaction would do, to be carried out later with `CompactOptions.plan`. */
export interface CompactionPlan {
  /** Holds the policy, the time and how far the store reached: no plan is stored anywhere. */
  readonly id: string
  /** Wall time in ms that ages were measured against. */
  readonly at: number
  /** The last number that the plan judges; later records stay. */
  readonly through: number
  /** The files that it touches, oldest first. */
  readonly files: readonly PlannedFile[]
}

/** What a compaction did, or would do. */
export interface CompactionReport {
  readonly backend: string
  readonly location: string
  readonly dryRun: boolean
  /**
   * False if nothing had to go; then no record was touched, generation and size are as before, and a
   * plan made before stays good. A run by `schedule` or `control` is in the history all the same: the
   * last one that removed nothing, until something else happens.
   */
  readonly changed: boolean
  readonly policy: RetentionPolicy
  readonly generation: { readonly before: number; readonly after: number }
  readonly records: { readonly before: number; readonly after: number }
  readonly bytes: { readonly before: number; readonly after: number }
  readonly dropped: readonly DropSummary[]
  readonly unmet: readonly UnmetLimit[]
  readonly notices: readonly Notice[]
  /** Of a dry run; `null` after a compaction, and where the backend makes no plans. */
  readonly plan: CompactionPlan | null
  /** True if the result was scanned afterwards and found clean; `null` on a dry run or no change. */
  readonly verified: boolean | null
  readonly durationMs: number
}

/** One maintenance run in the history of a store. */
export interface HistoryEntry {
  readonly what: 'created' | 'compaction' | 'recovery' | 'upgrade' | 'reset'
  /** Wall time in ms. */
  readonly at: number
  readonly generation: number
  readonly recordsRemoved: number
  readonly bytesRemoved: number
  readonly detail: string
  /** How long it took, in ms; absent where it was not measured. */
  readonly durationMs?: number
  /** Of a compaction: who asked, and what went by which limit. */
  readonly trigger?: CompactionTrigger
  readonly dropped?: readonly DropSummary[]
}

/** One segment file of a store. */
export interface SegmentDescription {
  /** Absolute path. */
  readonly path: string
  readonly state: 'sealed' | 'active'
  readonly generation: number
  readonly firstSeq: number
  /** The last number that it answers for. */
  readonly lastSeq: number
  readonly records: number
  readonly bytes: number
  /** Times in ms of the oldest and the newest record with a usable time; `null` if there is none. */
  readonly minTimestamp: number | null
  readonly maxTimestamp: number | null
  readonly kinds: { readonly [kind: string]: { readonly records: number; readonly bytes: number } }
  readonly createdAt: number
  /** Wall time in ms; `null` while it is active. */
  readonly sealedAt: number | null
}

/** What a store says of itself without being read through. */
export interface StoreDescription {
  readonly backend: string
  readonly location: string
  readonly exists: boolean
  readonly format: 'checksummed' | 'plain' | 'memory'
  readonly logId: string | null
  readonly generation: number | null
  readonly createdAt: number | null
  /** True if the last owner closed it; `null` if that cannot be told. */
  readonly clean: boolean | null
  readonly bytes: number
  readonly lastSeq: number | null
  /** The policy that the last owner recorded with the store. */
  readonly retention: RetentionPolicy | null
  readonly compactedThrough: number
  readonly history: readonly HistoryEntry[]
  readonly losses: readonly RecordedLoss[]
  readonly metrics: MetricsSnapshot
  readonly owner: OwnerInfo | null
  /** When every byte was last verified by an owner, in ms; `null` if never. */
  readonly verifiedAt: number | null
  /** Oldest first; `null` where the store is not made of segments. */
  readonly segments: readonly SegmentDescription[] | null
}

/** Who holds a store. */
export interface OwnerInfo {
  readonly pid: number | null
  readonly host: string | null
  /** Wall time in ms since when it holds the store. */
  readonly since: number | null
}
