import * as api from '@papyra/contracts'
import { expect, it } from 'vitest'

it('exports these names and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'ACK_LEVELS',
    'ANOMALY_CODES',
    'ERROR_CODES',
    'METRIC_DEFINITIONS',
    'NOTICE_CODES',
    'PapyraError',
    'RECORD_KINDS',
    'RECOVERY_MODES',
    'SERVER_ACK_LEVELS',
    'STARTUP_MODES',
    'defineCapabilities',
    'isPapyraError',
    'isRecordKind',
    'manualClock',
    'systemClock',
    'throwIfAborted',
  ])
})
