// How such things come about: what the catalogue of codes does not say.
import type { AnomalyCode, PapyraErrorCode } from '@papyra/contracts'

/** How a damage comes about, the most likely first. */
export const ANOMALY_CAUSES: Readonly<Record<AnomalyCode, string>> = {
  torn_tail: 'The process was killed, or the machine lost its power, in the middle of a write.',
  glued_line: 'A second program appended to the log, or an editor joined lines.',
  corrupt_record: 'The disk or memory flipped bits, or a program wrote into the file.',
  invalid_record: 'A program that computes checksums, but not records, wrote to the log.',
  stray_bytes: 'Somebody opened the log in an editor, or a transfer changed its line ends.',
  sequence_gap: 'Somebody deleted lines, or a stretch of the file was lost between two sound ones.',
  block_mismatch: 'Somebody deleted lines inside a block, or the disk gave back an older sector.',
  block_mark_damaged: 'Bits flipped in a block mark, or somebody removed or copied its line.',
  duplicate_record: 'A copy was appended to the log, or two logs were joined.',
  out_of_order: 'Lines were sorted, or put together from pieces.',
  foreign_record: 'Lines of another log, or entries of another program, were written into it.',
  foreign_log: 'A file was restored or moved without what belongs beside it.',
  missing_segment: 'A segment was deleted or moved, or a restore left it out.',
  misplaced_segment: 'A segment was renamed, by hand or by a restore.',
  rolled_back: 'An older copy was put back, the file was cut, or a disk lied about a sync.',
  orphan_segment: 'A segment was copied into the folder, or a restore mixed two states.',
  manifest_damaged: 'Bits flipped in the manifest, it was edited, or an older one was put back.',
  sidecar_missing: 'The log was copied or moved alone.',
  sidecar_damaged: 'Bits flipped in the sidecar, or it was edited.',
  mark_missing: 'The log was copied or moved alone.',
  mark_damaged: 'A write of the mark was cut off by a power loss, or bits flipped in it.',
  head_damaged: 'Bits flipped in the first line, or somebody edited or removed it.',
  stream_missing: 'The server evicted the key for want of memory, or somebody deleted it.',
  external_trim: 'Another program ran XTRIM or XDEL on the stream.',
  newer_format: 'The service was rolled back to an earlier version after a later one had written.',
  unreadable: 'The device has read errors, or the permissions do not let this user read.',
}

const CALL = 'A call or a command line has a mistake.'
const CONFIGURATION = 'The configuration, or the environment that overrides it, has a mistake.'
const DEVICE = 'The disk is full, a quota or a limit is reached, or the device fails.'
const SERVER = 'The server is down, restarting or overloaded, or the network is cut.'
const DEFECT = 'The calling program uses the store in the wrong order, or Papyra has a defect.'

/** How an error comes about. */
export const ERROR_CAUSES: Readonly<Record<PapyraErrorCode, string>> = {
  invalid_argument: CALL,
  invalid_policy: CONFIGURATION,
  invalid_config: CONFIGURATION,
  config_missing: 'The command runs in another folder than you think; cron starts in the home.',
  retention_missing: 'A configuration for production was written without retention.',
  mode_forbidden: 'A setting for development came into production.',
  quarantine_dir_required: 'The recovery mode was set to quarantine, and no folder with it.',
  quarantine_failed: DEVICE,
  invalid_fact: CALL,
  schema_refused: 'A producer changed what it sends, and the schema did not change with it.',
  record_too_large: 'A payload holds a whole document, or a list that grew.',
  store_not_found: 'The path is wrong, a volume is not mounted, or this is the first start.',
  store_exists: 'It was created before.',
  not_a_log: 'The path names another file, or a folder.',
  wrong_log: 'A volume of another environment is mounted, or a store was restored over this one.',
  newer_format: 'The service was rolled back to an earlier version after a later one had written.',
  upgrade_required: 'Another program wrote the log, or an early version without checksums.',
  store_locked: 'The service runs, its former process has not ended yet, or two were started.',
  lock_unavailable: 'The image lacks util-linux, or the file system knows no locks.',
  startup_refused: 'The store was damaged since it last started.',
  anomalies_found: 'The store was damaged since it was last verified.',
  accept_loss_required:
    'Records that were acknowledged are gone: `papyra persistence scan` names the damage.',
  force_required: 'Most of the log is not understood, or it belongs to another log.',
  unreadable: 'The device has read errors, or the permissions do not let this user read.',
  clock_suspect: 'The clock of this machine, or of an earlier writer, was wrong.',
  drop_all_refused:
    'An age limit is too short, the clock is ahead, or nothing was written for long.',
  not_begun: DEFECT,
  read_only: CALL,
  closed: DEFECT,
  write_failed: DEVICE,
  writer_latched: DEVICE,
  store_replaced: 'A log rotation tool, a restore or a person moved or replaced the file.',
  io_error: DEVICE,
  aborted: 'Somebody pressed Ctrl-C, or a supervisor stopped the command.',
  time_budget_exceeded: 'The store grew, or the disk is slower than usual.',
  unsupported: 'The command is meant for another backend.',
  backend_not_installed: 'The package is not beside the configuration, nor beside the command.',
  backend_unreachable: SERVER,
  backend_denied: 'The password was changed, or the user lacks a right.',
  backend_not_ready: SERVER,
  backend_refuses_writes: 'The server is a replica, out of memory, or cannot save to its disk.',
  backend_key_conflict: 'Another program uses the same prefix, or the rest of a store was left.',
  backend_unsuitable: 'The server is older than 7.0, or its settings were changed.',
  under_replicated: 'A replica is down, lags, or the network between the servers is cut.',
  stale_plan: 'A schedule, the owner or another person compacted or recovered meanwhile.',
  group_not_found: 'Its consumers have not started yet, or its name is misspelt.',
  group_exists: 'Two services use one name for different groups.',
  not_owner: 'The consumer was slow, and another one claimed the record.',
  internal: DEFECT,
}
