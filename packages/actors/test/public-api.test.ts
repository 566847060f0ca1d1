import * as actors from '@papyra/actors'
import { expect, test } from 'vitest'

test('the names that the package exports', () => {
  expect(Object.keys(actors).sort()).toEqual([
    'ActorSystem',
    'DIRECTIVES',
    'DeliveryError',
    'GROUP_FIELDS',
    'OVERFLOW_POLICIES',
    'UNDELIVERED_REASONS',
    'formatAddress',
    'groupDeadLetters',
    'listDeadLetters',
    'parseAddress',
  ])
})
