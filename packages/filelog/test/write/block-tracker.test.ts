import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BlockMark, chainStart, decodeBlockMark } from '../../src/format/block-mark.js'
import { checksum, checksumRange, hex8 } from '../../src/format/checksum.js'
import { verifies } from '../../src/format/frame.js'
import { BlockTracker, trackFromHead } from '../../src/write/block-tracker.js'

const SEED = 12345
const start = (blockBytes: number): BlockTracker =>
  trackFromHead({ generation: 3, firstSeq: 5, blockBytes }, 100, SEED)

/** The numbers that a mark says are there. */
function numbersOf({ after, lastSeq, runs, firstSeq }: BlockMark): number[] {
  const numbers: number[] = []
  let next = after + 1
  for (const [i, count] of (runs ?? [0, lastSeq - after]).entries()) {
    for (let n = 0; n < count; n++, next++) if (i % 2 === 1) numbers.push(next)
  }
  expect(next).toBe(lastSeq + 1)
  expect(firstSeq).toBe(numbers[0] ?? 0)
  return numbers
}

function decode(line: string): { mark: BlockMark; crc: string } {
  const bytes = Buffer.from(line)
  expect(bytes.at(-1)).toBe(0x0a)
  expect(verifies(bytes, 0, bytes.length - 1, SEED)).toBe(true)
  const decoded = decodeBlockMark(bytes, 0, bytes.length - 1)
  if (decoded === null) throw new Error(`not a mark: ${line}`)
  return decoded
}

const steps = fc.array(
  fc.record({ gap: fc.oneof(fc.constant(0), fc.nat(5)), bytes: fc.uint8Array({ minLength: 1 }) }),
  { maxLength: 60 },
)

describe('the marks of a BlockTracker', () => {
  it('decode, chain, and say exactly which numbers there are', () => {
    const input = [steps, fc.integer({ min: 1, max: 90 }), fc.nat(3)] as const
    fc.assert(
      fc.property(...input, (records, blockBytes, beyond) => {
        const tracker = start(blockBytes)
        const log: Uint8Array[] = [new Uint8Array(100)]
        const marks: { line: string; at: number }[] = []
        const size = (): number => log.reduce((sum, part) => sum + part.length, 0)
        const close = (through?: number): void => {
          const at = size()
          expect(tracker.end).toBe(at)
          const line = tracker.closeBlock(through)
          marks.push({ line, at })
          log.push(Buffer.from(line))
        }
        const given: number[] = []
        let seq = 4
        for (const { gap, bytes } of records) {
          seq += 1 + gap
          given.push(seq)
          tracker.record(seq, bytes.length)
          tracker.sum(bytes, 0, bytes.length)
          log.push(bytes)
          if (tracker.due()) close()
        }
        close(seq + beyond)
        const all = Buffer.concat(log)
        let [after, prev, total] = [4, chainStart(3, SEED), 0]
        const told: number[] = []
        for (const { line, at } of marks) {
          const { mark, crc } = decode(line)
          const block = all.subarray(mark.offset, mark.offset + mark.bytes)
          total += mark.records
          expect(mark).toMatchObject({ after, prev, total, bytes: at - mark.offset })
          expect(mark.sum).toBe(hex8(checksum(block, SEED)))
          told.push(...numbersOf(mark))
          after = mark.lastSeq
          prev = crc
        }
        expect(told).toEqual(given)
        expect(after).toBe(seq + beyond)
        expect(tracker.lastSeq).toBe(seq + beyond)
        expect(tracker.openBlock()).toMatchObject({ records: 0, bytes: 0, after, total, prev })
      }),
    )
  })

  it('go on from a block that was open, as if nothing had happened', () => {
    fc.assert(
      fc.property(steps, fc.nat(60), (records, cut) => {
        const whole = start(200)
        let resumed = start(200)
        let seq = 4
        const lines: string[] = []
        for (const [i, { bytes }] of records.entries()) {
          // An open block has no gaps: those come from compaction, which ends with a mark.
          seq++
          for (const tracker of [whole, resumed]) {
            tracker.record(seq, bytes.length)
            tracker.sum(bytes, 0, bytes.length)
            if (tracker.due()) lines.push(tracker.closeBlock())
          }
          if (i === cut) {
            const open = resumed.openBlock()
            resumed = new BlockTracker({ seed: SEED, blockBytes: 200, open, ...NOWHERE })
          }
          expect(resumed.snapshot()).toEqual(whole.snapshot())
        }
        for (let i = 0; i < lines.length; i += 2) expect(lines[i]).toBe(lines[i + 1])
      }),
    )
  })

  it('come back to a snapshot exactly', () => {
    fc.assert(
      fc.property(steps, steps, fc.integer({ min: 1, max: 90 }), (before, after, blockBytes) => {
        const tracker = start(blockBytes)
        let seq = 4
        const run = (records: typeof before): string[] => {
          let number = seq
          const lines: string[] = []
          for (const { gap, bytes } of records) {
            number += 1 + gap
            tracker.record(number, bytes.length)
            tracker.sum(bytes, 0, bytes.length)
            if (tracker.due()) lines.push(tracker.closeBlock())
          }
          return lines
        }
        run(before)
        seq = tracker.lastSeq
        const snapshot = tracker.snapshot()
        const first = run(after)
        const end = tracker.snapshot()
        tracker.restore(snapshot)
        expect(tracker.snapshot()).toEqual(snapshot)
        expect(run(after)).toEqual(first)
        expect(tracker.snapshot()).toEqual(end)
      }),
    )
  })

  it('refuse numbers that do not grow', () => {
    const tracker = start(100)
    tracker.record(5, 10)
    expect(() => tracker.record(5, 10)).toThrow(RangeError)
    expect(() => tracker.closeBlock(4)).toThrow(RangeError)
  })
})

const NOWHERE = { generation: 3, offset: 0, after: 0, total: 0, prev: '' }

describe('checksumRange', () => {
  it('is the checksum of the range', () => {
    const input = [
      fc.uint8Array({ maxLength: 1500 }),
      fc.nat(),
      fc.nat(),
      fc.nat(0xffffffff),
    ] as const
    fc.assert(
      fc.property(...input, (bytes, a, b, state) => {
        const [start, end] = [a % (bytes.length + 1), b % (bytes.length + 1)].sort((x, y) => x - y)
        expect(checksumRange(bytes, start!, end!, state)).toBe(
          checksum(bytes.subarray(start, end), state),
        )
      }),
    )
  })
})
