import { isPapyraError, type PapyraError } from '@papyra/contracts'
import { diffPolicies, isUnbounded, validatePolicy } from '@papyra/retention'
import { describe, expect, it } from 'vitest'

function refusal(value: unknown): PapyraError {
  try {
    validatePolicy(value)
  } catch (error) {
    if (isPapyraError(error, 'invalid_policy')) return error
    throw error
  }
  throw new Error('The policy was accepted.')
}

describe('validatePolicy', () => {
  it('gives back a frozen copy of what it accepts', () => {
    const given = {
      maxRecords: 1,
      maxAgeSeconds: Number.MAX_SAFE_INTEGER,
      maxTotalBytes: 3,
      perKind: { dead_letter: { maxRecords: 4, maxAgeSeconds: 5, maxTotalBytes: 6 } },
    }
    const policy = validatePolicy(given)
    expect(policy).toEqual(given)
    expect(policy).not.toBe(given)
    expect(Object.isFrozen(policy)).toBe(true)
    expect(Object.isFrozen(policy.perKind)).toBe(true)
    expect(Object.isFrozen(policy.perKind?.dead_letter)).toBe(true)
  })

  it('takes undefined for absent and leaves empty kinds out', () => {
    const given = { maxRecords: undefined, perKind: { event: undefined, audit: {} } }
    expect(validatePolicy(given)).toStrictEqual({})
    expect(validatePolicy({ perKind: undefined })).toStrictEqual({})
    expect(validatePolicy(Object.create(null))).toStrictEqual({})
  })

  it.each([
    ['zero', 0],
    ['minus zero', -0],
    ['negative', -1],
    ['fractional', 1.5],
    ['NaN', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
    ['a string', '100'],
    ['null', null],
    ['true', true],
    ['a bigint', 5n],
    ['an array', [5]],
    ['an object', { valueOf: () => 5 }],
    ['above the safe integers', Number.MAX_SAFE_INTEGER + 1],
  ])('refuses a limit that is %s, for the log and for a kind', (_, value) => {
    for (const key of ['maxRecords', 'maxAgeSeconds', 'maxTotalBytes']) {
      const wide = refusal({ [key]: value })
      expect(wide.details).toEqual({ path: `retention.${key}` })
      expect(wide.message).toContain(`retention.${key} must be a positive whole number`)
      const own = refusal({ perKind: { event: { [key]: value } } })
      expect(own.details).toEqual({ path: `retention.perKind.event.${key}` })
    }
  })

  it.each([
    ['max_records', 'maxRecords'],
    ['MAXRECORDS', 'maxRecords'],
    ['maxRecord', 'maxRecords'],
    ['max_age_seconds', 'maxAgeSeconds'],
    ['maxAge', 'maxAgeSeconds'],
    ['maxTotalByte', 'maxTotalBytes'],
    ['perkind', 'perKind'],
  ])('refuses the key %s and asks whether %s was meant', (key, meant) => {
    const error = refusal({ [key]: 5 })
    expect(error.details).toEqual({ path: `retention.${key}` })
    expect(error.hint).toContain(`Did you mean \`${meant}\`?`)
  })

  it('refuses a key that is like none, and names those there are', () => {
    const { hint } = refusal({ colour: 5 })
    expect(hint).toBe('The keys are maxAgeSeconds, maxRecords, maxTotalBytes, perKind.')
  })

  it('refuses an unknown key even if its value is undefined', () => {
    expect(refusal({ maxRecord: undefined }).hint).toContain('maxRecords')
  })

  it.each([
    ['events', 'event'],
    ['deadLetter', 'dead_letter'],
    ['dead-letters', 'dead_letter'],
    ['Audit', 'audit'],
  ])('refuses the kind %s and asks whether %s was meant', (kind, meant) => {
    const error = refusal({ perKind: { [kind]: { maxRecords: 5 } } })
    expect(error.details).toEqual({ path: `retention.perKind.${kind}` })
    expect(error.hint).toContain(`Did you mean \`${meant}\`?`)
  })

  it('refuses perKind inside a kind', () => {
    const error = refusal({ perKind: { event: { perKind: {} } } })
    expect(error.details).toEqual({ path: 'retention.perKind.event.perKind' })
  })

  it.each([
    ['null', null],
    ['a number', 5],
    ['a string', 'maxRecords=5'],
    ['an array', []],
    ['a date', new Date()],
    ['a map', new Map([['maxRecords', 5]])],
    ['a function', () => ({})],
    ['an object that inherits its limits', Object.create({ maxRecords: 5 })],
  ])('refuses %s as a policy, as perKind and as the limits of a kind', (_, value) => {
    expect(refusal(value).details).toEqual({ path: 'retention' })
    expect(refusal({ perKind: value }).details).toEqual({ path: 'retention.perKind' })
    expect(refusal({ perKind: { audit: value } }).details).toEqual({
      path: 'retention.perKind.audit',
    })
  })

  it('refuses undefined as a policy', () => {
    expect(refusal(undefined).message).toContain('not undefined')
  })

  it('is not fooled by __proto__ or by names that every object has', () => {
    expect(refusal(JSON.parse('{"__proto__":{"maxRecords":5}}')).message).toContain('__proto__')
    expect(refusal(JSON.parse('{"perKind":{"__proto__":{}}}')).message).toContain('__proto__')
    expect(refusal({ constructor: 5 }).message).toContain('constructor')
    expect(refusal({ perKind: { toString: {} } }).message).toContain('toString')
  })

  it('reads no limit that every object has inherited', () => {
    const inherited = { maxRecords: 5, perKind: { event: { maxRecords: 5 } } }
    for (const [key, value] of Object.entries(inherited)) {
      Object.defineProperty(Object.prototype, key, { value, configurable: true })
    }
    try {
      expect(Object.keys(validatePolicy({}))).toEqual([])
    } finally {
      for (const key of Object.keys(inherited)) Reflect.deleteProperty(Object.prototype, key)
    }
  })

  it('cuts a long name short', () => {
    const error = refusal({ ['x'.repeat(100_000)]: 5 })
    expect(JSON.stringify(error).length).toBeLessThan(1000)
  })
})

describe('isUnbounded', () => {
  it('is true only where there is no limit at all', () => {
    expect(isUnbounded({})).toBe(true)
    expect(isUnbounded({ perKind: { event: {} } })).toBe(true)
    expect(isUnbounded({ maxAgeSeconds: 5 })).toBe(false)
    expect(isUnbounded({ perKind: { dead_letter: { maxTotalBytes: 5 } } })).toBe(false)
  })
})

describe('diffPolicies', () => {
  it('lists each limit that differs, and nothing for policies that mean the same', () => {
    const a = { maxRecords: 5, maxAgeSeconds: 7, perKind: { event: { maxRecords: 1 } } }
    const b = { maxRecords: 6, maxAgeSeconds: 7, perKind: { audit: { maxTotalBytes: 2 } } }
    expect(diffPolicies(a, b)).toEqual([
      'maxRecords: configured 5, recorded 6',
      'perKind.event.maxRecords: configured 1, recorded none',
      'perKind.audit.maxTotalBytes: configured none, recorded 2',
    ])
    expect(diffPolicies(a, { ...a, perKind: { audit: {}, ...a.perKind } })).toEqual([])
  })

  it('takes null for a policy without limits, and other names', () => {
    expect(diffPolicies({ maxRecords: 5 }, null, ['flags', 'store'])).toEqual([
      'maxRecords: flags 5, store none',
    ])
    expect(diffPolicies(null, {})).toEqual([])
  })
})
