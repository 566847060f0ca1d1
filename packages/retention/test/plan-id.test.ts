import { isPapyraError } from '@papyra/contracts'
import { decodePlanId, encodePlanId, validatePolicy, type PlanKey } from '@papyra/retention'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policies } from './support/arbitraries.js'

const key: PlanKey = {
  store: '01JDQ4J2W6N0',
  policy: { maxAgeSeconds: 2_592_000, perKind: { dead_letter: { maxRecords: 5000 } } },
  at: 1_704_067_200_000,
  through: 41_250,
  generation: 3,
  maintenance: 2,
}

const count = fc.maxSafeNat()
const keys: fc.Arbitrary<PlanKey> = fc.record({
  store: fc.string({ unit: 'binary', maxLength: 40 }),
  policy: policies.map((policy) => validatePolicy(policy)),
  at: fc.double({ noNaN: true, noDefaultInfinity: true }).map((at) => at + 0),
  through: count,
  generation: count,
  maintenance: count,
})

function refusalOf(text: string): string {
  try {
    decodePlanId(text)
  } catch (error) {
    if (isPapyraError(error, 'invalid_argument')) return error.message
    throw error
  }
  return ''
}

describe('the id of a plan', () => {
  it('is a word that a shell takes as it is, and that is not long', () => {
    const id = encodePlanId(key)
    expect(id).toMatch(/^p1\.[A-Za-z0-9_-]+\.[0-9a-f]{8}$/)
    expect(id.length).toBeLessThan(110)
    expect(encodePlanId({ ...key })).toBe(id)
  })

  it('gives back what it was made from', () => {
    fc.assert(
      fc.property(keys, (made) => {
        expect(decodePlanId(encodePlanId(made))).toEqual(made)
      }),
      { numRuns: 1000 },
    )
  })

  it('with any one character changed, left out or doubled is refused', () => {
    const id = encodePlanId(key)
    for (let at = 0; at < id.length; at++) {
      const [before, char, after] = [id.slice(0, at), id.charAt(at), id.slice(at + 1)]
      const other = char === 'A' ? 'B' : 'A'
      for (const slip of [
        `${before}${other}${after}`,
        `${before}${after}`,
        `${before}${char}${char}${after}`,
      ])
        expect(refusalOf(slip), slip).not.toBe('')
    }
  })

  it.each([
    ['', 'cut short or mistyped'],
    ['p1.', 'cut short or mistyped'],
    ['yesterday', 'cut short or mistyped'],
    ['p2.AAAA.00000000', 'another version'],
    [`${encodePlanId(key)}\n`, 'cut short or mistyped'],
  ])('%j is refused, and the message says why', (text, why) => {
    expect(refusalOf(text)).toContain(why)
  })

  it('that names limits that are none is refused', () => {
    const bad = [['s', 1, 1, 1, 1, -5], ['s', 1, 1, 1], {}, ['s', 1, 1.5, 1, 1], null]
    for (const body of bad) expect(refusalOf(sealed(JSON.stringify(body)))).toContain('no plan')
    expect(refusalOf(sealed('["s",'))).toContain('no plan')
  })
})

/** A word with a right checksum, around any text. */
function sealed(body: string): string {
  let c = ~0
  for (const byte of new TextEncoder().encode(body)) {
    c ^= byte
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  }
  const sum = (~c >>> 0).toString(16).padStart(8, '0')
  return `p1.${Buffer.from(body).toString('base64url')}.${sum}`
}
