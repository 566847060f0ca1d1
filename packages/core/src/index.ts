export { openPapyra, type OpenPapyraOptions } from './open.js'
export type { PapyraHooks } from './hooks.js'
export { jsonLogger, type PapyraLogger } from './logger.js'
export { loggedCompaction, loggedRecovery, loggedScan } from './logged-acts.js'
export {
  LOG_EVENTS,
  type LogEventDefinition,
  type LogEventName,
  type LogEvents,
} from './log-events.js'
export type { Papyra, Recorded, CompactNowOptions } from './papyra.js'
export type {
  FactTypes,
  EventsOf,
  DeadLettersOf,
  NamesOf,
  TypedEvent,
  TypedDeadLetter,
  EventRecords,
  DeadLetterRecords,
  FactRecords,
} from './facts.js'
export { runGate } from './gate.js'
export type {
  DepthReport,
  GateOptions,
  GatePass,
  GateReport,
  StartupDepth,
  StartupOptions,
} from './gate-types.js'
export { checkStartup, type CheckStartupOptions } from './check-startup.js'
export { checkProductionRules, resolveEnvironment, type GuardedSettings } from './environment.js'
export { memoryBackend, type MemoryBackendOptions } from './memory-backend.js'
export {
  Reader,
  type ReaderOptions,
  type ListQuery,
  type EventQuery,
  type DeadLetterQuery,
} from './reader.js'
export { readVisible, type RetentionView, type VisibleQuery } from './visible.js'
export type { Where, WherePaths } from './where.js'
export { decodeRecord, decodeUnknown, type AnyRecord, type UnknownRecord } from './decode.js'
export { serialize } from './serializer.js'
export {
  DROP_REASONS,
  type Intake,
  type IntakeLimits,
  type IntakeStats,
  type Drop,
  type DropReason,
} from './intake.js'
export {
  settleAccounts,
  parseAccounts,
  addAccounts,
  type Accounts,
  type FactCounts,
  type KeptAccounts,
  type Unaccounted,
} from './accounts.js'
export type { AccountsKept } from './account-book.js'
export type { LifecycleState } from './lifecycle.js'
export type { WriteFailure } from './write-watch.js'
export type {
  PapyraSchemas,
  StandardSchema,
  SchemaIssue,
  SchemaResult,
  SchemaMismatch,
} from './schemas.js'
export {
  defineConfig,
  parseConfig,
  configToOpenOptions,
  type ParseConfigOptions,
} from './config.js'
export type {
  PapyraConfig,
  PapyraConfigInput,
  BackendChoice,
  StartupConfig,
  IntendedUse,
  Waiver,
} from './config-types.js'
export {
  scheduleCompaction,
  type CompactionScheduleOptions,
} from './compactor.js'
export { scheduleScrub, type ScrubScheduleOptions } from './scrub.js'
export type { MaintenanceTiming } from './maintenance.js'
export type { Schedule, Surroundings, Timer, Timing } from './scheduler.js'
export type { DailyWindow } from './daily-window.js'
