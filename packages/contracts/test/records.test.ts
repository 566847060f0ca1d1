import {
  ACK_LEVELS,
  RECORD_KINDS,
  RECOVERY_MODES,
  STARTUP_MODES,
  isRecordKind,
} from '@papyra/contracts'
import { expect, it } from 'vitest'

it('isRecordKind is true for each kind that Papyra writes and for nothing else', () => {
  expect(RECORD_KINDS.map(isRecordKind)).toEqual([true, true, true])
  for (const other of [
    '_log',
    '_block',
    'Event',
    'events',
    'constructor',
    '__proto__',
    '',
    1,
    null,
    undefined,
    {},
    ['event'],
  ]) {
    expect(isRecordKind(other), JSON.stringify(other)).toBe(false)
  }
})

it('the lists of modes and levels are as published', () => {
  expect(RECORD_KINDS).toEqual(['event', 'audit', 'dead_letter'])
  expect(STARTUP_MODES).toEqual(['ignore', 'scan_only', 'fail_on_anomaly', 'recover'])
  expect(RECOVERY_MODES).toEqual(['repair', 'quarantine'])
  expect(ACK_LEVELS).toEqual(['flushed', 'durable'])
})
