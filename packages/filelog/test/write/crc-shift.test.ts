import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checksum } from '../../src/format/checksum.js'
import { shiftChecksum } from '../../src/format/crc-shift.js'
import { millisOf, secondsText, storedMillis } from '../../src/format/frame.js'
import { type BlockTracker, trackFromHead } from '../../src/write/block-tracker.js'

const state = fc.integer({ min: 0, max: 0xffffffff })

test('a difference is moved on by any number of bytes as the bytes themselves would', () => {
  fc.assert(
    fc.property(state, state, fc.uint8Array({ maxLength: 3000 }), (a, d, bytes) => {
      const moved = (checksum(bytes, a) ^ shiftChecksum(d, bytes.length)) >>> 0
      expect(moved).toBe(checksum(bytes, (a ^ d) >>> 0))
    }),
  )
  const large = new Uint8Array(5_000_001).fill(7)
  expect((checksum(large, 1) ^ shiftChecksum(0xdeadbeef, large.length)) >>> 0).toBe(
    checksum(large, (1 ^ 0xdeadbeef) >>> 0),
  )
})

test('the tracker knows the checksum of the whole file, also where it began inside a block, and after a step back', () => {
  const seed = 77
  const record = fc.uint8Array({ minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(fc.array(record, { maxLength: 30 }), state, fc.nat(29), (records, head, from) => {
      const start = { generation: 1, firstSeq: 1, blockBytes: 700 }
      const tracker: BlockTracker = trackFromHead(start, 100, seed)
      let whole = head
      for (const [i, bytes] of records.entries()) {
        if (i === from) tracker.keepWhole(whole)
        const before = { snapshot: tracker.snapshot(), whole: tracker.whole }
        for (let again = 0; again < 2; again++) {
          if (again === 1) tracker.restore(before.snapshot)
          expect(tracker.whole).toBe(before.whole)
          tracker.record(i + 1, bytes.length)
          tracker.sum(bytes, 0, bytes.length)
        }
        whole = checksum(bytes, whole)
        if (tracker.due()) whole = checksum(tracker.closeBlock(), whole)
        expect(tracker.whole).toBe(i < from ? null : whole)
      }
    }),
  )
})

test('what a reader gets back of a time is known without reading it', () => {
  const times = fc.oneof(
    fc.integer({ min: 0, max: 5e12 }),
    fc.double({ min: 0, max: 4e12, noNaN: true }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -1e15, max: 1e15 }),
  )
  fc.assert(
    fc.property(times, (ms) => {
      expect(storedMillis(ms) + 0).toBe(millisOf(Number(secondsText(ms))) + 0)
    }),
    { numRuns: 3000 },
  )
})
