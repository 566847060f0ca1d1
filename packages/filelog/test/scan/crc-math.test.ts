import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checksum, seedOf } from '../../src/format/checksum.js'
import { idWithSeed, seedBefore } from '../../src/scan/crc-math.js'

const anySeed = fc.integer({ min: 0, max: 0xffffffff })

describe('the checksum run backwards', () => {
  it('gives the state it started from', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), anySeed, (bytes, seed) => {
        expect(seedBefore(bytes, checksum(Buffer.from(bytes), seed))).toBe(seed)
      }),
    )
  })
})

describe('an id made for a seed', () => {
  it('has that seed', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const id = idWithSeed(seed)
        expect(id).toMatch(/^recovered-[0-7]{12}$/)
        expect(seedOf(id)).toBe(seed)
      }),
    )
  })
})
