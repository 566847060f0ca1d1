import * as api from '@papyra/testkit'
import { expect, test } from 'vitest'

test('exports these names and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'ArrayModel',
    'CHECK_GROUPS',
    'CONFORMANCE_CHECKS',
    'World',
    'auditFact',
    'backendConformance',
    'deadLetterFact',
    'eventFact',
    'factArbitrary',
    'factOf',
    'isUsableTime',
    'mixedFacts',
    'planByModel',
    'policyArbitrary',
    'queryArbitrary',
    'rawJsonArbitrary',
    'runCheck',
    'selectRecords',
    'timeArbitrary',
    'timeOf',
    'whySkipped',
  ])
})
