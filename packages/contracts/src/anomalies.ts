import type { CodeExplanation } from './error-codes.js'

export interface AnomalyExplanation extends CodeExplanation {
  /** What recovery does about it. */
  readonly repair: string
  /** What becomes of the data. */
  readonly data: 'kept' | 'kept_aside' | 'unproven' | 'lost' | 'unknown'
}

/** The codes of what a scan holds against a store. */
export type AnomalyCode =
  | 'torn_tail'
  | 'glued_line'
  | 'corrupt_record'
  | 'invalid_record'
  | 'stray_bytes'
  | 'sequence_gap'
  | 'block_mismatch'
  | 'block_mark_damaged'
  | 'duplicate_record'
  | 'out_of_order'
  | 'foreign_record'
  | 'foreign_log'
  | 'missing_segment'
  | 'misplaced_segment'
  | 'rolled_back'
  | 'orphan_segment'
  | 'manifest_damaged'
  | 'sidecar_missing'
  | 'sidecar_damaged'
  | 'mark_missing'
  | 'mark_damaged'
  | 'head_damaged'
  | 'stream_missing'
  | 'external_trim'
  | 'newer_format'
  | 'unreadable'

/** Every kind of damage that a scan can report. Codes are stable. */
export const ANOMALY_CODES: Readonly<Record<AnomalyCode, AnomalyExplanation>> = Object.freeze({
  torn_tail: {
    meaning:
      'Beyond what was acknowledged, the last line has no end, or NUL bytes follow: a write was cut off.',
    repair: 'The tail is cut off; its bytes are kept aside.',
    data: 'unproven',
    action:
      'Recover. The report states the range of numbers that cannot be proven, if there is one.',
  },
  glued_line: {
    meaning: 'A fragment and a sound record, or two records, share one line.',
    repair: 'The line is split; the sound records are kept, the fragment is kept aside.',
    data: 'kept',
    action: 'Recover. Look for another program that writes to the log.',
  },
  corrupt_record: {
    meaning: 'Bytes do not match their checksum, a line has none, or it is not a JSON object.',
    repair: 'The bytes are taken out and kept aside; numbers that are gone are recorded as lost.',
    data: 'lost',
    action: 'Look for a copy of the log; if there is none, recover with `--accept-loss`.',
  },
  invalid_record: {
    meaning: 'The checksum is right, but a field is missing or of the wrong type.',
    repair: 'The record is taken out, kept aside, and its number recorded.',
    data: 'kept_aside',
    action: 'Recover. Look for another program that writes to the log.',
  },
  stray_bytes: {
    meaning: 'A byte order mark, carriage returns or blank lines stand around sound lines.',
    repair: 'The stray bytes are removed.',
    data: 'kept',
    action: 'Recover. Do not open the log in an editor.',
  },
  sequence_gap: {
    meaning: 'Numbers are missing between sound records where nothing was ever compacted.',
    repair: 'There is nothing to repair: with `--accept-loss` the numbers are recorded as lost.',
    data: 'lost',
    action: 'Look for a copy of the log; if there is none, recover with `--accept-loss`.',
  },
  block_mismatch: {
    meaning: 'A record is missing from a part of the log whose block marks say that it was there.',
    repair: 'There is nothing to repair: with `--accept-loss` the records are recorded as lost.',
    data: 'lost',
    action: 'Look for a copy of the log; if there is none, recover with `--accept-loss`.',
  },
  block_mark_damaged: {
    meaning:
      'A block mark is damaged, missing or doubled, while the records around it are sound and complete.',
    repair: 'New block marks are written.',
    data: 'kept',
    action: 'Recover.',
  },
  duplicate_record: {
    meaning: 'A number occurs again.',
    repair:
      'Identical copies are removed; where the bytes differ the first stays and the other is kept aside.',
    data: 'kept',
    action: 'Recover. Look for another program that copies lines in the log.',
  },
  out_of_order: {
    meaning: 'A record with a smaller number, which is nowhere else, stands behind a larger one.',
    repair: 'The record is moved to where it belongs.',
    data: 'kept',
    action: 'Recover. Look for another program that sorts or merges the log.',
  },
  foreign_record: {
    meaning: 'A sound line of another log, or an entry that another program made.',
    repair: 'It is kept aside.',
    data: 'kept_aside',
    action: 'Recover. Look for a program that mixes logs.',
  },
  foreign_log: {
    meaning: 'The file and what stands beside it belong to different logs.',
    repair: 'Refused without `--force`; what does not belong is kept aside.',
    data: 'kept_aside',
    action: 'Check that the right file is in place; an old copy may have been put back.',
  },
  missing_segment: {
    meaning: 'A segment that the manifest names is not there.',
    repair: 'There is nothing to repair: with `--accept-loss` its range is recorded as lost.',
    data: 'lost',
    action: 'Look for a copy of the segment; if there is none, recover with `--accept-loss`.',
  },
  misplaced_segment: {
    meaning: 'A segment stands under a name that is not its own, such as that of another segment.',
    repair: 'It gets its own name again.',
    data: 'kept',
    action: 'Recover. Look for a program that renames files in the folder.',
  },
  rolled_back: {
    meaning:
      'The log ends before a number that was acknowledged: it was cut, or an older copy was put back.',
    repair: 'There is nothing to repair: with `--accept-loss` the range is recorded as lost.',
    data: 'lost',
    action: 'Look for the newer copy; if there is none, recover with `--accept-loss`.',
  },
  orphan_segment: {
    meaning: 'A segment that the manifest does not name.',
    repair: 'The segment is kept aside.',
    data: 'kept_aside',
    action: 'Recover.',
  },
  manifest_damaged: {
    meaning: 'The manifest is missing, damaged, or older than the segments that are there.',
    repair:
      'The manifest is rebuilt from the segments; the history of earlier maintenance is gone.',
    data: 'kept',
    action: 'Recover.',
  },
  sidecar_missing: {
    meaning:
      'The file `.meta.json` beside the log, or the key `:meta` of a Redis store, is missing.',
    repair:
      'It is rebuilt from the log; the history of earlier maintenance is gone. On Redis only with `--accept-loss`: what is missing is recorded as lost.',
    data: 'kept',
    action: 'Recover.',
  },
  sidecar_damaged: {
    meaning: 'The file `.meta.json` beside the log does not match its checksum.',
    repair:
      'It is kept aside and rebuilt from the log; the history of earlier maintenance is gone.',
    data: 'kept',
    action: 'Recover.',
  },
  mark_missing: {
    meaning:
      'The file `.mark` beside the log is missing, so how far was acknowledged is not proven by it.',
    repair: 'It is rebuilt from the log.',
    data: 'unproven',
    action:
      'Recover. The report states the range of numbers that cannot be proven, if there is one.',
  },
  mark_damaged: {
    meaning:
      'The file `.mark` beside the log, or one of its two slots, does not match its checksum.',
    repair: 'It is written anew.',
    data: 'kept',
    action: 'Recover.',
  },
  head_damaged: {
    meaning: 'The first line of the log is missing or damaged.',
    repair: 'It is rebuilt from what stands beside the log, or from lines that agree.',
    data: 'kept',
    action: 'Recover.',
  },
  stream_missing: {
    meaning: 'A key that held records is gone: it was deleted, evicted or expired.',
    repair: 'There is nothing to repair: with `--accept-loss` its records are recorded as lost.',
    data: 'lost',
    action:
      'Look at the eviction policy of the server and for a copy; if there is none, recover with `--accept-loss`.',
  },
  external_trim: {
    meaning:
      'Another program removed the oldest records of a kind; everything behind them is intact.',
    repair: 'There is nothing to repair: with `--accept-loss` the records are recorded as lost.',
    data: 'lost',
    action:
      'Let Papyra apply the retention, or allow trims from outside in the options; else recover with `--accept-loss`.',
  },
  newer_format: {
    meaning: 'The log was written by a later version of Papyra.',
    repair: 'Refused; never "repaired".',
    data: 'kept',
    action: 'Use that version or a later one.',
  },
  unreadable: {
    meaning: 'The system will not let us read this part, or nothing in it can be recognised.',
    repair: 'None: it is named and left.',
    data: 'unknown',
    action: 'Look at the device and the permissions; copy what can be read first.',
  },
})

/** The codes of what a scan merely tells. */
export type NoticeCode =
  | 'in_flight_tail'
  | 'unknown_kind'
  | 'plain_log'
  | 'recorded_loss'
  | 'interrupted_work'
  | 'unusable_timestamp'
  | 'owner_alive'
  | 'unproven_tail'
  | 'trimmed_outside'
  | 'held_by_group'
  | 'unhandled_removed'
  | 'approximate_rest'

/** What a scan tells without holding it against the store. */
export const NOTICE_CODES: Readonly<Record<NoticeCode, CodeExplanation>> = Object.freeze({
  in_flight_tail: {
    meaning: 'A living owner is writing this line now.',
    action: 'Nothing to do.',
  },
  unknown_kind: {
    meaning: 'Records of kinds that this version does not know; kept, never removed.',
    action: 'Nothing to do. A later version, or another program, wrote them.',
  },
  plain_log: {
    meaning: 'A plain log without checksums: only its structure can be verified.',
    action: 'Run `papyra persistence upgrade`.',
  },
  recorded_loss: {
    meaning: 'An earlier recovery recorded these numbers as lost.',
    action: 'Nothing to do; it stays on record.',
  },
  interrupted_work: {
    meaning: 'Traces of our own interrupted work, such as a temporary file.',
    action: 'Nothing to do; the next owner finishes or removes them.',
  },
  unusable_timestamp: {
    meaning:
      'Records whose time is not a finite number from the year 2000 to one minute from now. An age limit never removes them.',
    action: 'Nothing to do, or mend the clock of the writer.',
  },
  owner_alive: {
    meaning: 'A living process has the store open for writing.',
    action: 'Nothing to do.',
  },
  unproven_tail: {
    meaning:
      'The store was not closed, so it cannot be proven that nothing beyond this number was ever acknowledged.',
    action:
      'Nothing to do after a killed process; after power loss compare with what your clients were promised.',
  },
  trimmed_outside: {
    meaning: 'Another program removed the oldest records of a kind, which the options allow.',
    action: 'Nothing to do. Retention by Papyra itself would count what goes by which limit.',
  },
  held_by_group: {
    meaning:
      'Records that the policy hides stay, because a consumer group has not handled them yet.',
    action:
      'See `papyra inspect groups`. Start its consumers, or remove the group if nobody needs it.',
  },
  unhandled_removed: {
    meaning: 'Records were removed that a consumer group had not handled yet, as was asked for.',
    action: 'Nothing to do; the group never sees them.',
  },
  approximate_rest: {
    meaning:
      'A compaction left records that the policy hides: it was approximate, or a consumer group came meanwhile.',
    action: 'Nothing to do; the next exact compaction takes them.',
  },
})
