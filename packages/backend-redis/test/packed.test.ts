import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crcOf, crcOfAscii } from '../src/crc.js'
import { checksum } from './support/checksum.js'
import { KINDS } from '../src/keys.js'
import { packed } from '../src/packed.js'

test('a sum over a part of a buffer is what zlib says', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(200),
      fc.nat(200),
      fc.nat(),
      (bytes, a, b, start) => {
        const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)]
        // Of nothing zlib says 0.
        const expected = from === to ? start : crc32(bytes.subarray(from, to), start)
        expect(crcOf(bytes, from, to, start)).toBe(expected)
      },
    ),
  )
  expect(crcOfAscii('aa:1:17:', 4_000_000_000)).toBe(crc32('aa:1:17:', 4_000_000_000))
})

test('a batch is packed as checksum, text and a zero byte, whatever the text is made of', () => {
  const texts = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))
  const record = fc.record({ place: fc.integer({ min: 1, max: 3 }), text: texts })
  const head = 'aabb:3:'
  fc.assert(
    fc.property(fc.array(record, { minLength: 1 }), fc.nat(), fc.nat(), (records, seed, first) => {
      const expected = records.map(({ place, text }, i) => {
        return `${checksum(seed, KINDS[place - 1] ?? '', `${head}${first + i}`, text)}${text}\0`
      })
      expect(packed(records, { seed, head, first }).toString()).toBe(expected.join(''))
    }),
  )
})
