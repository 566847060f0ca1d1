import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealLine } from '../../src/format/frame.js'
import { verifyLines as verifyFrom } from '../../src/scan/verify-lines.js'
import { checksum } from '../../src/format/checksum.js'
import { recordLine } from './build-log.js'

function verifyLines(bytes: Buffer, from: number, to: number, seed: number): number {
  const sum = { seed, state: 12_345 }
  const end = verifyFrom(bytes, from, to, sum)
  const moved = end < 0 ? 12_345 : checksum(bytes.subarray(from, end), 12_345)
  expect(sum.state).toBe(moved)
  return end
}

const anySeed = fc.integer({ min: 0, max: 0xffffffff })
const someLines = fc.array(fc.string({ maxLength: 700 }), { minLength: 1, maxLength: 20 })

describe('lines verified together', () => {
  it('verify if each does; what follows the last whole line does not matter', () => {
    fc.assert(
      fc.property(anySeed, someLines, fc.nat({ max: 9 }), (seed, texts, before) => {
        const lines = texts.map((text, i) => recordLine(i + 1, seed, text)).join('')
        const bytes = Buffer.from(`${'x'.repeat(before)}${lines}{"seq":99`)
        const end = before + Buffer.byteLength(lines)
        expect(verifyLines(bytes, before, bytes.length, seed)).toBe(end)
        expect(verifyLines(bytes, before, end, seed)).toBe(end)
      }),
    )
  })

  it('do not if any bit of them is another, or one line is of another log', () => {
    const seed = 7
    const lines = Buffer.from([1, 2, 3].map((seq) => recordLine(seq, seed, 'some text')).join(''))
    for (let bit = 0; bit < lines.length * 8; bit++) {
      const bytes = Buffer.from(lines)
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(verifyLines(bytes, 0, bytes.length, seed), String(bit)).not.toBe(bytes.length)
    }
    fc.assert(
      fc.property(anySeed, someLines, fc.nat(), (other, texts, at) => {
        fc.pre(other !== seed)
        const all = texts.map((text, i) =>
          recordLine(i + 1, i === at % texts.length ? other : seed, text),
        )
        const bytes = Buffer.from(all.join(''))
        expect(verifyLines(bytes, 0, bytes.length, seed)).toBe(-1)
      }),
    )
  })

  it('may be long', () => {
    const seed = 99
    const bytes = Buffer.from(
      sealLine(`{"text":"${'y'.repeat(3_000_000)}"`, seed) + recordLine(2, seed),
    )
    expect(verifyLines(bytes, 0, bytes.length, seed)).toBe(bytes.length)
  })
})
