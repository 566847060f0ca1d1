import * as api from '@papyra/contracts'
import { expect, it } from 'vitest'

it('exports these names and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'ACK_LEVELS',
    'ANOMALY_CODES',
    'CODE_INSTRUMENTS',
    'ERROR_CODES',
    'FACT_INSTRUMENTS',
    'FINAL_WRITE_ERRORS',
    'GROUP_INSTRUMENTS',
    'METRICS_READERS',
    'METRIC_DEFINITIONS',
    'NOTICE_CODES',
    'OWNER_INSTRUMENTS',
    'PapyraError',
    'RECORD_KINDS',
    'RECOVERY_MODES',
    'SERVER_ACK_LEVELS',
    'SERVICE_INSTRUMENTS',
    'STARTUP_MODES',
    'SingleFlight',
    'TIME_INSTRUMENTS',
    'codeCounts',
    'defineCapabilities',
    'isPapyraError',
    'isRecordKind',
    'manualClock',
    'measureGroups',
    'measureOwner',
    'measureStore',
    'recoveryPlanMode',
    'recoveryPlanOf',
    'requireRecoveryPlan',
    'systemClock',
    'throwIfAborted',
  ])
})
