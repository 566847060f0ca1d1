import * as api from '@papyra/retention'
import { expect, it } from 'vitest'

it('exports these names and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'CLOCK_TOLERANCE_MS',
    'OLDEST_USABLE_MS',
    'assertSafe',
    'checkClock',
    'createLiveView',
    'decodePlanId',
    'diffPolicies',
    'encodePlanId',
    'explain',
    'isStreamable',
    'isUnbounded',
    'isUsableTimestamp',
    'keepsKinds',
    'planGroups',
    'planRetention',
    'readPlanRequest',
    'requireFresh',
    'validatePolicy',
    'verdict',
  ])
})

it('states its constants in milliseconds', () => {
  expect(api.CLOCK_TOLERANCE_MS).toBe(60_000)
  expect(new Date(api.OLDEST_USABLE_MS).toISOString()).toBe('2000-01-01T00:00:00.000Z')
})
