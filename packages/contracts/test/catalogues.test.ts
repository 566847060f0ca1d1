import {
  ANOMALY_CODES,
  ERROR_CODES,
  NOTICE_CODES,
  type AnomalyCode,
  type NoticeCode,
  type PapyraErrorCode,
} from '@papyra/contracts'
import { describe, expect, it } from 'vitest'

// The types make each list complete: leaving a code of the union out, or adding another, does not
// compile. The tests hold the catalogues against these lists.
const errorCodes: Record<PapyraErrorCode, true> = {
  invalid_argument: true,
  invalid_policy: true,
  invalid_config: true,
  config_missing: true,
  retention_missing: true,
  mode_forbidden: true,
  quarantine_dir_required: true,
  quarantine_failed: true,
  invalid_fact: true,
  schema_refused: true,
  record_too_large: true,
  store_not_found: true,
  store_exists: true,
  not_a_log: true,
  wrong_log: true,
  newer_format: true,
  upgrade_required: true,
  store_locked: true,
  lock_unavailable: true,
  startup_refused: true,
  anomalies_found: true,
  accept_loss_required: true,
  force_required: true,
  unreadable: true,
  clock_suspect: true,
  drop_all_refused: true,
  not_begun: true,
  read_only: true,
  closed: true,
  write_failed: true,
  writer_latched: true,
  store_replaced: true,
  io_error: true,
  aborted: true,
  time_budget_exceeded: true,
  unsupported: true,
  backend_not_installed: true,
  backend_unreachable: true,
  backend_denied: true,
  backend_not_ready: true,
  backend_refuses_writes: true,
  backend_key_conflict: true,
  backend_unsuitable: true,
  under_replicated: true,
  stale_plan: true,
  group_not_found: true,
  group_exists: true,
  not_owner: true,
  internal: true,
}
const anomalyCodes: Record<AnomalyCode, true> = {
  torn_tail: true,
  glued_line: true,
  corrupt_record: true,
  invalid_record: true,
  stray_bytes: true,
  sequence_gap: true,
  block_mismatch: true,
  block_mark_damaged: true,
  duplicate_record: true,
  out_of_order: true,
  foreign_record: true,
  foreign_log: true,
  missing_segment: true,
  misplaced_segment: true,
  rolled_back: true,
  orphan_segment: true,
  manifest_damaged: true,
  sidecar_missing: true,
  sidecar_damaged: true,
  mark_missing: true,
  mark_damaged: true,
  head_damaged: true,
  stream_missing: true,
  external_trim: true,
  newer_format: true,
  unreadable: true,
}
const noticeCodes: Record<NoticeCode, true> = {
  in_flight_tail: true,
  unknown_kind: true,
  plain_log: true,
  recorded_loss: true,
  interrupted_work: true,
  unusable_timestamp: true,
  owner_alive: true,
  unproven_tail: true,
  trimmed_outside: true,
  held_by_group: true,
  unhandled_removed: true,
  approximate_rest: true,
}

interface Entry {
  readonly meaning: string
  readonly action: string
  readonly repair?: string
}

describe.each<[string, Readonly<Record<string, Entry>>, object]>([
  ['errors', ERROR_CODES, errorCodes],
  ['anomalies', ANOMALY_CODES, anomalyCodes],
  ['notices', NOTICE_CODES, noticeCodes],
])('the catalogue of %s', (_, catalogue, union) => {
  const entries = Object.entries(catalogue)

  it('has every code of the union and no other', () => {
    expect(Object.keys(catalogue).sort()).toEqual(Object.keys(union).sort())
  })

  it('cannot be changed by whoever imports it', () => {
    expect(Object.isFrozen(catalogue)).toBe(true)
  })

  it.each(entries)('%s: is snake case and explained in whole sentences', (code, entry) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    const texts = [
      entry.meaning,
      entry.action,
      ...(entry.repair === undefined ? [] : [entry.repair]),
    ]
    for (const text of texts) {
      expect(text).toMatch(/^[A-Z`].*[a-z`)"]\.$/s)
      expect(text).not.toMatch(/\n| {2}|TODO/)
    }
  })

  it('explains no two codes with the same words', () => {
    const meanings = entries.map(([, entry]) => entry.meaning)
    expect(new Set(meanings).size).toBe(meanings.length)
  })
})

describe('codes', () => {
  it('of notices are not those of anomalies', () => {
    const anomalies = Object.keys(ANOMALY_CODES)
    expect(Object.keys(NOTICE_CODES).filter((code) => anomalies.includes(code))).toEqual([])
  })

  it('of errors map to exit codes of the published table', () => {
    const table = new Set([1, 2, 64, 66, 69, 70, 74, 75, 78, 130])
    for (const [code, { exit }] of Object.entries(ERROR_CODES)) {
      expect(table.has(exit), `${code} ends with ${exit}`).toBe(true)
    }
  })

  it('that the issue pins to an exit code keep it', () => {
    const pinned: Partial<Record<PapyraErrorCode, number>> = {
      startup_refused: 1,
      anomalies_found: 2,
      store_not_found: 66,
      backend_not_installed: 69,
      backend_unreachable: 69,
      io_error: 74,
      store_locked: 75,
      stale_plan: 75,
      invalid_config: 78,
      config_missing: 78,
      retention_missing: 78,
      quarantine_dir_required: 78,
      internal: 70,
      aborted: 130,
    }
    for (const [code, exit] of Object.entries(pinned)) {
      expect(ERROR_CODES[code as PapyraErrorCode].exit, code).toBe(exit)
    }
  })
})
