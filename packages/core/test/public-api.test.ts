import * as core from '@papyra/core'
import { expect, test } from 'vitest'

test('the names that the package exports', () => {
  expect(Object.keys(core).sort()).toEqual([
    'DROP_REASONS',
    'Reader',
    'addAccounts',
    'checkProductionRules',
    'checkStartup',
    'configToOpenOptions',
    'decodeRecord',
    'decodeUnknown',
    'defineConfig',
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
