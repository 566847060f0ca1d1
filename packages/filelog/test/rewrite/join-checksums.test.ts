import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { joinChecksums } from '../../src/format/join-checksums.js'

const bytes = fc.uint8Array({ maxLength: 3000 })

it('joins the checksums of two pieces, whatever the first one was seeded with', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.integer({ min: 0, max: 0xffffffff }), (a, b, seed) => {
      const first = a.length === 0 ? seed : crc32(a, seed)
      const second = b.length === 0 ? 0 : crc32(b)
      const both = Uint8Array.from([...a, ...b])
      const whole = both.length === 0 ? seed : crc32(both, seed)
      expect(joinChecksums(first, second, b.length)).toBe(whole)
    }),
    { numRuns: 500 },
  )
})

it('takes lengths beyond 2^32', () => {
  const zeros = Buffer.alloc(1 << 20)
  let state = crc32('head')
  for (let i = 0; i < 3; i++) state = crc32(zeros, state)
  const third = joinChecksums(crc32('head'), crc32(Buffer.alloc(3 << 20)), 3 << 20)
  expect(third).toBe(state)
  const half = joinChecksums(0x1234, 0, 2 ** 34)
  expect(joinChecksums(half, 0, 2 ** 34)).toBe(joinChecksums(0x1234, 0, 2 ** 35))
})
