import * as core from '@papyra/core'
import { expect, test } from 'vitest'

test('the names that the package exports', () => {
  expect(Object.keys(core).sort()).toEqual([
    'DROP_REASONS',
    'LOG_EVENTS',
    'Reader',
    'addAccounts',
    'checkProductionRules',
    'checkStartup',
    'configToOpenOptions',
    'decodeRecord',
    'decodeUnknown',
    'defineConfig',
    'jsonLogger',
    'loggedCompaction',
    'loggedRecovery',
    'loggedScan',
    'memoryBackend',
    'openPapyra',
    'parseAccounts',
    'parseConfig',
    'readVisible',
    'resolveEnvironment',
    'runGate',
    'scheduleCompaction',
    'scheduleScrub',
    'serialize',
    'settleAccounts',
  ])
})
