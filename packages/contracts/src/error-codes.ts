/** What a code means, for `docs/errors.md`, `--help` and explanations on request. */
export interface CodeExplanation {
  /** What happened, one sentence. */
  readonly meaning: string
  /** What to do about it, one or two sentences. */
  readonly action: string
}

export interface ErrorExplanation extends CodeExplanation {
  /** The exit code with which the `papyra` command ends on this error. */
  readonly exit: 1 | 2 | 64 | 66 | 69 | 70 | 74 | 75 | 78 | 130
}

/** The codes of `PapyraError`. */
export type PapyraErrorCode =
  | 'invalid_argument'
  | 'invalid_policy'
  | 'invalid_config'
  | 'config_missing'
  | 'retention_missing'
  | 'mode_forbidden'
  | 'quarantine_dir_required'
  | 'quarantine_failed'
  | 'invalid_fact'
  | 'schema_refused'
  | 'record_too_large'
  | 'store_not_found'
  | 'store_exists'
  | 'not_a_log'
  | 'wrong_log'
  | 'newer_format'
  | 'upgrade_required'
  | 'store_locked'
  | 'lock_unavailable'
  | 'startup_refused'
  | 'anomalies_found'
  | 'accept_loss_required'
  | 'force_required'
  | 'unreadable'
  | 'clock_suspect'
  | 'drop_all_refused'
  | 'not_begun'
  | 'read_only'
  | 'closed'
  | 'write_failed'
  | 'writer_latched'
  | 'store_replaced'
  | 'io_error'
  | 'aborted'
  | 'time_budget_exceeded'
  | 'unsupported'
  | 'backend_not_installed'
  | 'backend_unreachable'
  | 'backend_denied'
  | 'backend_not_ready'
  | 'backend_refuses_writes'
  | 'backend_key_conflict'
  | 'backend_unsuitable'
  | 'under_replicated'
  | 'stale_plan'
  | 'group_not_found'
  | 'group_exists'
  | 'not_owner'
  | 'internal'

/** Every code that a `PapyraError` can carry. Codes are stable: they are never renamed or reused. */
export const ERROR_CODES: Readonly<Record<PapyraErrorCode, ErrorExplanation>> = Object.freeze({
  invalid_argument: {
    exit: 64,
    meaning: 'A value handed to a function or a command is not usable.',
    action: 'Correct the value that the message names.',
  },
  invalid_policy: {
    exit: 78,
    meaning: 'A retention limit is not a positive whole number, or the policy has an unknown key.',
    action: 'Use positive whole numbers; leave a limit out to have none.',
  },
  invalid_config: {
    exit: 78,
    meaning: 'The configuration has an unknown key, a wrong value or cannot be read safely.',
    action:
      'Correct the place that the message names. `papyra config show --origin` tells where each value came from.',
  },
  config_missing: {
    exit: 78,
    meaning: 'Neither a path nor a configuration says which store is meant.',
    action: 'Name the store with `--path FILE`, or write a configuration with `papyra init`.',
  },
  retention_missing: {
    exit: 78,
    meaning:
      'No retention policy is set where one is required: without one nothing would ever be removed.',
    action: 'Set at least one of maxRecords, maxAgeSeconds, maxTotalBytes.',
  },
  mode_forbidden: {
    exit: 78,
    meaning: 'The startup mode `ignore` is not allowed in production.',
    action: 'Use `fail_on_anomaly`, or `recover`.',
  },
  quarantine_dir_required: {
    exit: 78,
    meaning: 'Recovery in quarantine mode was asked for without a folder to keep the originals in.',
    action:
      'Name a folder with `quarantineDir` (`--quarantine-dir DIR`), on a disk with room for a copy.',
  },
  quarantine_failed: {
    exit: 74,
    meaning: 'The originals could not be copied to the quarantine folder, so nothing was changed.',
    action: 'Make the folder writable, free space there, or name another one.',
  },
  invalid_fact: {
    exit: 64,
    meaning: 'A fact lacks a required field or has one of the wrong type; nothing was written.',
    action: 'Correct the field that the message names.',
  },
  schema_refused: {
    exit: 64,
    meaning: 'A schema validator refused the payload; nothing was written.',
    action: 'Correct the payload, or the schema.',
  },
  record_too_large: {
    exit: 64,
    meaning: 'A fact is larger than `maxRecordBytes`; nothing was written.',
    action: 'Store large content elsewhere and keep a reference, or raise the limit.',
  },
  store_not_found: {
    exit: 66,
    meaning: 'There is no store at that place. A missing store is never healthy.',
    action:
      'Check the path and the mount. To make a new store: `papyra persistence create`, `--allow-new`, or `create: "if-missing"`.',
  },
  store_exists: {
    exit: 64,
    meaning: 'A new store was asked for, but something is there already; it was not touched.',
    action: 'Use another path, or `create --if-absent`.',
  },
  not_a_log: {
    exit: 66,
    meaning:
      'The path is not a regular file (a folder, pipe, socket or device), or the file is not a Papyra log.',
    action: 'Name the log itself.',
  },
  wrong_log: {
    exit: 1,
    meaning:
      'The log there is not the one that `expectLogId` names: another volume, or an old copy.',
    action: 'Check which volume is mounted. Correct `expectLogId` only if the change was intended.',
  },
  newer_format: {
    exit: 1,
    meaning: 'The log was written by a later version of Papyra. It is left as it is.',
    action: 'Use that version or a later one.',
  },
  upgrade_required: {
    exit: 1,
    meaning: 'The file is a plain log without checksums; a service may not append to it.',
    action: 'Run `papyra persistence upgrade` once; it keeps the original aside.',
  },
  store_locked: {
    exit: 75,
    meaning: 'Another process has the store open for writing.',
    action:
      'Stop that process, or wait for it with `--wait-lock`. There is nothing to delete: the lock ends with its process.',
  },
  lock_unavailable: {
    exit: 69,
    meaning: 'This system has no usable `flock` command, so exclusive ownership cannot be had.',
    action:
      'Install util-linux (or busybox). On macOS and Windows the file backends are not supported yet.',
  },
  startup_refused: {
    exit: 1,
    meaning: 'The startup gate found anomalies and does not let the service start.',
    action:
      'Look with `papyra persistence scan`, then recover explicitly with `papyra persistence recover`.',
  },
  anomalies_found: {
    exit: 2,
    meaning: 'The operation refuses to work on a store that has anomalies; nothing was changed.',
    action: 'Recover first with `papyra persistence recover`.',
  },
  accept_loss_required: {
    exit: 2,
    meaning:
      'Records that were acknowledged are gone, and recovery would have to record them as lost.',
    action:
      'Look for a copy first. If there is none, recover with `--accept-loss`; the loss stays on record.',
  },
  force_required: {
    exit: 2,
    meaning:
      'Recovery would take out more than half of the lines, or the log belongs to somebody else.',
    action: 'Check that this is the right file. If it is, run recovery with `--force`.',
  },
  unreadable: {
    exit: 74,
    meaning: 'The system does not let us read a part of the store, so nothing was repaired.',
    action: 'Look at the device and the permissions. Copy what can be read before anything else.',
  },
  clock_suspect: {
    exit: 1,
    meaning:
      'The clock disagrees with the newest records or with elapsed time, so an age limit might drop everything.',
    action: 'Check the clock. Compact with `--force` only if it is right.',
  },
  drop_all_refused: {
    exit: 1,
    meaning: 'The retention policy would drop every record.',
    action: 'Check the policy and the clock. Compact with `--force` only if that is intended.',
  },
  not_begun: {
    exit: 70,
    meaning:
      'The store was opened but has not passed the gate (`begin`), so it takes no appends yet.',
    action: 'Open stores with `openPapyra`, or call `begin()` first.',
  },
  read_only: {
    exit: 64,
    meaning: 'The store was opened for reading; the operation needs ownership.',
    action: 'Open it for writing.',
  },
  closed: {
    exit: 70,
    meaning: 'The store is closed, or closing.',
    action: 'Open it again. Nothing was written by this call.',
  },
  write_failed: {
    exit: 74,
    meaning:
      'The system refused a write. The log was cut back to the last whole record; the facts of this call are not stored.',
    action: 'Free space or mend the cause; appending goes on by itself when the cause is gone.',
  },
  writer_latched: {
    exit: 74,
    meaning:
      'A sync failed or a failed write could not be undone, so the writer stopped for good. The fate of the numbers it names is unknown.',
    action: 'Close the store, look at the device, and open it again through the startup gate.',
  },
  store_replaced: {
    exit: 74,
    meaning: 'The log was moved, replaced or cut while it was open. The writer stopped.',
    action: 'Do not let other tools (logrotate, editors) touch the log. Open the store again.',
  },
  io_error: {
    exit: 74,
    meaning: 'The system reported an input or output error.',
    action: 'Look at the cause that the message names: permissions, space, the device.',
  },
  aborted: {
    exit: 130,
    meaning: 'The operation was stopped on request. The store is as valid as before.',
    action: 'Run it again when it suits.',
  },
  time_budget_exceeded: {
    exit: 1,
    meaning:
      'The startup gate took longer than its time budget and stopped before it changed anything.',
    action: 'Raise `timeBudget`, or run the scan or the recovery ahead of the start.',
  },
  unsupported: {
    exit: 64,
    meaning: 'This backend cannot do what was asked; its capabilities say so.',
    action: 'Use a backend that can.',
  },
  backend_not_installed: {
    exit: 69,
    meaning: 'The package of the backend could not be loaded.',
    action: 'Install it with the line that the message gives.',
  },
  backend_unreachable: {
    exit: 69,
    meaning: 'The backend did not answer.',
    action: 'Check that its server runs and can be reached.',
  },
  backend_denied: {
    exit: 78,
    meaning: 'The server of the backend refused the credentials, or they lack a right.',
    action: 'Correct the user, the password or the rights that the message names.',
  },
  backend_not_ready: {
    exit: 69,
    meaning: 'The server of the backend answers, but cannot serve yet or for now.',
    action: 'Wait until it has loaded its data, finished its script or mended its cluster.',
  },
  backend_refuses_writes: {
    exit: 69,
    meaning:
      'The server of the backend takes no writes now: it is a replica, out of memory, or cannot persist.',
    action: 'Mend the cause that the message names; writing goes on by itself when it is gone.',
  },
  backend_key_conflict: {
    exit: 78,
    meaning: 'A key of the store holds something that is not of the store; it was not touched.',
    action: 'Use another prefix or system name, or find the program that writes to our keys.',
  },
  backend_unsuitable: {
    exit: 78,
    meaning: 'The server of the backend is too old, or set up so that it cannot keep a promise.',
    action: 'Upgrade the server or change the setting that the message names.',
  },
  under_replicated: {
    exit: 69,
    meaning:
      'The records are stored under the numbers that the error names, but fewer replicas than asked for confirmed them.',
    action: 'Do not append them again. Look at the replicas of the server.',
  },
  stale_plan: {
    exit: 75,
    meaning:
      'The store was compacted or recovered, or was damaged further, since the plan was made.',
    action: 'Make a new plan with `--dry-run`.',
  },
  group_not_found: {
    exit: 66,
    meaning: 'There is no such consumer group, or no such consumer in it.',
    action: 'List the groups with `papyra inspect groups`.',
  },
  group_exists: {
    exit: 75,
    meaning: 'There is a consumer group of that name already, which starts elsewhere.',
    action: 'Use it as it is, or move it with `papyra groups reset`.',
  },
  not_owner: {
    exit: 75,
    meaning: 'The record was delivered to another consumer meanwhile, or again to this one.',
    action:
      'Nothing to do: whoever holds it now handles it. Handle records faster than they are claimed.',
  },
  internal: {
    exit: 70,
    meaning: 'A defect of Papyra itself.',
    action: 'Please report it with the message and the version.',
  },
})

/** After one of these no later append succeeds until the store is opened anew. */
export const FINAL_WRITE_ERRORS: ReadonlySet<string> = new Set<PapyraErrorCode>([
  'writer_latched',
  'store_replaced',
])
