export { systemClock, manualClock, type Clock, type ManualClock } from './clock.js'
export {
  RECORD_KINDS,
  isRecordKind,
  type RecordKind,
  type JsonValue,
  type AppendFact,
  type StoredRecord,
  type RecordMeta,
  type EventInput,
  type AuditInput,
  type DeadLetterInput,
  type EventRecord,
  type AuditRecord,
  type DeadLetterRecord,
} from './records.js'
export {
  STARTUP_MODES,
  RECOVERY_MODES,
  ACK_LEVELS,
  SERVER_ACK_LEVELS,
  type RetentionLimits,
  type RetentionPolicy,
  type StartupMode,
  type RecoveryMode,
  type AckLevel,
  type ServerAckLevel,
} from './policy.js'
export { recoveryPlanMode, recoveryPlanOf, requireRecoveryPlan } from './recovery-plan.js'
export { defineCapabilities, type Capabilities } from './capabilities.js'
export {
  ERROR_CODES,
  FINAL_WRITE_ERRORS,
  type PapyraErrorCode,
  type CodeExplanation,
  type ErrorExplanation,
} from './error-codes.js'
export { PapyraError, isPapyraError, throwIfAborted, type PapyraErrorOptions } from './errors.js'
export {
  ANOMALY_CODES,
  NOTICE_CODES,
  type AnomalyCode,
  type NoticeCode,
  type AnomalyExplanation,
} from './anomalies.js'
export {
  METRICS_READERS,
  type AccountsPort,
  type KeptText,
  type MetricsReadAt,
  type MetricsReader,
} from './accounts.js'
export {
  CODE_INSTRUMENTS,
  FACT_INSTRUMENTS,
  GROUP_INSTRUMENTS,
  OWNER_INSTRUMENTS,
  SERVICE_INSTRUMENTS,
  TIME_INSTRUMENTS,
  type InstrumentDefinition,
} from './instruments.js'
export {
  measureGroups,
  measureOwner,
  measureStore,
  type Measured,
  type MeasuredGroup,
  type MeasuredOwner,
  type MeasuredStore,
  type Measurement,
} from './measure.js'
export { codeCounts, type CodeCounts, type CodeKey } from './code-counts.js'
export {
  METRIC_DEFINITIONS,
  type MetricDefinition,
  type MetricKey,
  type MetricValues,
  type MetricsSnapshot,
} from './metrics.js'
export type {
  SeqRange,
  Anomaly,
  Notice,
  RecordedLoss,
  ScanReport,
  RecoveryPlan,
  RecoveryReport,
  DropReason,
  DropSummary,
  UnmetLimit,
  UnreadPart,
  CompactionTrigger,
  PlannedFile,
  CompactionPlan,
  CompactionReport,
  HistoryEntry,
  SegmentDescription,
  StoreDescription,
  OwnerInfo,
} from './reports.js'
export { SingleFlight, type SingleFlightTiming } from './single-flight.js'
export type { Progress, LongOperation, Throttled } from './operations.js'
export type {
  ScanOptions,
  RecoverOptions,
  CompactOptions,
  BeginOptions,
  BeginReport,
  ReadQuery,
  AppendResult,
  OwnerClient,
  Finding,
  ScratchStore,
  Backend,
  OpenOptions,
  BackendDefinition,
  UpgradeOptions,
  UpgradeReport,
  AckOptions,
} from './backend.js'
export type {
  GroupRef,
  PendingRecord,
  ConsumerDescription,
  PendingSample,
  GroupLag,
  ClaimSummary,
  GroupDescription,
  GroupAct,
  GroupPlan,
  GroupActReport,
  GroupsPort,
} from './groups.js'
